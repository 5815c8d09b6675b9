// Covers protocols/privacy/uniform_bits.cc as well.

#include "protocols/privacy/discrete_gaussian.h"

#include <cmath>
#include <map>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace consilium {
namespace {

DiscreteGaussian Noise(std::uint64_t numerator, std::uint64_t denominator = 1) {
  return DiscreteGaussian::Create(RationalVariance{numerator, denominator}).value();
}

/// Pearson's statistic as a normal deviate: (chi^2 - k) / sqrt(2 k) for k degrees of freedom.
double Deviate(double chi_square, double degrees) {
  return (chi_square - degrees) / std::sqrt(2 * degrees);
}

// Seeds are fixed. False alarms of the chi-square tests, were they not: 5 deviates are exceeded
// with probability below 1e-5 for these degrees of freedom (the distribution is a little skewed).
constexpr double kMostDeviates = 5;

struct Sample {
  std::map<std::int64_t, double> counts;
  double size = 0;
};

Sample Drawn(const DiscreteGaussian& noise, int draws, std::uint64_t seed) {
  SeededRandom random(seed);
  UniformBits bits(random);
  Sample sample;
  // A window of counters, since a map at every draw would take most of the time.
  constexpr std::int64_t kWindow = 4096;
  std::vector<int> window(2 * kWindow + 1);
  for (int i = 0; i < draws; ++i) {
    const std::int64_t x = noise.Draw(bits);
    if (std::abs(x) <= kWindow) {
      ++window[static_cast<std::size_t>(x + kWindow)];
    } else {
      ++sample.counts[x];
    }
  }
  for (std::int64_t x = -kWindow; x <= kWindow; ++x) {
    const int count = window[static_cast<std::size_t>(x + kWindow)];
    if (count > 0) sample.counts[x] = count;
  }
  sample.size = draws;
  return sample;
}

double CountOf(const Sample& sample, std::int64_t x) {
  const auto found = sample.counts.find(x);
  return found == sample.counts.end() ? 0 : found->second;
}

/// Chi-square over all values with at least ten expected draws, the rest in two tails.
void ExpectFits(const Sample& sample, const DiscreteGaussian& noise) {
  std::int64_t edge = 0;
  while (noise.Mass(edge + 1) * sample.size >= 10) ++edge;
  double chi_square = 0;
  double inside = 0;
  double mass_inside = 0;
  for (std::int64_t x = -edge; x <= edge; ++x) {
    const double expected = noise.Mass(x) * sample.size;
    const double difference = CountOf(sample, x) - expected;
    chi_square += difference * difference / expected;
    inside += CountOf(sample, x);
    mass_inside += noise.Mass(x);
  }
  const double expected_outside = (1 - mass_inside) * sample.size;
  const double outside = sample.size - inside;
  chi_square += (outside - expected_outside) * (outside - expected_outside) / expected_outside;
  EXPECT_LT(Deviate(chi_square, static_cast<double>(2 * edge + 1)), kMostDeviates);
  EXPECT_GT(Deviate(chi_square, static_cast<double>(2 * edge + 1)), -kMostDeviates);
}

/// Mean, variance and fourth moment, each within five of their standard errors.
void ExpectMoments(const Sample& sample, const DiscreteGaussian& noise) {
  const double sigma = std::sqrt(noise.variance().value());
  std::vector<double> exact(9, 0.0);
  const auto reach = static_cast<std::int64_t>(40 * sigma + 2);
  for (std::int64_t x = -reach; x <= reach; ++x) {
    for (int k = 0; k <= 8; ++k) {
      exact[static_cast<std::size_t>(k)] += noise.Mass(x) * std::pow(static_cast<double>(x), k);
    }
  }
  for (const std::size_t k : {1U, 2U, 4U}) {
    double mean = 0;
    for (const auto& [x, count] : sample.counts) {
      mean += count * std::pow(static_cast<double>(x), static_cast<double>(k)) / sample.size;
    }
    const double error = std::sqrt((exact[2 * k] - exact[k] * exact[k]) / sample.size);
    EXPECT_NEAR(mean, exact[k], 5 * error) << "moment " << k;
  }
}

/// The number of draws beyond r deviations, for r up to what few draws reach, is binomial: within
/// five standard errors, and three more draws for the rare ones.
void ExpectTails(const Sample& sample, const DiscreteGaussian& noise) {
  const double sigma = std::sqrt(noise.variance().value());
  for (const double r : {1.0, 2.0, 3.0, 4.0, 4.5, 5.0}) {
    const auto from = static_cast<std::int64_t>(std::ceil(r * sigma));
    double mass = 0;
    for (std::int64_t x = from; x <= from + static_cast<std::int64_t>(40 * sigma) + 2; ++x) {
      mass += noise.Mass(x);
    }
    double above = 0;
    double below = 0;
    for (const auto& [x, count] : sample.counts) {
      if (x >= from) above += count;
      if (x <= -from) below += count;
    }
    const double expected = mass * sample.size;
    EXPECT_NEAR(above, expected, 5 * std::sqrt(expected) + 3) << r << " deviations above";
    EXPECT_NEAR(below, expected, 5 * std::sqrt(expected) + 3) << r << " deviations below";
  }
}

// Narrow (one value has most of the mass), near one, and wide: the Laplace scales 1, 2 and 101.
class TenMillionDrawsTest : public ::testing::TestWithParam<RationalVariance> {};

TEST_P(TenMillionDrawsTest, FollowTheMassFunction) {
  const DiscreteGaussian noise = DiscreteGaussian::Create(GetParam()).value();
  const Sample sample = Drawn(noise, 10'000'000, GetParam().numerator);
  ExpectFits(sample, noise);
  ExpectMoments(sample, noise);
  ExpectTails(sample, noise);
}

INSTANTIATE_TEST_SUITE_P(Widths,
                         TenMillionDrawsTest,
                         ::testing::Values(RationalVariance{1, 4},
                                           RationalVariance{7, 3},
                                           RationalVariance{10'000, 1}));

TEST(DiscreteGaussianTest, MassesSumToOneAndHaveTheRatiosOfTheirDefinition) {
  for (const DiscreteGaussian& noise : {Noise(1, 100), Noise(99, 100), Noise(1), Noise(400)}) {
    double sum = 0;
    for (std::int64_t x = -2000; x <= 2000; ++x) sum += noise.Mass(x);
    // A few thousand terms, each rounded: 1e-13.
    EXPECT_NEAR(sum, 1, 1e-13) << noise.variance().value();
    EXPECT_NEAR(noise.Mass(1) / noise.Mass(0), std::exp(-0.5 / noise.variance().value()), 1e-14);
    EXPECT_EQ(noise.Mass(-3), noise.Mass(3));
  }
}

// The largest terms that are allowed: products of 124 bits. 10^5 draws in cells of a twentieth of a
// deviation, against the normal distribution, which this one is within 1e-8 of.
TEST(DiscreteGaussianTest, TheWidestNoiseDoesNotOverflow) {
  for (const RationalVariance& variance :
       {RationalVariance{kMaxVarianceTerm, 1}, RationalVariance{kMaxVarianceTerm, 3},
        RationalVariance{kMaxVarianceTerm - 1, kMaxVarianceTerm / 1'000'000}}) {
    const DiscreteGaussian noise = DiscreteGaussian::Create(variance).value();
    SeededRandom random(5);
    UniformBits bits(random);
    const double sigma = std::sqrt(variance.value());
    std::map<int, double> counts;
    constexpr int kDraws = 100'000;
    for (int i = 0; i < kDraws; ++i) {
      ++counts[static_cast<int>(std::floor(static_cast<double>(noise.Draw(bits)) / sigma * 2))];
    }
    double chi_square = 0;
    for (int cell = -6; cell < 6; ++cell) {
      const auto upper = [](double z) { return 0.5 * std::erfc(z / std::sqrt(2.0)); };
      // A boundary holds half of its lattice point's mass on the wrong side: a sixth of a
      // standard error of the count for the narrowest one here, of deviation 1000.
      const double expected = (upper(cell / 2.0) - upper((cell + 1) / 2.0)) * kDraws;
      const double difference = counts[cell] - expected;
      chi_square += difference * difference / expected;
    }
    EXPECT_LT(Deviate(chi_square, 12), kMostDeviates);
  }
}

TEST(DiscreteGaussianTest, AVarianceNextToNothingGivesZero) {
  SeededRandom random(2);
  UniformBits bits(random);
  const DiscreteGaussian noise = Noise(1, kMaxVarianceTerm);
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(noise.Draw(bits), 0);
}

TEST(DiscreteGaussianTest, RefusesTermsWithoutProofAgainstOverflow) {
  for (const RationalVariance& variance :
       {RationalVariance{0, 1}, RationalVariance{1, 0}, RationalVariance{kMaxVarianceTerm + 1, 1},
        RationalVariance{1, kMaxVarianceTerm + 1}}) {
    const Result<DiscreteGaussian> noise = DiscreteGaussian::Create(variance);
    ASSERT_FALSE(noise.has_value());
    EXPECT_EQ(noise.error().code, ErrorCode::kInvalidArgument);
    EXPECT_THAT(noise.error().remedy, ::testing::HasSubstr("coarser lattice"));
  }
}

TEST(DiscreteGaussianTest, TheSameSeedGivesTheSameNoise) {
  std::vector<std::int64_t> drawn[2];
  for (std::vector<std::int64_t>& draws : drawn) {
    SeededRandom random(9);
    UniformBits bits(random);
    for (int i = 0; i < 50; ++i) draws.push_back(Noise(250, 7).Draw(bits));
  }
  EXPECT_EQ(drawn[0], drawn[1]);
}

TEST(DiscreteLaplaceTest, FollowsItsMassFunction) {
  for (const std::uint64_t scale : {1U, 3U, 40U}) {
    SeededRandom random(3);
    UniformBits bits(random);
    std::map<std::int64_t, double> counts;
    constexpr int kDraws = 1'000'000;
    for (int i = 0; i < kDraws; ++i) ++counts[DrawDiscreteLaplace(scale, bits)];
    const double ratio = std::exp(-1.0 / static_cast<double>(scale));
    double chi_square = 0;
    double cells = 0;
    for (const auto& [x, count] : counts) {
      const double expected =
          kDraws * (1 - ratio) / (1 + ratio) * std::pow(ratio, std::abs(static_cast<double>(x)));
      if (expected < 10) continue;
      chi_square += (count - expected) * (count - expected) / expected;
      ++cells;
    }
    EXPECT_LT(Deviate(chi_square, cells), kMostDeviates) << scale;
  }
}

TEST(BernoulliExpTest, SucceedsAsOftenAsItsExponentialSays) {
  SeededRandom random(4);
  UniformBits bits(random);
  struct Case {
    Uint128 numerator;
    Uint128 denominator;
    double exponent;
  };
  const Uint128 wide = Uint128{1} << 100;
  for (const Case& c : {Case{0, 1, 0}, Case{1, 1, 1}, Case{1, 3, 1.0 / 3}, Case{22, 7, 22.0 / 7},
                        Case{wide, wide * 2, 0.5}, Case{wide * 5 + 1, wide * 2, 2.5}}) {
    constexpr int kTrials = 200'000;
    int successes = 0;
    for (int i = 0; i < kTrials; ++i) {
      successes += BernoulliExp(c.numerator, c.denominator, bits) ? 1 : 0;
    }
    const double expected = std::exp(-c.exponent) * kTrials;
    EXPECT_NEAR(successes, expected, 5 * std::sqrt(expected * (1 - expected / kTrials)))
        << c.exponent;
  }
}

TEST(UniformBitsTest, StaysBelowItsBoundAndReachesAllEquallyOften) {
  SeededRandom random(6);
  UniformBits bits(random);
  // 3/4 of the range: without rejection the first third would come twice as often.
  const Uint128 bound = (Uint128{3} << 126) - 1;
  const Uint128 third = bound / 3;
  double counts[3] = {};
  double few[7] = {};
  for (int i = 0; i < 30'000; ++i) {
    const Uint128 draw = bits.Below128(bound);
    ASSERT_LT(draw, bound);
    ++counts[draw < third ? 0 : draw < third * 2 ? 1 : 2];
    ++few[bits.Below(7)];
  }
  for (const double count : counts) EXPECT_NEAR(count, 10'000, 5 * std::sqrt(10'000 * 2.0 / 3));
  for (const double count : few) EXPECT_NEAR(count, 30'000 / 7.0, 5 * std::sqrt(30'000 / 7.0));
  EXPECT_EQ(bits.Below(1), 0u);
  EXPECT_EQ(bits.Below128(1), 0u);
}

/// A source that is stuck.
class ConstantRandom final : public RandomSource {
 public:
  explicit ConstantRandom(std::byte value) : value_(value) {}
  void Fill(MutableByteSpan bytes) override { std::fill(bytes.begin(), bytes.end(), value_); }

 private:
  std::byte value_;
};

TEST(DiscreteGaussianDeathTest, ASourceThatRepeatsItselfEndsTheProcess) {
  const auto draw = [](std::byte value) {
    ConstantRandom random(value);
    UniformBits bits(random);
    static_cast<void>(Noise(100).Draw(bits));
  };
  EXPECT_DEATH(draw(std::byte{0}), "broken invariant");
}

}  // namespace
}  // namespace consilium
