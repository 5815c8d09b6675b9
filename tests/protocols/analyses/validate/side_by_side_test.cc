#include "protocols/analyses/validate/side_by_side.h"

#include <stdexcept>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace consilium::validate {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// Notes each step of every loop, in the order in which they are taken: no lock is needed.
using Steps = std::vector<std::string>;

/// Asks `rounds` times, and notes what it was given.
LoopThread::Loop Asking(const std::string& name, int rounds, Steps& steps) {
  return [name, rounds, &steps](Federation& federation) {
    for (int i = 0; i < rounds; ++i) {
      const Aggregate sum = federation.Sum(Query{Bytes{static_cast<std::byte>(i)}});
      steps.push_back(name + std::to_string(static_cast<int>(sum.values.at(0))));
    }
    steps.push_back(name + " ends");
  };
}

/// Answers 10 times the loop's number plus its query, and notes who asked.
class Federator {
 public:
  Result<std::vector<Aggregate>> operator()(const std::vector<Pending>& pending) {
    std::string round;
    std::vector<Aggregate> sums;
    for (const Pending& one : pending) {
      const auto query = static_cast<int>(one.query.body.at(0));
      round += std::to_string(one.loop);
      sums.push_back({{10.0 * static_cast<double>(one.loop) + query}, 3});
    }
    rounds.push_back(round);
    if (rounds.size() == fails_at) return Fail(ErrorCode::kCorrupt, "no sum");
    if (rounds.size() == interrupted_at) throw StudyInterrupted();
    return sums;
  }

  std::vector<std::string> rounds;
  std::size_t fails_at = 0;
  std::size_t interrupted_at = 0;
};

TEST(SideBySideTest, TakesAsManyRoundsAsTheLongestLoop) {
  Steps steps;
  Federator federator;
  const Status status = RunSideBySide(
      {Asking("a", 2, steps), Asking("b", 4, steps), Asking("c", 0, steps), Asking("d", 1, steps)},
      std::ref(federator));
  EXPECT_TRUE(status.has_value());
  EXPECT_THAT(federator.rounds, ElementsAre("013", "01", "1", "1"));
  EXPECT_THAT(steps, ElementsAre("c ends", "a0", "b10", "d30", "d ends", "a1", "a ends", "b11",
                                 "b12", "b13", "b ends"));
}

TEST(SideBySideTest, NoLoopsAskNothing) {
  Federator federator;
  EXPECT_TRUE(RunSideBySide({}, std::ref(federator)).has_value());
  EXPECT_THAT(federator.rounds, IsEmpty());
}

TEST(SideBySideTest, AnErrorOfASumInterruptsEveryLoop) {
  Steps steps;
  Federator federator;
  federator.fails_at = 2;
  const Status status =
      RunSideBySide({Asking("a", 3, steps), Asking("b", 3, steps)}, std::ref(federator));
  ASSERT_FALSE(status.has_value());
  EXPECT_THAT(status.error().message, HasSubstr("no sum"));
  EXPECT_THAT(steps, ElementsAre("a0", "b10"));
}

TEST(SideBySideTest, AnInterruptedStudyUnwindsEveryLoop) {
  int unwound = 0;
  const LoopThread::Loop loop = [&unwound](Federation& federation) {
    try {
      for (;;) federation.Sum(Query{Bytes{std::byte{0}}});
    } catch (const StudyInterrupted&) {
      ++unwound;
      throw;
    }
  };
  Federator federator;
  federator.interrupted_at = 3;
  EXPECT_THROW(RunSideBySide({loop, loop, loop}, std::ref(federator)).has_value(),
               StudyInterrupted);
  EXPECT_EQ(unwound, 3);
}

TEST(SideBySideTest, WhatALoopThrowsEndsAll) {
  Steps steps;
  Federator federator;
  const LoopThread::Loop broken = [](Federation& federation) {
    federation.Sum(Query{Bytes{std::byte{0}}});
    throw std::runtime_error("broken");
  };
  EXPECT_THROW(
      RunSideBySide({Asking("a", 3, steps), broken, Asking("c", 3, steps)}, std::ref(federator))
          .has_value(),
      std::runtime_error);
  EXPECT_THAT(steps, ElementsAre("a0"));
}

}  // namespace
}  // namespace consilium::validate
