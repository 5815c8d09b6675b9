#include "common/runtime_clock.h"

#include <ctime>

#include <gtest/gtest.h>

namespace consilium {
namespace {

TEST(RuntimeClockTest, GoesForwardAndKnowsTheDate) {
  const Moment first = ReadClocks();
  const Moment second = ReadClocks();
  EXPECT_LE(first.monotonic, second.monotonic);
  EXPECT_NEAR(static_cast<double>(second.utc.seconds), static_cast<double>(std::time(nullptr)), 2);
}

TEST(RuntimeClockTest, TimeAsleepIsTheSameWhileNobodySleeps) {
  const Duration first = ReadTimeAsleep();
  const Duration second = ReadTimeAsleep();
  EXPECT_GE(first.count(), -1);
  EXPECT_NEAR(static_cast<double>(first.count()), static_cast<double>(second.count()), 1'000);
}

}  // namespace
}  // namespace consilium
