#include "simulations/storm/schedule.h"

#include <gtest/gtest.h>

#include "simulations/storm/storm.h"

namespace consilium {
namespace {

TEST(ScheduleTest, ANumberTakesTwoBytes) {
  const Bytes bytes{std::byte{0x80}, std::byte{0x00}, std::byte{0x00}, std::byte{0x05}};
  Schedule schedule(bytes);

  EXPECT_NEAR(schedule.Unit(), 0.5, 1e-9);
  EXPECT_FALSE(schedule.used_up());
  EXPECT_EQ(schedule.Below(7), ((5ULL << 48U) + 5) % 7);
  EXPECT_TRUE(schedule.used_up());
}

TEST(ScheduleTest, GarbageIsItsBytesAsTheyStand) {
  const Bytes bytes = ToBytes("abc");
  Schedule schedule(bytes);
  Bytes garbage(5);

  schedule.Fill(garbage);

  EXPECT_EQ(garbage, (Bytes{std::byte{'a'}, std::byte{'b'}, std::byte{'c'}, {}, {}}));
  EXPECT_TRUE(schedule.used_up());
}

TEST(ScheduleTest, AfterwardsNumbersGoOn) {
  Schedule schedule({});
  EXPECT_TRUE(schedule.used_up());
  EXPECT_NE(schedule.Unit(), schedule.Unit());
}

TEST(ScheduleTest, TheSameBytesAreTheSameStorm) {
  Bytes bytes(600);
  SeededRandom random(3);
  random.Fill(bytes);

  const SeedOutcome one = RunSchedule(bytes);
  const SeedOutcome same = RunSchedule(bytes);
  bytes[3] ^= std::byte{1};  // Of the second number: how many sites there are.
  const SeedOutcome other = RunSchedule(bytes);

  EXPECT_EQ(one.trace, same.trace);
  EXPECT_NE(one.sites, other.sites);
  EXPECT_NE(one.trace, other.trace);
  EXPECT_TRUE(one.violations.empty());
  EXPECT_TRUE(other.violations.empty());
}

TEST(ScheduleTest, WithoutBytesTheStudyEndsInCalm) {
  const SeedOutcome outcome = RunSchedule({});
  EXPECT_EQ(outcome.end, StormEnd::kFinished);
  EXPECT_TRUE(outcome.violations.empty());
}

}  // namespace
}  // namespace consilium
