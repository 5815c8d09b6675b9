// Covers protocols/privacy/gaussian_rounds.cc as well.

#include "protocols/privacy/rdp.h"

#include <cmath>
#include <vector>

#include <gtest/gtest.h>

namespace consilium {
namespace {

double Epsilon(const GaussianRounds& rounds, double delta) {
  RdpCurve curve;
  EXPECT_TRUE(curve.Add(rounds).has_value());
  return curve.EpsilonFor(delta).value().epsilon;
}

struct Published {
  GaussianRounds rounds;
  double delta;
  double epsilon;
  double tolerance;  ///< Half a unit of the last digit that is published.
};

// From the tests of Opacus (accountants_test.py), TensorFlow Privacy
// (compute_dp_sgd_privacy_test.py) and google/differential-privacy. Where the order is fractional
// and patients are sampled, dp_accounting has a value up to 5e-5 larger: it adds the series of
// Mironov et al. without its signs. Those here are with them.
TEST(RdpTest, ReproducesPublishedValues) {
  const Published published[] = {{{1.5, 0.04, 2250}, 1e-5, 7.32911117143, 5e-12},
                                 {{1.3, 150.0 / 60000, 6000}, 1e-5, 0.7242234026109595, 1e-12},
                                 {{1.0, 0.001, 30000}, 1e-7, 1.4154988495444842, 1e-12},
                                 {{0.7, 1, 2}, 1e-5, 10.8602036, 5e-8},
                                 {{0.7, 0.01, 120}, 1e-5, 3.2391922, 5e-8},
                                 {{1.0, 0.0064, 782}, 1e-6, 1.616, 5e-4},
                                 {{1.0, 1, 5}, 1e-6, 13.376, 5e-4},
                                 {{0.35, 1, 2}, 1e-5, 26.2880374, 5e-8},
                                 {{0.35, 0.01, 120}, 1e-5, 22.5970358, 5e-8}};
  for (const Published& p : published) {
    // Ours is rounded up by about 1e-12 of the divergence.
    EXPECT_NEAR(Epsilon(p.rounds, p.delta), p.epsilon, p.tolerance + 1e-11 * p.epsilon)
        << p.rounds.noise;
  }
}

TEST(RdpTest, NamesTheOrderThatItRestsOn) {
  RdpCurve curve;
  ASSERT_TRUE(curve.Add(GaussianRounds{1.5, 0.04, 2250}).has_value());
  EXPECT_DOUBLE_EQ(curve.EpsilonFor(1e-5).value().order, 3.9);
}

// ln E[((1 - q) + q e^((2x-1)/(2z^2)))^order] / (order - 1), x normal of deviation z, integrated
// with mpmath 1.3 at 30 digits: quad over 60 equal pieces of [-20 z, order + 20 z].
TEST(RdpTest, DivergencesAreThoseOfTheDefinition) {
  struct Case {
    double noise, rate, order, divergence;
  };
  const Case cases[] = {
      {1.5, 0.04, 3.9, 0.00183320219958386},     {0.7, 0.01, 4.4, 0.00455527330119059},
      {1, 0.0064, 9.3, 0.000427506427256333},    {0.7, 0.01, 1.1, 0.00032843787749832},
      {4, 0.2, 7.3, 0.00996052610245549},        {0.3, 0.5, 2.5, 12.7336436850094},
      {20, 0.000001, 1.5, 1.87734570199474e-15}, {0.1, 0.001, 10.9, 537.394491662535},
      {1, 0.04, 32, 12.6772894711046},           {2, 0.3, 256, 30.7913057336963}};
  for (const Case& c : cases) {
    const double divergence = SampledGaussianRdp(c.noise, c.rate, c.order);
    // Rounded up by 1e-12; logarithms of factorials cost digits at high orders.
    EXPECT_NEAR(divergence / c.divergence, 1, 3e-12) << c.noise << " " << c.order;
  }
}

// Whole orders have a sum of their own, fractional ones are integrated: they must meet.
TEST(RdpTest, IsContinuousAcrossWholeOrders) {
  for (const double order : {2.0, 3.0, 5.0, 10.0}) {
    const double at = SampledGaussianRdp(1.1, 0.03, order);
    const double below = SampledGaussianRdp(1.1, 0.03, order - 1e-7);
    const double above = SampledGaussianRdp(1.1, 0.03, order + 1e-7);
    EXPECT_NEAR((below + above) / 2 / at, 1, 1e-10);
    EXPECT_LT(below, at);
    EXPECT_LT(at, above);
  }
}

// A divergence that came out too small, by an overflow say, would break one of the two.
TEST(RdpTest, DivergencesRiseWithTheOrderAndTheRateEverywhere) {
  for (const double noise : {0.05, 0.07, 0.1, 0.3, 1.0, 10.0, 1e6}) {
    std::vector<double> at_lower_rate(RdpOrders().size(), 0.0);
    for (const double rate : {1e-9, 1e-4, 0.1, 0.5, 0.9, 1 - 1e-9, 1.0}) {
      double at_lower_order = 0;
      for (std::size_t i = 0; i < RdpOrders().size(); ++i) {
        const double divergence = SampledGaussianRdp(noise, rate, RdpOrders()[i]);
        EXPECT_TRUE(std::isfinite(divergence));
        // Rounded up by 1e-12 of A - 1 each; 1e-11 where logarithms of factorials lose digits.
        EXPECT_GT(divergence, at_lower_order * (1 - 1e-11)) << noise << " " << rate << " " << i;
        EXPECT_GT(divergence, at_lower_rate[i] * (1 - 1e-11)) << noise << " " << rate << " " << i;
        at_lower_order = divergence;
        at_lower_rate[i] = divergence;
      }
    }
  }
}

TEST(RdpTest, RoundsOfSeveralStudiesAddUp) {
  RdpCurve one;
  RdpCurve two;
  ASSERT_TRUE(one.Add(GaussianRounds{2, 0.1, 30}).has_value());
  ASSERT_TRUE(two.Add(GaussianRounds{2, 0.1, 10}).has_value());
  ASSERT_TRUE(two.Add(GaussianRounds{2, 0.1, 20}).has_value());
  for (std::size_t i = 0; i < RdpOrders().size(); ++i) {
    EXPECT_NEAR(one.divergences()[i] / two.divergences()[i], 1, 1e-14);
  }
  const double before = two.EpsilonFor(1e-5).value().epsilon;
  ASSERT_TRUE(two.Add(GaussianRounds{5, 1, 1}).has_value());
  EXPECT_GT(two.EpsilonFor(1e-5).value().epsilon, before);
}

TEST(RdpTest, EpsilonAndDeltaAreInverseToEachOther) {
  RdpCurve curve;
  ASSERT_TRUE(curve.Add(GaussianRounds{1.2, 0.02, 500}).has_value());
  for (const double delta : {1e-3, 1e-5, 1e-9, 1e-30}) {
    const double epsilon = curve.EpsilonFor(delta).value().epsilon;
    EXPECT_NEAR(curve.DeltaFor(epsilon).value() / delta, 1, 1e-9);
  }
  EXPECT_EQ(curve.EpsilonFor(0.9).value().epsilon, 0);
  EXPECT_LT(curve.DeltaFor(0).value(), 1);
}

// At epsilon 0 delta is the total variation distance of one round: rate * erf(1 / (2 sqrt(2)
// noise)).
TEST(RdpTest, LittleSpentIsNotNothing) {
  for (const GaussianRounds& rounds :
       {GaussianRounds{1000, 1e-5, 1}, GaussianRounds{kMostNoise, kLeastRate, 1}}) {
    RdpCurve curve;
    ASSERT_TRUE(curve.Add(rounds).has_value());
    const double exact = rounds.rate * std::erf(1 / (2 * std::sqrt(2.0) * rounds.noise));
    EXPECT_GE(curve.DeltaFor(0).value(), exact);
    EXPECT_LT(curve.DeltaFor(0).value(), 3 * exact);  // Bretagnolle and Huber's is about twice it.
  }
  RdpCurve curve;
  ASSERT_TRUE(curve.Add(GaussianRounds{50, 1, 1}).has_value());
  EXPECT_GT(curve.DeltaFor(20).value(), 0) << "less than a double holds is not 0";
}

// The sum of their section 3.3, less 1, in mpmath 1.3 at 60 digits.
TEST(RdpTest, HighOrdersAreNotBelowTheDefinition) {
  struct Case {
    double noise, rate, order, divergence;
  };
  const Case cases[] = {{20, 1e-6, 1024, 1.2816046154985123255e-12},
                        {1e6, 1e-9, 1024, 5.120000000002560643e-28},
                        {300, 0.3, 512, 0.0002563063696588908535},
                        {0.05, 1e-9, 1024, 204779.25647681617167},
                        {50, 1e-4, 1024, 2.04849341770816685e-9}};
  for (const Case& c : cases) {
    const double divergence = SampledGaussianRdp(c.noise, c.rate, c.order);
    EXPECT_GE(divergence, c.divergence) << c.noise;
    // Twice what is added for rounding, 2^-50 of exponents of up to 3e4, where A is near 1.
    EXPECT_LT(divergence, c.divergence * (1 + 1e-10)) << c.noise;
  }
}

TEST(RdpTest, NothingSpentIsNoEpsilon) {
  EXPECT_EQ(RdpCurve().EpsilonFor(1e-5).value().epsilon, 0);
  EXPECT_EQ(RdpCurve().DeltaFor(0).value(), 0);
}

TEST(RdpTest, RefusesNumbersOutOfRange) {
  const double nan = std::nan("");
  const GaussianRounds bad[] = {
      {0, 1, 1},   {-1, 1, 1},  {nan, 1, 1}, {1, 0, 1},     {1, 1.01, 1},
      {1, nan, 1}, {1e7, 1, 1}, {1, 1, 0},   {0.049, 1, 1}, {1, 1, kMostRounds + 1}};
  for (const GaussianRounds& rounds : bad) {
    RdpCurve curve;
    const Status added = curve.Add(rounds);
    ASSERT_FALSE(added.has_value()) << rounds.noise << " " << rounds.rate;
    EXPECT_EQ(added.error().code, ErrorCode::kInvalidArgument);
    EXPECT_EQ(curve.EpsilonFor(1e-5).value().epsilon, 0) << "a refused entry changes nothing";
  }
  for (const double delta : {0.0, 1.0, -1.0, nan}) {
    EXPECT_FALSE(RdpCurve().EpsilonFor(delta).has_value()) << delta;
  }
  for (const double epsilon : {-1.0, nan, static_cast<double>(INFINITY)}) {
    EXPECT_FALSE(RdpCurve().DeltaFor(epsilon).has_value()) << epsilon;
  }
}

}  // namespace
}  // namespace consilium
