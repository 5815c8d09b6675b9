#include "common/fixed_point.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <optional>

#include <gmock/gmock.h>
#include <rapidcheck/gtest.h>

#include "common/check.h"
#include "common/random.h"

namespace consilium {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

/// The reference: a sum of doubles without any rounding, as a two's complement number of 2368 bits
/// whose last bit weighs 2^-1250.
class ExactSum {
 public:
  /// Adds whole * 2^exponent.
  void Add(std::int64_t whole, int exponent) {
    const auto shift = static_cast<std::size_t>(exponent + 1250);
    const std::size_t word = shift / 64;
    const std::size_t bit = shift % 64;
    const auto number = static_cast<std::uint64_t>(whole);
    const std::uint64_t sign = whole < 0 ? ~std::uint64_t{0} : 0;
    std::uint64_t carry = 0;
    std::uint64_t below = 0;  // The word of the number that lies below the current one.
    for (std::size_t i = word; i < words_.size(); ++i) {
      const std::uint64_t part = i == word ? number : sign;
      const std::uint64_t shifted = bit == 0 ? part : (part << bit) | (below >> (64 - bit));
      below = part;
      const std::uint64_t sum = words_[i] + shifted;
      const std::uint64_t total = sum + carry;
      carry = (sum < shifted || total < sum) ? 1 : 0;
      words_[i] = total;
    }
  }
  void Add(double x) {
    int exponent = 0;
    const double mantissa = std::frexp(x, &exponent);
    Add(static_cast<std::int64_t>(std::ldexp(mantissa, 53)), exponent - 53);
  }
  bool negative() const { return (words_.back() >> 63) != 0; }

 private:
  std::array<std::uint64_t, 37> words_{};
};

/// Whether |exact - decoded| <= sites steps of 2^-(fraction_bits + 1) and half a unit in the last
/// place.
bool IsWithinTheStatedError(std::span<const double> values,
                            double decoded,
                            int sites,
                            int fraction_bits) {
  int exponent = 0;
  std::frexp(decoded, &exponent);
  const int ulp_exponent = std::max(exponent - 53, -1074);
  for (const std::int64_t sign : {1, -1}) {
    ExactSum slack;  // tolerance - sign (exact - decoded)
    slack.Add(sites, -(fraction_bits + 1));
    slack.Add(1, ulp_exponent - 1);
    for (const double x : values) slack.Add(sign > 0 ? -x : x);
    slack.Add(sign > 0 ? decoded : -decoded);
    if (slack.negative()) return false;
  }
  return true;
}

/// The header's a + k, derived from its conditions alone.
int FractionBits(double bound, std::uint32_t sites) {
  int q = 0;
  while (q < 62 && std::ldexp(2.0 * sites, q + 1) + 1 <= 0x1p64) ++q;
  // 2 n 2^q + 1 <= 2^64 is strict for powers of two, which doubles of this size cannot show.
  while (std::ldexp(2.0 * sites, q) >= 0x1p64) --q;
  int e = 0;
  std::frexp(bound, &e);
  return 2 * q + 1 - e;
}

double DecodedSum(std::span<const double> values, const Slot& slot, std::uint32_t sites) {
  RingVector sum(2, 0);
  for (const double x : values) AddTo(sum, EncodeFixedPoint({&x, 1}, {&slot, 1}, sites).value());
  return DecodeFixedPoint(sum, {&slot, 1}, sites).value().front();
}

std::vector<double> RandomValues(RandomSource& random, double bound, std::size_t count) {
  std::vector<double> values;
  for (std::size_t i = 0; i < count; ++i) {
    const double unit = 2 * random.Unit() - 1;
    // A third of the numbers many orders of magnitude below the bound.
    const int exponent = random.Below(3) == 0 ? -static_cast<int>(random.Below(140)) : 0;
    values.push_back(std::ldexp(unit * bound, exponent));
  }
  return values;
}

Slot Real(double bound, std::size_t count = 1) { return Slot{Encoding::kReal, count, bound}; }
Slot Count(double bound, std::size_t count = 1) { return Slot{Encoding::kCount, count, bound}; }

ErrorCode CodeOf(std::vector<double> values, std::vector<Slot> slots, std::uint32_t sites) {
  const Result<RingVector> words = EncodeFixedPoint(values, slots, sites);
  CHECK(!words.has_value());
  return words.error().code;
}

RC_GTEST_PROP(FixedPointTest, SumsWithinTheStatedError, (std::uint64_t seed)) {
  SeededRandom random(seed);
  const double bound = std::pow(10.0, 60 * random.Unit() - 30);
  const auto sites =
      static_cast<std::uint32_t>(random.Below(8) == 0 ? 10'000 : 1 + random.Below(100));
  const std::vector<double> values = RandomValues(random, bound, sites);
  const double decoded = DecodedSum(values, Real(bound), sites);
  RC_ASSERT(
      IsWithinTheStatedError(values, decoded, static_cast<int>(sites), FractionBits(bound, sites)));
}

RC_GTEST_PROP(FixedPointTest, DoesNotDependOnTheOrder, (std::uint64_t seed)) {
  SeededRandom random(seed);
  std::vector<double> values = RandomValues(random, 1e3, 50);
  const double forwards = DecodedSum(values, Real(1e3), 50);
  std::reverse(values.begin(), values.end());
  std::rotate(values.begin(), values.begin() + 17, values.end());
  RC_ASSERT(std::bit_cast<std::uint64_t>(DecodedSum(values, Real(1e3), 50)) ==
            std::bit_cast<std::uint64_t>(forwards));
}

RC_GTEST_PROP(FixedPointTest, GivesBackOneSitesDoubleToTheBit, (std::uint64_t seed)) {
  SeededRandom random(seed);
  const double bound = std::pow(10.0, 60 * random.Unit() - 30);
  // Within 2^-45 of the bound nothing of a double lies below the last limb, even at 10,000 sites.
  const double x = std::ldexp((2 * random.Unit() - 1) * bound, -static_cast<int>(random.Below(40)));
  if (std::abs(x) < std::ldexp(bound, -45)) return;
  for (const std::uint32_t sites : {1u, 2u, 10u, 10'000u}) {
    RC_ASSERT(DecodedSum({&x, 1}, Real(bound), sites) == x);
  }
}

TEST(FixedPointTest, RoundsTheSumOnceAndTiesToEven) {
  // 1 + 2^-53 is a tie that goes down to 1; with 2^-90 more it goes up; 1 + 3 2^-53 is a tie that
  // goes up. Adding doubles one by one loses the middle case.
  const double up = 1 + 0x1p-52;
  EXPECT_EQ(DecodedSum(std::vector{1.0, 0x1p-53}, Real(1), 3), 1.0);
  EXPECT_EQ(DecodedSum(std::vector{1.0, 0x1p-53, 0x1p-90}, Real(1), 3), up);
  EXPECT_EQ(DecodedSum(std::vector{1.0, 0x1p-53, -0x1p-90}, Real(1), 3), 1.0);
  EXPECT_EQ(DecodedSum(std::vector{1.0, 3 * 0x1p-53}, Real(1), 3), 1 + 0x1p-51);
  EXPECT_EQ(DecodedSum(std::vector{-1.0, -0x1p-53, -0x1p-90}, Real(1), 3), -up);
}

TEST(FixedPointTest, RemembersSmallNumbersThatLargeOnesHide) {
  EXPECT_EQ(DecodedSum(std::vector{1e15, 0.1, -1e15}, Real(1e15), 3), 0.1);
}

TEST(FixedPointTest, PinsTheWords) {
  // n = 2: Q = 2^61, a = 60 (the bound 1 is below 2^1), k = 62.
  const std::vector<double> values = {1.0, -0.75, 0x1p-61, 0x1p-100};
  const Slot slot = Real(1, 4);
  const RingVector words = EncodeFixedPoint(values, {&slot, 1}, 2).value();
  const std::uint64_t minus_three_quarters = 0 - (std::uint64_t{3} << 58);
  EXPECT_THAT(words, testing::ElementsAre(std::uint64_t{1} << 60, 0u, minus_three_quarters, 0u, 0u,
                                          std::uint64_t{1} << 61, 0u, std::uint64_t{1} << 22));
}

TEST(FixedPointTest, TurnsNegativeZeroIntoZero) {
  for (const Slot& slot : {Real(1), Count(1)}) {
    const std::vector<double> values = {-0.0};
    const RingVector words = EncodeFixedPoint(values, {&slot, 1}, 3).value();
    EXPECT_THAT(words, testing::Each(0u));
    EXPECT_FALSE(std::signbit(DecodeFixedPoint(words, {&slot, 1}, 3).value().front()));
  }
}

TEST(FixedPointTest, CarriesDenormals) {
  constexpr double kTiny = std::numeric_limits<double>::denorm_min();
  EXPECT_EQ(DecodedSum(std::vector{kTiny, kTiny}, Real(1e-320), 5), 2 * kTiny);
  EXPECT_EQ(DecodedSum(std::vector{3e-310, -1e-310}, Real(1e-305), 5), 3e-310 - 1e-310);
  EXPECT_EQ(DecodedSum(std::vector{kTiny, -kTiny}, Real(1e30), 5), 0.0);
}

TEST(FixedPointTest, RoundsIntoTheDenormalsOnce) {
  // With the smallest double d as bound and n = 4 (Q = 2^60), half of d is 2^58 in the high word.
  constexpr double kTiny = std::numeric_limits<double>::denorm_min();
  const Slot slot = Real(kTiny);
  const auto decoded = [&](std::uint64_t halves, std::uint64_t low) {
    const RingVector words = {halves << 58, low};
    return DecodeFixedPoint(words, {&slot, 1}, 4).value().front();
  };
  const std::uint64_t minus_one = ~std::uint64_t{0};
  EXPECT_EQ(decoded(2, 0), kTiny);
  EXPECT_EQ(decoded(1, 0), 0.0);
  EXPECT_EQ(decoded(1, 1), kTiny);
  EXPECT_EQ(decoded(3, 0), 2 * kTiny);
  EXPECT_EQ(decoded(3, minus_one), kTiny);
  EXPECT_EQ(decoded(5, 0), 2 * kTiny);
  EXPECT_EQ(decoded(5, 1), 3 * kTiny);
}

TEST(FixedPointTest, TakesTheBoundItselfFromEverySite) {
  for (const double bound : {1.0, 3.0, 1e-30, 1e30, std::nextafter(2.0, 0.0)}) {
    for (const std::uint32_t sites : {1u, 3u, 7u, 64u, 10'000u}) {
      for (const double sign : {1.0, -1.0}) {
        const std::vector<double> values(sites, sign * bound);
        const double decoded = DecodedSum(values, Real(bound), sites);
        EXPECT_TRUE(IsWithinTheStatedError(values, decoded, static_cast<int>(sites),
                                           FractionBits(bound, sites)))
            << bound << " from " << sites;
      }
    }
  }
}

TEST(FixedPointTest, CountsExactly) {
  const Slot slot = Count(1e6);
  RingVector sum(1, 0);
  for (int i = 0; i < 10'000; ++i) {
    const double x = 1e6 - i % 2;
    AddTo(sum, EncodeFixedPoint({&x, 1}, {&slot, 1}, 10'000).value());
  }
  EXPECT_EQ(DecodeFixedPoint(sum, {&slot, 1}, 10'000).value().front(), 1e10 - 5'000);
}

TEST(FixedPointTest, RefusesNumbersThatAreNotFinite) {
  for (const Slot& slot : {Real(1e300), Count(100)}) {
    for (const double x : {kNan, kInfinity, -kInfinity}) {
      EXPECT_EQ(CodeOf({x}, {slot}, 3), ErrorCode::kDataQuality);
    }
  }
}

TEST(FixedPointTest, RefusesNumbersOverTheirBound) {
  EXPECT_EQ(CodeOf({std::nextafter(2.0, 3.0)}, {Real(2)}, 3), ErrorCode::kDataQuality);
  EXPECT_EQ(CodeOf({-std::nextafter(2.0, 3.0)}, {Real(2)}, 3), ErrorCode::kDataQuality);
  EXPECT_EQ(CodeOf({101}, {Count(100)}, 3), ErrorCode::kDataQuality);
  EXPECT_EQ(CodeOf({-1}, {Count(100)}, 3), ErrorCode::kDataQuality);
  EXPECT_EQ(CodeOf({0.5}, {Count(100)}, 3), ErrorCode::kDataQuality);
}

TEST(FixedPointTest, NamesThePlaceButNeverTheValue) {
  const std::vector<Slot> slots = {Count(10, 2), Real(1, 3)};
  const std::vector<double> values = {1, 2, 0.5, 0.25, 7654.5};
  const Result<RingVector> words = EncodeFixedPoint(values, slots, 3);
  ASSERT_FALSE(words.has_value());
  EXPECT_THAT(words.error().message, testing::HasSubstr("slot 1, number 2"));
  EXPECT_THAT(words.error().message, testing::Not(testing::HasSubstr("7654")));
}

TEST(CheckCapacityTest, RefusesBoundsThatTheSumCannotHold) {
  const auto code = [](const Slot& slot, std::uint32_t sites) {
    const Status status = CheckCapacity({&slot, 1}, sites);
    return status.has_value() ? std::optional<ErrorCode>() : status.error().code;
  };
  EXPECT_EQ(code(Count(0x1p62), 1), std::nullopt);
  EXPECT_EQ(code(Count(0x1p62), 2), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code(Count(1e18), 10), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code(Real(1e300), 10), std::nullopt);
  EXPECT_EQ(code(Real(1e308), 10), ErrorCode::kInvalidArgument);
  for (const double bound : {0.0, -1.0, kInfinity, kNan}) {
    EXPECT_EQ(code(Real(bound), 3), ErrorCode::kInvalidArgument);
    EXPECT_EQ(code(Count(bound), 3), ErrorCode::kInvalidArgument);
  }
  EXPECT_EQ(code(Real(1), 0), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code(Slot{Encoding{9}, 1, 1.0}, 3), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code(Real(1), std::numeric_limits<std::uint32_t>::max()), std::nullopt);
}

TEST(FixedPointTest, RefusesAnotherNumberOfValuesOrWords) {
  const std::vector<Slot> slots = {Count(10, 2), Real(1, 3)};
  EXPECT_EQ(WordsOf(slots), 8u);
  EXPECT_EQ(CodeOf({1, 2, 0, 0}, slots, 3), ErrorCode::kInvalidArgument);
  const Result<std::vector<double>> numbers = DecodeFixedPoint(RingVector(7), slots, 3);
  ASSERT_FALSE(numbers.has_value());
  EXPECT_EQ(numbers.error().code, ErrorCode::kCorrupt);
}

TEST(FixedPointTest, RefusesSumsThatNoContributionsGive) {
  const auto decodes = [](RingVector words, const Slot& slot) {
    return DecodeFixedPoint(words, {&slot, 1}, 2).has_value();
  };
  EXPECT_TRUE(decodes({20}, Count(10)));
  EXPECT_FALSE(decodes({21}, Count(10)));
  EXPECT_FALSE(decodes({~std::uint64_t{0}}, Count(10)));
  const std::uint64_t two = std::uint64_t{2} << 60;
  EXPECT_TRUE(decodes({two, 2}, Real(1)));
  EXPECT_FALSE(decodes({two, 3}, Real(1)));
  EXPECT_TRUE(decodes({0 - two, std::uint64_t{0} - 2}, Real(1)));
  EXPECT_FALSE(decodes({0 - two, std::uint64_t{0} - 3}, Real(1)));
}

TEST(FixedPointTest, MixesSlotsInOrder) {
  const std::vector<Slot> slots = {Count(10, 1), Real(4, 2), Count(5, 1)};
  const std::vector<double> values = {7, -1.25, 3.5, 2};
  const RingVector words = EncodeFixedPoint(values, slots, 5).value();
  EXPECT_EQ(DecodeFixedPoint(words, slots, 5).value(), values);
}

TEST(AddToDeathTest, TakesOneLengthOnly) {
  RingVector to(2);
  EXPECT_DEATH(AddTo(to, RingVector(3)), "broken invariant");
}

}  // namespace
}  // namespace consilium
