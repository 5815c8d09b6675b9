#include "common/log_limiter.h"

#include <gtest/gtest.h>

namespace consilium {
namespace {

TEST(LogLimiterTest, WritesAFewLinesOfAKindAndThenCounts) {
  LogLimiter limiter;
  const Instant now{1'000};
  for (std::uint64_t i = 0; i < LogLimiter::kLinesInAWhile; ++i) {
    EXPECT_EQ(limiter.MayWrite("garbage", now), 0u);
  }
  for (int i = 0; i < 100; ++i) EXPECT_EQ(limiter.MayWrite("garbage", now), std::nullopt);

  EXPECT_EQ(limiter.MayWrite("garbage", now + LogLimiter::kWhile), 100u);
  EXPECT_EQ(limiter.MayWrite("garbage", now + LogLimiter::kWhile), 0u);
}

TEST(LogLimiterTest, KindsDoNotSilenceEachOther) {
  LogLimiter limiter;
  for (int i = 0; i < 100; ++i) limiter.MayWrite("garbage", Instant{0});
  EXPECT_EQ(limiter.MayWrite("forged", Instant{0}), 0u);
}

TEST(LogLimiterTest, ManyKindsDoNotGrowIt) {
  LogLimiter limiter;
  for (int i = 0; i < 5'000; ++i) {
    EXPECT_EQ(limiter.MayWrite("kind " + std::to_string(i), Instant{0}), 0u);
  }
  EXPECT_EQ(limiter.MayWrite("another", Instant{0}), 0u);
}

}  // namespace
}  // namespace consilium
