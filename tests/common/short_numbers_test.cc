// Numbers of which two share a word: what a sum of them tells, and how they are rounded.

#include <cmath>
#include <limits>
#include <vector>

#include <gmock/gmock.h>
#include <rapidcheck/gtest.h>

#include "common/fixed_point.h"
#include "common/random.h"

namespace consilium {
namespace {

constexpr std::uint64_t kWhole = std::uint64_t{1} << 32;

Slot Short(double bound, std::size_t count, std::uint64_t dither = 1) {
  return Slot{Encoding::kShort, count, bound, dither};
}

std::vector<double> Decoded(const RingVector& sum, const Slot& slot, std::uint32_t sites) {
  return DecodeFixedPoint(sum, {&slot, 1}, sites).value();
}

TEST(ShortNumbersTest, PinsTheWords) {
  // n = 3: Q = 2^29 (6 * 2^29 + 1 < 2^32), a = 28 (the bound 1 is below 2^1). Whole steps are not
  // rounded, whatever the dither.
  const std::vector<double> values = {1.0, -0x1p-28, -0.5, 0x1p-28, -1.0};
  const Slot slot = Short(1, 5);
  const RingVector words = EncodeFixedPoint(values, {&slot, 1}, 3).value();
  const std::uint64_t one = std::uint64_t{1} << 28;
  EXPECT_THAT(words, testing::ElementsAre(one - kWhole, kWhole - (one >> 1), 0 - one));
  EXPECT_EQ(Decoded(words, slot, 3), values);
}

/// Against integers summed apart, with every sign of both neighbours in a word.
RC_GTEST_PROP(ShortNumbersTest, TheSumIsThatOfTheIntegers, (std::uint64_t seed)) {
  SeededRandom random(seed);
  const auto sites = static_cast<std::uint32_t>(1 + random.Below(200));
  const std::size_t count = 1 + random.Below(7);
  const double bound = std::pow(10.0, 12 * random.Unit() - 6);
  const Slot slot = Short(bound, count, random.Below(1'000));
  RingVector sum((count + 1) / 2, 0);
  std::vector<double> integers(count, 0.0);
  for (std::uint32_t site = 0; site < sites; ++site) {
    std::vector<double> values;
    for (std::size_t i = 0; i < count; ++i) values.push_back((2 * random.Unit() - 1) * bound);
    const RingVector words = EncodeFixedPoint(values, {&slot, 1}, sites).value();
    AddTo(sum, words);
    const std::vector<double> own = Decoded(words, slot, sites);
    for (std::size_t i = 0; i < count; ++i) integers[i] += own[i];  // Exact: multiples of a step.
  }
  RC_ASSERT(Decoded(sum, slot, sites) == integers);
}

TEST(ShortNumbersTest, TakesTheBoundItselfFromEverySite) {
  for (const double bound : {1.0, 3.0, 1e-30, 1e30, std::nextafter(2.0, 0.0)}) {
    for (const std::uint32_t sites : {1u, 3u, 7u, 64u, 5'000u, 1'000'000u}) {
      const Slot slot = Short(bound, 4);
      const std::vector<double> values = {bound, -bound, -bound, bound};
      RingVector sum(2, 0);
      for (std::uint32_t i = 0; i < sites; ++i) {
        ASSERT_TRUE(AddFixedPoint(values, {&slot, 1}, sites, sum).has_value());
      }
      const std::vector<double> decoded = Decoded(sum, slot, sites);
      // A step is at most 2^-q of the bound, 2 n 2^(q+1) > 2^32 - 1.
      const double step = bound * sites * 0x1p-29;
      for (std::size_t i = 0; i < 4; ++i) EXPECT_NEAR(decoded[i], sites * values[i], sites * step);
    }
  }
}

/// 200,000 numbers of 0.3 steps: the mean of their roundings has a deviation of
/// sqrt(.3 * .7 / 200,000) = 0.00102 steps; it lies 5 of them off once in 1.7 million seeds.
TEST(ShortNumbersTest, RoundingIsRightOnAverageOverIndicesRoundsAndNumbers) {
  constexpr std::size_t kCount = 200'000;
  constexpr double kTolerance = 5 * 0.00102;
  const double step = 0x1p-28;
  const std::vector<double> same(kCount, 0.3 * step);
  const auto mean_in_steps = [&](const std::vector<double>& numbers) {
    double sum = 0;
    for (const double number : numbers) sum += number / step;
    return sum / static_cast<double>(numbers.size());
  };
  const Slot slot = Short(1, kCount);
  const auto round = [&](const std::vector<double>& values, const Slot& in) {
    return Decoded(EncodeFixedPoint(values, {&in, 1}, 3).value(), in, 3);
  };
  EXPECT_NEAR(mean_in_steps(round(same, slot)), 0.3, kTolerance);
  std::vector<double> over_rounds;
  for (std::uint64_t dither = 0; dither < kCount; ++dither) {
    over_rounds.push_back(round({0.3 * step}, Short(1, 1, dither << 32))[0]);
  }
  EXPECT_NEAR(mean_in_steps(over_rounds), 0.3, kTolerance);
  // Sites differ in their numbers alone.
  std::vector<double> over_sites;
  for (std::size_t i = 0; i < kCount; ++i) {
    const double x = (0.3 + 1e-9 * static_cast<double>(i)) * step;
    over_sites.push_back(round({x}, Short(1, 1))[0]);
  }
  EXPECT_NEAR(mean_in_steps(over_sites), 0.3 + 0.5e-9 * kCount, kTolerance);
}

TEST(ShortNumbersTest, RefusesWhatDoesNotFit) {
  const auto code = [](std::vector<double> values, const Slot& slot, std::uint32_t sites) {
    const Result<RingVector> words = EncodeFixedPoint(values, {&slot, 1}, sites);
    return words ? ErrorCode{} : words.error().code;
  };
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(code({nan}, Short(1, 1), 3), ErrorCode::kDataQuality);
  EXPECT_EQ(code({0, std::nextafter(1.0, 2.0)}, Short(1, 2), 3), ErrorCode::kDataQuality);
  EXPECT_EQ(code({0}, Short(1, 1), 1u << 24), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code({0, 0}, Short(1, 3), 3), ErrorCode::kInvalidArgument);
}

TEST(ShortNumbersTest, RefusesSumsThatNoContributionsGive) {
  const auto decodes = [](std::uint64_t word, const Slot& slot) {
    const RingVector words = {word};
    return DecodeFixedPoint(words, {&slot, 1}, 3).has_value();
  };
  const std::uint64_t three = (std::uint64_t{3} << 28) + 3;  // Of the bound, and a step for each.
  EXPECT_TRUE(decodes(three, Short(1, 2)));
  EXPECT_FALSE(decodes(three + 1, Short(1, 2)));
  EXPECT_TRUE(decodes(three * kWhole, Short(1, 2)));
  EXPECT_FALSE(decodes((three + 1) * kWhole, Short(1, 2)));
  EXPECT_TRUE(decodes(0 - three * kWhole - three, Short(1, 2)));
  EXPECT_FALSE(decodes(0 - three * kWhole - three - 1, Short(1, 2)));
  // Nothing was put into the half that is left over.
  EXPECT_TRUE(decodes(7, Short(1, 1)));
  EXPECT_FALSE(decodes(7 + kWhole, Short(1, 1)));
}

}  // namespace
}  // namespace consilium
