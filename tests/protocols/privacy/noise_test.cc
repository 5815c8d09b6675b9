#include "protocols/privacy/noise.h"

#include <cmath>
#include <vector>

#include <gtest/gtest.h>

namespace consilium {
namespace {

constexpr std::uint32_t kSites = 10;  // Of which 4 honest shares are counted on.

Slot Noisy(std::size_t count, double step, std::uint64_t noise) {
  Slot slot;
  slot.encoding = Encoding::kNoisy;
  slot.count = count;
  slot.bound = 1'000;
  slot.step = step;
  slot.noise = noise;
  return slot;
}

/// Mean and variance of 10,000 sums that this many of ten sites are in, and what was said of them.
struct Observed {
  double mean = 0;
  double variance = 0;
  double said = 0;
};

Observed Simulate(const Slot& slot, std::uint32_t in_the_sum) {
  constexpr int kSums = 10'000;
  std::vector<SeededRandom> sites;
  for (std::uint64_t site = 0; site < kSites; ++site) sites.emplace_back(site);
  const std::vector<double> value = {2.5};
  Observed observed;
  double squares = 0;
  for (int i = 0; i < kSums; ++i) {
    RingVector sum(1, 0);
    for (std::uint32_t site = 0; site < in_the_sum; ++site) {
      RingVector words = EncodeFixedPoint(value, {&slot, 1}, kSites).value();
      EXPECT_TRUE(AddNoise({&slot, 1}, kSites, sites[site], words).has_value());
      AddTo(sum, words);
    }
    const Aggregate aggregate = OpenAggregate(sum, {&slot, 1}, kSites, in_the_sum).value();
    const double off = aggregate.values[0] - 2.5 * in_the_sum;
    observed.mean += off / kSums;
    squares += off * off;
    observed.said = aggregate.noise[0];
  }
  observed.variance = squares / kSums - observed.mean * observed.mean;
  return observed;
}

/// A sample variance of 10,000 normal numbers has a relative deviation of sqrt(2 / 9999) = 0.0141,
/// their mean one of a hundredth of theirs; five of each are left once in 1.7 million seeds.
TEST(NoiseTest, HasThePromisedVarianceWithAndWithoutDropOuts) {
  const double promised = 1 << 22;
  for (const double step : {1.0, 0x1p-30}) {
    const Slot slot = Noisy(1, step, 1 << 22);
    for (const std::uint32_t in_the_sum : {kSites, 7U}) {
      const Observed observed = Simulate(slot, in_the_sum);
      const double expected = promised * step * step * in_the_sum / 4;
      EXPECT_NEAR(observed.variance, expected, 5 * 0.0141 * expected) << in_the_sum;
      EXPECT_NEAR(observed.said, std::sqrt(expected), 1e-6 * std::sqrt(expected)) << in_the_sum;
      EXPECT_NEAR(observed.mean, 0, 0.05 * std::sqrt(expected)) << in_the_sum;
    }
  }
}

/// Of seven survivors three may collude and take their shares away.
TEST(NoiseTest, TheHonestSurvivorsOfTheFewestHaveAllThatIsPromised) {
  EXPECT_EQ(HonestSharesOf(kSites).value(), 4u);
  const Slot slot = Noisy(1, 1, 1 << 22);
  EXPECT_GE(Simulate(slot, 4).said, std::sqrt(double{1 << 22}));
}

TEST(NoiseTest, FallsOnNoisySlotsAloneAndIsSaidOfThem) {
  Slot count;
  count.encoding = Encoding::kCount;
  count.count = 2;
  count.bound = 10;
  const std::vector<Slot> slots = {count, Noisy(3, 0.5, 1 << 20), count};
  const std::vector<double> values = {1, 2, 3, 4, 5, 6, 7};
  RingVector words = EncodeFixedPoint(values, slots, 3).value();
  SeededRandom random(std::uint64_t{7});
  ASSERT_TRUE(AddNoise(slots, 3, random, words).has_value());
  const Aggregate aggregate = OpenAggregate(words, slots, 3, 1).value();
  for (const std::size_t i : {0U, 1U, 5U, 6U}) {
    EXPECT_EQ(aggregate.values[i], values[i]);
    EXPECT_EQ(aggregate.noise[i], 0);
  }
  for (const std::size_t i : {2U, 3U, 4U}) {
    EXPECT_NE(aggregate.values[i], values[i]);
    EXPECT_GT(aggregate.noise[i], 0);
  }
  EXPECT_TRUE(HasNoise(slots));
  EXPECT_FALSE(HasNoise({&count, 1}));
  EXPECT_TRUE(OpenAggregate(RingVector(2), {&count, 1}, 3, 3)->noise.empty());
}

TEST(NoiseTest, ASumIsThatOfItsAnswersUpToTheNoiseThatItMayHave) {
  Slot count;
  count.encoding = Encoding::kCount;
  count.count = 1;
  count.bound = 10;
  const std::vector<Slot> slots = {count, Noisy(2, 1, 1 << 20)};
  const std::vector<double> values = {3, 40, 50};
  const RingVector answers = EncodeFixedPoint(values, slots, kSites).value();
  const auto is_sum = [&](RingVector sum) { return IsSumOf(sum, answers, slots, kSites, kSites); };
  RingVector noised = answers;
  SeededRandom random(std::uint64_t{7});
  ASSERT_TRUE(AddNoise(slots, kSites, random, noised).has_value());
  EXPECT_TRUE(is_sum(noised));
  // A share has a variance of 2^18, ten of them a deviation of 1619.
  EXPECT_TRUE(is_sum({answers[0], answers[1] + 12 * 1'619, answers[2] - 12 * 1'619}));
  EXPECT_FALSE(is_sum({answers[0], answers[1] + 12 * 1'620, answers[2]}));
  EXPECT_FALSE(is_sum({answers[0], answers[1], answers[2] - 12 * 1'620}));
  EXPECT_FALSE(is_sum({answers[0] + 1, answers[1], answers[2]}));
}

TEST(NoiseTest, WhatCannotBeDrawnOrHeldIsAnError) {
  const auto fits = [](const Slot& slot) { return CheckCapacity({&slot, 1}, 5'000).has_value(); };
  EXPECT_TRUE(fits(Noisy(1, 0x1p-20, 1 << 20)));
  EXPECT_FALSE(fits(Noisy(1, 0x1p-50, 1 << 20)));
  EXPECT_FALSE(fits(Noisy(1, 0.3, 1 << 20)));
  EXPECT_FALSE(fits(Noisy(1, 0, 1 << 20)));
  EXPECT_FALSE(HonestSharesOf(6'000).has_value());
  EXPECT_EQ(HonestSharesOf(1).value(), 1u);
  RingVector words(1);
  SeededRandom random(std::uint64_t{7});
  const Slot silent = Noisy(1, 1, 0);
  EXPECT_FALSE(AddNoise({&silent, 1}, 3, random, words).has_value());
}

}  // namespace
}  // namespace consilium
