#include "protocols/privacy/solve.h"

#include <gtest/gtest.h>

namespace consilium {
namespace {

constexpr Accountant kAccountants[] = {Accountant::kRdp, Accountant::kPld};

TEST(SolveTest, NoiseKeepsTheTargetAndALittleLessWouldNot) {
  for (const Accountant accountant : kAccountants) {
    for (const double rate : {1.0, 0.02}) {
      const double epsilon = 6 * rate + 0.4;
      const double noise = NoiseFor(accountant, {epsilon, 1e-6}, rate, 200).value();
      EXPECT_LE(EpsilonOf(accountant, {noise, rate, 200}, 1e-6).value(), epsilon);
      // Rounded up by at most 1e-6.
      EXPECT_GT(EpsilonOf(accountant, {noise * (1 - 2e-6), rate, 200}, 1e-6).value(), epsilon);
    }
  }
}

// Epsilons below what the search tells apart still count as above a smaller target.
TEST(SolveTest, TheLeastEpsilonsAreKeptToo) {
  for (const Accountant accountant : kAccountants) {
    const double noise = NoiseFor(accountant, {1e-12, 1e-3}, 1, 100).value();
    EXPECT_LE(EpsilonOf(accountant, {noise, 1, 100}, 1e-3).value(), 1e-12);
  }
}

TEST(SolveTest, RoundsKeepTheTargetAndOneMoreWouldNot) {
  for (const Accountant accountant : kAccountants) {
    for (const double rate : {1.0, 0.02}) {
      const std::uint64_t rounds = RoundsFor(accountant, {2, 1e-6}, 6, rate).value();
      EXPECT_LE(EpsilonOf(accountant, {6, rate, rounds}, 1e-6).value(), 2);
      EXPECT_GT(EpsilonOf(accountant, {6, rate, rounds + 1}, 1e-6).value(), 2);
    }
  }
}

TEST(SolveTest, EachOfTheFourComesBack) {
  const GaussianRounds rounds{1.3, 0.05, 300};
  for (const Accountant accountant : kAccountants) {
    const double epsilon = EpsilonOf(accountant, rounds, 1e-5).value();
    EXPECT_NEAR(DeltaOf(accountant, rounds, epsilon).value() / 1e-5, 1, 1e-3);
    EXPECT_NEAR(NoiseFor(accountant, {epsilon, 1e-5}, 0.05, 300).value(), 1.3, 1e-5);
    const std::uint64_t back = RoundsFor(accountant, {epsilon, 1e-5}, 1.3, 0.05).value();
    EXPECT_GE(back, 299u);
    EXPECT_LE(back, 300u);
  }
}

// Calibrations by Opacus and dp_accounting, and the analytic Gaussian mechanism (Balle, Wang 2018)
// to a millionth, which noise is rounded up by.
TEST(SolveTest, ReproducesPublishedCalibrations) {
  EXPECT_NEAR(NoiseFor(Accountant::kRdp, {8, 1e-5}, 0.04, 2000).value(), 1.3562, 2e-4);
  EXPECT_NEAR(NoiseFor(Accountant::kRdp, {1, 1e-6}, 0.01, 1000).value(), 1.6595, 1e-4);
  EXPECT_NEAR(NoiseFor(Accountant::kRdp, {1, 1e-6}, 1, 100).value(), 45.31, 1e-2);
  // Published as 1.5644, of a search that stopped early: there epsilon is 0.99845. The noise here
  // has 1.00000004 on a lattice of width 2e-5 with losses rounded to the nearest point and an FFT
  // without tilt, of 2^21 points: an independent computation.
  EXPECT_NEAR(NoiseFor(Accountant::kPld, {1, 1e-6}, 0.01, 1000).value(), 1.562666, 2e-6);
  EXPECT_NEAR(NoiseFor(Accountant::kPld, {1, 1e-6}, 1, 100).value(), 42.25, 1e-2);
  EXPECT_NEAR(NoiseFor(Accountant::kPld, {1, 1e-5}, 1, 1).value(), 3.73063163, 4e-6);
  EXPECT_NEAR(NoiseFor(Accountant::kPld, {8, 1e-5}, 1, 1).value(), 0.60022907, 1e-6);
  EXPECT_NEAR(NoiseFor(Accountant::kPld, {1, 1e-5}, 0.01, 1).value(), 0.67379294682, 1e-6);
}

TEST(SolveTest, SaysWhatCannotBe) {
  for (const Accountant accountant : kAccountants) {
    const Result<std::uint64_t> rounds = RoundsFor(accountant, {0.001, 1e-9}, 0.5, 1);
    ASSERT_FALSE(rounds.has_value());
    EXPECT_EQ(rounds.error().code, ErrorCode::kNotEstimable);
    EXPECT_FALSE(rounds.error().remedy.empty());
    const Result<double> noise = NoiseFor(accountant, {1e-6, 1e-30}, 1, kMostRounds);
    ASSERT_FALSE(noise.has_value());
    EXPECT_EQ(noise.error().code, ErrorCode::kNotEstimable);
    EXPECT_FALSE(noise.error().remedy.empty());
    EXPECT_EQ(RoundsFor(accountant, {10, 1e-3}, kMostNoise, 0.001).value(), kMostRounds);
    EXPECT_NEAR(NoiseFor(accountant, {1e4, 1e-3}, 0.001, 1).value(), kLeastNoise, 1e-12);
  }
}

TEST(SolveTest, RefusesNumbersOutOfRange) {
  EXPECT_FALSE(NoiseFor(Accountant::kRdp, {-1, 1e-5}, 1, 1).has_value());
  EXPECT_FALSE(NoiseFor(Accountant::kRdp, {1, 0}, 1, 1).has_value());
  EXPECT_FALSE(NoiseFor(Accountant::kPld, {1, 1e-5}, 2, 1).has_value());
  EXPECT_FALSE(RoundsFor(Accountant::kPld, {1, 1e-5}, 0, 1).has_value());
  EXPECT_FALSE(EpsilonOf(Accountant::kRdp, {1, 1, 1}, 2).has_value());
  EXPECT_FALSE(DeltaOf(Accountant::kPld, {1, 1, 0}, 1).has_value());
}

}  // namespace
}  // namespace consilium
