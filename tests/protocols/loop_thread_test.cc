#include "protocols/loop_thread.h"

#include <stdexcept>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace consilium {
namespace {

using ::testing::ElementsAre;

Query QueryNumbered(int number) { return Query{Bytes{static_cast<std::byte>(number)}}; }

/// Asks `rounds` times and notes what it gets.
LoopThread::Loop Asking(int rounds, std::vector<double>& seen) {
  return [rounds, &seen](Federation& federation) {
    for (int i = 0; i < rounds; ++i) {
      seen.push_back(federation.Sum(QueryNumbered(i)).values.at(0));
    }
  };
}

TEST(LoopThreadTest, AlternatesWithItsCallerUntilTheEnd) {
  std::vector<double> seen;
  LoopThread thread(Asking(3, seen));
  std::optional<Query> query = thread.Start();
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(query.has_value());
    EXPECT_EQ(query->body.at(0), static_cast<std::byte>(i));
    EXPECT_EQ(seen.size(), static_cast<std::size_t>(i));
    query = thread.Resume(Aggregate{{i + 0.5}, 3});
  }
  EXPECT_FALSE(query.has_value());
  EXPECT_THAT(seen, ElementsAre(0.5, 1.5, 2.5));
}

TEST(LoopThreadTest, ALoopThatAsksNothingEndsAtOnce) {
  std::vector<double> seen;
  LoopThread thread(Asking(0, seen));
  EXPECT_FALSE(thread.Start().has_value());
}

TEST(LoopThreadTest, IsInterruptedWhereItWaits) {
  for (int rounds = 0; rounds < 3; ++rounds) {
    std::vector<double> seen;
    bool unwound = false;
    {
      LoopThread thread([&](Federation& federation) {
        try {
          Asking(5, seen)(federation);
        } catch (const StudyInterrupted&) {
          unwound = true;
          throw;
        }
      });
      thread.Start();
      for (int i = 0; i < rounds; ++i) thread.Resume(Aggregate{{1}, 3});
    }
    EXPECT_TRUE(unwound);
    EXPECT_EQ(seen.size(), static_cast<std::size_t>(rounds));
  }
  std::vector<double> seen;
  LoopThread never_started(Asking(1, seen));
}

TEST(LoopThreadTest, WhatTheLoopThrowsComesOut) {
  LoopThread thread([](Federation& federation) {
    if (federation.Sum(QueryNumbered(1)).values.at(0) < 0) throw std::runtime_error("negative");
  });
  thread.Start();
  EXPECT_THROW(thread.Resume(Aggregate{{-1}, 3}), std::runtime_error);
}

}  // namespace
}  // namespace consilium
