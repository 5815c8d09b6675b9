#include "protocols/privacy/noise_shares.h"

#include <cmath>
#include <vector>

#include <gtest/gtest.h>

#include "protocols/privacy/rdp.h"
#include "protocols/secure_sum/thresholds.h"

namespace consilium {
namespace {

TEST(NoiseSharesTest, CountsOnTheHonestSurvivorsOnly) {
  for (const auto& [sites, honest] : {std::pair<std::uint32_t, std::uint32_t>{3, 2},
                                      {4, 2},
                                      {5, 3},
                                      {7, 3},
                                      {10, 4},
                                      {20, 8},
                                      {100, 34},
                                      {200, 40},
                                      {1000, 200}}) {
    EXPECT_EQ(FewestHonestShares(ThresholdsFor(sites, 3).value()), honest) << sites;
  }
}

TEST(NoiseSharesTest, SharesAddUpToTheTotalExactly) {
  const RationalVariance share = ShareVariance(RationalVariance{900, 7}, 4).value();
  EXPECT_EQ(share.numerator, 225u);
  EXPECT_EQ(share.denominator, 7u);
  const RationalVariance third = ShareVariance(RationalVariance{100, 1}, 3).value();
  EXPECT_EQ(third.numerator, 100u);
  EXPECT_EQ(third.denominator, 3u);
  // 2^48, written with terms that are too large.
  const RationalVariance reduced =
      ShareVariance(RationalVariance{3 * kMaxVarianceTerm, 3}, 1).value();
  EXPECT_EQ(reduced.numerator, kMaxVarianceTerm);
  EXPECT_EQ(reduced.denominator, 1u);
}

TEST(NoiseSharesTest, AFractionThatDoesNotFitIsRoundedUp) {
  const RationalVariance totals[] = {
      {kMaxVarianceTerm - 1, kMaxVarianceTerm / 3},
      {UINT64_MAX, (std::uint64_t{1} << 16) + 2},  // Just below 2^48; few denominators are left.
      {UINT64_MAX - 2, UINT64_MAX}};
  for (const RationalVariance& total : totals) {
    const RationalVariance share = ShareVariance(total, 1001).value();
    EXPECT_LE(share.numerator, kMaxVarianceTerm);
    EXPECT_LE(share.denominator, kMaxVarianceTerm);
    // share * 1001 >= total, in whole numbers.
    EXPECT_GE(Uint128{share.numerator} * 1001 * total.denominator,
              Uint128{total.numerator} * share.denominator);
    EXPECT_NEAR(share.value() * 1001 / total.value(), 1, 1e-9);
  }
  EXPECT_FALSE(ShareVariance(RationalVariance{1, 1}, 0).has_value());
  EXPECT_FALSE(ShareVariance(RationalVariance{std::uint64_t{1} << 60, 1}, 2).has_value());
}

// Values of the formula at n = 20 that were computed independently; two digits are stated there.
TEST(NoiseSharesTest, DistanceOfTheSumFallsWithTheSharesWidth) {
  EXPECT_EQ(ShareSumDistance(9, 1), 0);
  EXPECT_NEAR(ShareSumDistance(0.25, 20), 3.3, 0.05);
  EXPECT_NEAR(ShareSumDistance(1, 20), 5e-4, 0.5e-4);
  EXPECT_NEAR(ShareSumDistance(4, 20) / 7e-17, 1, 0.08);
  EXPECT_NEAR(ShareSumDistance(9, 20) / 2.7e-38, 1, 0.02);
  EXPECT_NEAR(ShareSumDistance(16, 20) / 2.6e-68, 1, 0.02);
}

/// Masses of the sum of n shares on [-reach, reach], by convolution.
std::vector<double> SumOfShares(const DiscreteGaussian& share, int n, std::int64_t reach) {
  const auto size = static_cast<std::size_t>(2 * reach + 1);
  std::vector<double> one(size);
  for (std::size_t i = 0; i < size; ++i) {
    one[i] = share.Mass(static_cast<std::int64_t>(i) - reach);
  }
  std::vector<double> sum = one;
  for (int k = 1; k < n; ++k) {
    std::vector<double> next(size, 0.0);
    for (std::size_t i = 0; i < size; ++i) {
      for (std::size_t j = 0; j < size; ++j) {
        const auto place = static_cast<std::int64_t>(i + j) - reach;
        if (place >= 0 && place < static_cast<std::int64_t>(size)) {
          next[static_cast<std::size_t>(place)] += sum[i] * one[j];
        }
      }
    }
    sum = next;
  }
  return sum;
}

TEST(NoiseSharesTest, TheSumIsAsNearToADiscreteGaussianAsStated) {
  for (const int n : {2, 3, 5}) {
    // Variance 1/2 a share: tau is about 0.1 here, far above the convolution's rounding.
    const DiscreteGaussian share = DiscreteGaussian::Create(RationalVariance{1, 2}).value();
    const DiscreteGaussian whole =
        DiscreteGaussian::Create(RationalVariance{static_cast<std::uint64_t>(n), 2}).value();
    const std::vector<double> sum = SumOfShares(share, n, 40);
    double largest = 0;
    for (std::int64_t x = -12; x <= 12; ++x) {
      const double ratio = sum[static_cast<std::size_t>(x + 40)] / whole.Mass(x);
      largest = std::max(largest, std::abs(std::log(ratio)));
    }
    const double tau = ShareSumDistance(0.5, static_cast<std::uint32_t>(n));
    EXPECT_LE(largest, tau) << n;
    EXPECT_GT(largest, tau / 100) << n;  // The bound is no empty one.
  }
}

TEST(NoiseSharesTest, NarrowSharesAreRefusedForTheSumIsFurtherOff) {
  // At 1, the sum of two of variance v = 0.02: masses 2 e^(-1/(2 v)) and e^(-1/(4 v)), over those
  // at 0, which are 1 but for e^-12.
  const double ratio = std::log(2.0) - 1 / 0.04 + 1 / 0.08;
  EXPECT_GT(std::abs(ratio), ShareSumDistance(0.02, 2) + 1);
  SharedRounds rounds;
  rounds.share = RationalVariance{24, 100};
  rounds.shares = 2;
  EXPECT_FALSE(CheckSharedRounds(rounds).has_value());
  rounds.share = RationalVariance{25, 100};
  EXPECT_TRUE(CheckSharedRounds(rounds).has_value());
  // One site's noise is a discrete Gaussian however narrow it is.
  rounds.share = RationalVariance{2, 100};
  rounds.shares = 1;
  EXPECT_TRUE(CheckSharedRounds(rounds).has_value());
}

/// The Renyi divergence of the sum of n shares from the same one step aside.
double ExactRdp(const std::vector<double>& sum, double order) {
  double total = 0;
  for (std::size_t i = 1; i < sum.size(); ++i) {
    if (sum[i] > 1e-200 && sum[i - 1] > 1e-200) {
      total += std::exp(order * std::log(sum[i]) + (1 - order) * std::log(sum[i - 1]));
    }
  }
  return std::log(total) / (order - 1);
}

TEST(NoiseSharesTest, TheDivergenceIsNeverBelowThatOfTheSumItself) {
  const DiscreteGaussian share = DiscreteGaussian::Create(RationalVariance{1, 2}).value();
  for (const std::uint32_t n : {2U, 4U}) {
    const std::vector<double> sum = SumOfShares(share, static_cast<int>(n), 40);
    SharedRounds rounds;
    rounds.share = RationalVariance{1, 2};
    rounds.shares = n;
    for (const double order : {1.5, 2.0, 4.0, 8.0}) {
      const double bound = SharedGaussianRdp(rounds, order);
      const double exact = ExactRdp(sum, order);
      EXPECT_GE(bound, exact) << n << " shares, order " << order;
      // Continuous noise, and tau for one coordinate; orders above 2 weigh the tail's ratios.
      EXPECT_LT(bound, exact * 1.01 + ShareSumDistance(0.5, n)) << n << " shares, order " << order;
    }
  }
}

struct TwoEpsilons {
  double shares = 0;
  double continuous = 0;
};
/// At delta 1e-5, of shares and of continuous noise with the same deviation.
TwoEpsilons EpsilonsOf(const SharedRounds& shared) {
  RdpCurve shares;
  RdpCurve continuous;
  EXPECT_TRUE(shares.Add(shared).has_value());
  EXPECT_TRUE(continuous.Add(GaussianRounds{shared.NoiseMultiplier(), shared.rate, shared.rounds})
                  .has_value());
  return {shares.EpsilonFor(1e-5).value().epsilon, continuous.EpsilonFor(1e-5).value().epsilon};
}

TEST(NoiseSharesTest, WideSharesCostWhatContinuousNoiseCosts) {
  SharedRounds shared;
  shared.share = RationalVariance{400, 1};
  shared.shares = 4;
  shared.l2 = 20;
  shared.l1 = 60;
  shared.dimensions = 100;
  shared.rounds = 10;
  EXPECT_DOUBLE_EQ(shared.NoiseMultiplier(), 2);
  for (const double rate : {1.0, 0.1}) {
    shared.rate = rate;
    const TwoEpsilons epsilon = EpsilonsOf(shared);
    EXPECT_GE(epsilon.shares, epsilon.continuous * (1 - 1e-12));
    // Fractional orders are interpolated once patients are sampled.
    EXPECT_LT(epsilon.shares, epsilon.continuous * (rate == 1 ? 1 + 1e-12 : 1.03));
  }
}

TEST(NoiseSharesTest, NarrowSharesCostMore) {
  SharedRounds shared;
  shared.share = RationalVariance{1, 2};
  shared.shares = 8;
  shared.dimensions = 10;
  for (const double rate : {1.0, 0.2}) {
    shared.rate = rate;
    const TwoEpsilons epsilon = EpsilonsOf(shared);
    EXPECT_GT(epsilon.shares, epsilon.continuous * 1.001);
  }
}

TEST(NoiseSharesTest, RefusesBoundsThatDoNotFitEachOther) {
  SharedRounds rounds;
  rounds.dimensions = 4;
  rounds.l2 = 1;
  for (const double l1 : {0.5, 2.1, std::nan("")}) {
    rounds.l1 = l1;
    EXPECT_FALSE(CheckSharedRounds(rounds).has_value()) << l1;
  }
  rounds.l1 = 2;
  EXPECT_TRUE(CheckSharedRounds(rounds).has_value());
  rounds.shares = 0;
  EXPECT_FALSE(CheckSharedRounds(rounds).has_value());
}

}  // namespace
}  // namespace consilium
