#include "common/transport/connection_watch.h"

#include <gtest/gtest.h>

namespace consilium {
namespace {

constexpr std::uint64_t kMiB = 1U << 20;

TEST(LookScheduleTest, LooksAtFewConnectionsEachTime) {
  LookSchedule schedule;
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(schedule.Due(1'000, 50 * kMiB, Instant{5'000}));
}

TEST(LookScheduleTest, LooksAtThousandsOnceASecond) {
  LookSchedule schedule;
  EXPECT_TRUE(schedule.Due(10'000, 50 * kMiB, Instant{5'000}));
  EXPECT_FALSE(schedule.Due(10'000, 50 * kMiB, Instant{5'100}));
  EXPECT_FALSE(schedule.Due(10'000, 57 * kMiB, Instant{5'999}));
  EXPECT_TRUE(schedule.Due(10'000, 57 * kMiB, Instant{6'000}));
  EXPECT_FALSE(schedule.Due(10'000, 57 * kMiB, Instant{6'001}));
}

TEST(LookScheduleTest, LooksAtOnceWhenMemoryHasGrown) {
  LookSchedule schedule;
  EXPECT_TRUE(schedule.Due(10'000, 50 * kMiB, Instant{5'000}));
  EXPECT_TRUE(schedule.Due(10'000, 58 * kMiB, Instant{5'100}));
  EXPECT_FALSE(schedule.Due(10'000, 60 * kMiB, Instant{5'200})) << "it was looked since";
  EXPECT_FALSE(schedule.Due(10'000, 40 * kMiB, Instant{5'300}));
  EXPECT_TRUE(schedule.Due(10'000, 48 * kMiB, Instant{5'400})) << "given back, and filled again";
}

}  // namespace
}  // namespace consilium
