// Covers protocols/privacy/composed_loss.cc and protocols/privacy/loss_moments.cc as well.
//
// Reference numbers are from mpmath 1.3 at 40 digits, by these formulas, with Phi(x) as
// erfc(-x / sqrt(2)) / 2:
//   full Gaussian, s = z / sqrt(rounds) (Balle, Wang 2018, Theorem 8, for sensitivity 1):
//     delta(eps) = Phi(1/(2 s) - eps s) - e^eps Phi(-1/(2 s) - eps s),
//     and epsilon of a delta by 120 bisections of [0, 2000];
//   one sampled round: with x the outcome of likelihood ratio r, x = z^2 ln((r - 1 + q)/q) + 1/2,
//     removed, r = e^eps:  (1 - q - e^eps) Phi(-x/z) + q Phi((1 - x)/z)
//     added, r = e^-eps:   Phi(x/z) - e^eps ((1 - q) Phi(x/z) + q Phi((x - 1)/z)), 0 if r <= 1 - q.

#include "protocols/privacy/pld.h"

#include <chrono>
#include <cmath>
#include <span>
#include <vector>

#include <gtest/gtest.h>

#include "protocols/privacy/privacy_loss.h"
#include "protocols/privacy/rdp.h"

namespace consilium {
namespace {

double Epsilon(const GaussianRounds& rounds, double delta) {
  return PldEpsilon({&rounds, 1}, delta).value();
}

double Delta(const GaussianRounds& rounds, double epsilon) {
  return PldDelta({&rounds, 1}, epsilon).value();
}

/// `bound` is an upper one, and by no more than this of it too large.
void ExpectJustAbove(double bound, double exact, double tolerance) {
  EXPECT_GE(bound, exact);
  EXPECT_LT(bound, exact * (1 + tolerance));
}

// Published ones are upper bounds on a lattice of width 1e-4: ours may be lower by that lattice's
// error, and are held to one unit of the last digit for the seven-digit ones.
TEST(PldTest, ReproducesPublishedValues) {
  EXPECT_NEAR(Epsilon({0.7, 1, 2}, 1e-5), 10.1224946, 5e-8);
  EXPECT_NEAR(Epsilon({0.7, 0.01, 120}, 1e-5), 2.4612381, 5e-7);
  EXPECT_NEAR(Epsilon({1.0, 0.0064, 782}, 1e-6), 1.199, 5e-4);
  EXPECT_NEAR(Epsilon({1.0, 1, 5}, 1e-6), 12.595, 5e-4);
  EXPECT_NEAR(Epsilon({0.35, 1, 2}, 1e-5), 24.7160779, 5e-8);
  EXPECT_NEAR(Epsilon({0.35, 0.01, 120}, 1e-5), 18.6977407, 5e-6);
  EXPECT_NEAR(Epsilon({1.1, 0.01, 1000}, 1e-5), 1.515370, 1e-5);
  EXPECT_NEAR(Epsilon({1, 0.1, 100}, 1e-5), 7.046603, 1e-6);
  EXPECT_NEAR(Epsilon({0.8, 0.05, 500}, 1e-5), 12.035248, 5e-6);
  EXPECT_NEAR(Epsilon({4, 0.2, 200}, 1e-6), 3.461703, 2e-6);
}

TEST(PldTest, IsJustAboveTheExactEpsilonOfTheFullGaussian) {
  struct Case {
    double noise;
    std::uint64_t rounds;
    double delta;
    double epsilon;
  };
  const Case cases[] = {
      {0.7, 2, 1e-5, 10.1224945839074863},  {1, 5, 1e-6, 12.595246735506728},
      {1, 1, 1e-5, 4.37717809568122463},    {1, 10, 1e-5, 17.8565868301076139},
      {5, 100, 1e-6, 10.9971512142206511},  {10, 50, 1e-6, 3.30760072261264841},
      {0.35, 2, 1e-5, 24.7160778600918988}, {50, 1, 1e-9, 0.100436006856941607},
      {0.05, 1, 1e-5, 284.391849497742478}, {30, 30000, 1e-7, 45.9736785815757567},
      {3, 3, 1e-20, 5.33726023636142754},   {100, 7, 1e-60, 0.423744994589153481}};
  for (const Case& c : cases) {
    SCOPED_TRACE(c.noise);
    // The lattice's 2^18 points cover about 25 deviations: a cell adds 1e-9 of the variance.
    ExpectJustAbove(Epsilon({c.noise, 1, c.rounds}, c.delta), c.epsilon, 1e-6);
  }
}

struct DeltaCase {
  GaussianRounds rounds;
  double epsilon;
  double delta;
};

/// Too large by up to 2e-5: of kLatticeTolerance = 1e-4 in the source these cases take a fifth.
void ExpectDeltasJustAbove(std::span<const DeltaCase> cases) {
  for (const DeltaCase& c : cases) {
    SCOPED_TRACE(::testing::Message() << c.rounds.noise << " " << c.rounds.rate);
    ExpectJustAbove(Delta(c.rounds, c.epsilon), c.delta, 2e-5);
  }
}

TEST(PldTest, IsJustAboveTheExactDeltaOfTheFullGaussian) {
  const DeltaCase cases[] = {{{1, 1, 1}, 1, 0.126936737506643946},
                             {{0.7, 1, 2}, 5, 0.0349822805887476497},
                             {{10, 1, 50}, 2, 0.00126011693249708458},
                             {{100, 1, 1}, 0.01, 0.000837324267477342328},
                             {{2, 1, 1}, 0, 0.197412651365847448}};
  ExpectDeltasJustAbove(cases);
}

TEST(PldTest, IsJustAboveTheExactDeltaOfOneSampledRound) {
  const DeltaCase cases[] = {{{0.5, 0.01, 1}, 0.5, 0.000719361831404335452},
                             {{0.7, 0.01, 1}, 1, 5.69165106521336648e-6},
                             {{1, 0.1, 1}, 0.25, 0.0074175120678271211},
                             {{1, 0.5, 1}, 0.5, 0.0799446246013823473},
                             {{1.5, 0.04, 1}, 0.1, 0.00049270286775007405},
                             {{2, 0.9, 1}, 1, 0.00438445919057466552},
                             {{0.35, 0.001, 1}, 3, 0.0000114200640600262682},
                             {{1, 0.001, 1}, 0.0005, 0.000263720760493783166},
                             {{10, 0.2, 1}, 0.01, 0.00411324348336596994},
                             {{5, 0.5, 1}, 0.4, 0.0000110359993395751306},
                             {{0.36, 1 - 1e-9, 1}, 19, 8.1652162688976333573e-9}};
  ExpectDeltasJustAbove(cases);
}

/// A lower bound of delta after a few rounds, by no means of the accountant's: outcomes in fine
/// cells, each with its lowest loss, rounded down to a lattice, convolved as the definition says.
double LowerDelta(const GaussianRounds& rounds,
                  LossDirection direction,
                  double width,
                  double epsilon) {
  const double z = rounds.noise;
  const double q = rounds.rate;
  const auto phi = [](double x) { return 0.5 * std::erfc(-x / std::sqrt(2.0)); };
  const auto ratio = [&](double x) {
    return std::log(1 - q + q * std::exp((2 * x - 1) / (2 * z * z)));
  };
  const bool remove = direction == LossDirection::kRemove;
  constexpr std::int64_t kReach = 3000;
  std::vector<double> one(2 * kReach + 1, 0.0);
  const double step = z / 20'000;
  for (double x = -9 * z; x < 1 + 9 * z; x += step) {
    const double without = phi((x + step) / z) - phi(x / z);
    const double with = (1 - q) * without + q * (phi((x + step - 1) / z) - phi((x - 1) / z));
    const double loss = remove ? ratio(x) : -ratio(x + step);
    const auto place = static_cast<std::int64_t>(std::floor(loss / width));
    // What does not fit is left out: lower still.
    if (std::abs(place) <= kReach) {
      one[static_cast<std::size_t>(place + kReach)] += remove ? with : without;
    }
  }
  std::vector<double> sum = one;
  for (std::uint64_t round = 1; round < rounds.rounds; ++round) {
    std::vector<double> next(one.size(), 0.0);
    for (std::int64_t i = -kReach; i <= kReach; ++i) {
      const double mass = sum[static_cast<std::size_t>(i + kReach)];
      if (mass < 1e-30) continue;
      const std::int64_t low = std::max(-kReach, -kReach - i);
      const std::int64_t high = std::min(kReach, kReach - i);
      for (std::int64_t j = low; j <= high; ++j) {
        next[static_cast<std::size_t>(i + j + kReach)] +=
            mass * one[static_cast<std::size_t>(j + kReach)];
      }
    }
    sum = next;
  }
  double delta = 0;
  for (std::int64_t i = -kReach; i <= kReach; ++i) {
    const double gap = static_cast<double>(i) * width - epsilon;
    if (gap > 0) delta += -std::expm1(-gap) * sum[static_cast<std::size_t>(i + kReach)];
  }
  return delta;
}

TEST(PldTest, SeveralSampledRoundsAreJustAboveALowerBoundOfTheirDefinition) {
  struct Case {
    GaussianRounds rounds;
    double epsilon;
  };
  for (const Case& c : {Case{{1, 0.1, 3}, 0.8}, Case{{0.8, 0.02, 6}, 0.5}, Case{{2, 0.6, 4}, 1}}) {
    constexpr double kWidth = 0.002;
    const double lower = std::max(LowerDelta(c.rounds, LossDirection::kRemove, kWidth, c.epsilon),
                                  LowerDelta(c.rounds, LossDirection::kAdd, kWidth, c.epsilon));
    const double delta = Delta(c.rounds, c.epsilon);
    EXPECT_GT(delta, lower);
    // Each round's loss was rounded down by up to one width: delta at an epsilon that much lower.
    const double slack = static_cast<double>(c.rounds.rounds) * kWidth;
    EXPECT_LT(delta * 0.999,
              LowerDelta(c.rounds, LossDirection::kRemove, kWidth, c.epsilon - slack));
  }
}

TEST(PldTest, IsNeverAboveTheBoundByRenyiDivergences) {
  // The last one has more rounds than the lattice has digits for: there it is that bound itself.
  for (const GaussianRounds& rounds :
       {GaussianRounds{0.4, 0.02, 1000}, GaussianRounds{5, 1, 1}, GaussianRounds{5, 1e-4, 1},
        GaussianRounds{0.5, 0.3, kMostRounds}}) {
    RdpCurve curve;
    ASSERT_TRUE(curve.Add(rounds).has_value());
    const double epsilon = Epsilon(rounds, 1e-6);
    EXPECT_LE(epsilon, curve.EpsilonFor(1e-6).value().epsilon);
    EXPECT_GT(epsilon, 0);
  }
}

TEST(PldTest, MoreRoundsLessNoiseMorePatientsAndLessDeltaCostMore) {
  const GaussianRounds base{1, 0.05, 100};
  const double epsilon = Epsilon(base, 1e-6);
  EXPECT_GT(Epsilon({1, 0.05, 101}, 1e-6), epsilon);
  EXPECT_GT(Epsilon({0.99, 0.05, 100}, 1e-6), epsilon);
  EXPECT_GT(Epsilon({1, 0.051, 100}, 1e-6), epsilon);
  EXPECT_GT(Epsilon(base, 0.9e-6), epsilon);
}

TEST(PldTest, StudiesOnTheSamePatientsAddUp) {
  const GaussianRounds halves[] = {{1, 0.05, 60}, {1, 0.05, 40}};
  const double together = PldEpsilon(halves, 1e-6).value();
  EXPECT_NEAR(together, Epsilon({1, 0.05, 100}, 1e-6), 1e-6);
  // Full Gaussian releases of noise 3 and 4 are as one of 1 / sqrt(1/9 + 1/16) = 2.4.
  const GaussianRounds different[] = {{3, 1, 1}, {4, 1, 1}};
  EXPECT_NEAR(PldEpsilon(different, 1e-6).value(), Epsilon({2.4, 1, 1}, 1e-6), 1e-6);
  const GaussianRounds more[] = {{1, 0.05, 100}, {8, 1, 1}};
  EXPECT_GT(PldEpsilon(more, 1e-6).value(), together);
}

TEST(PldTest, EpsilonAndDeltaAreInverseToEachOther) {
  for (const GaussianRounds& rounds : {GaussianRounds{1.5, 0.04, 2250},
                                       GaussianRounds{1, 0.001, 30000}, GaussianRounds{4, 1, 20}}) {
    for (const double delta : {1e-3, 1e-12}) {
      // Both are upper bounds, by about 1e-4 of delta each.
      EXPECT_NEAR(Delta(rounds, Epsilon(rounds, delta)) / delta, 1, 2e-3) << rounds.rounds;
    }
  }
}

TEST(PldTest, ThirtyThousandSampledRoundsTakeATime) {
  const auto start = std::chrono::steady_clock::now();
  const double epsilon = Epsilon({1.0, 0.001, 30000}, 1e-7);
  const auto taken = std::chrono::steady_clock::now() - start;
  // Ours with 2^21 points; dp_accounting has 1.098199, on a lattice of width 1e-4.
  EXPECT_NEAR(epsilon, 1.09768, 2e-5);
  // A third of a second alone on the machine; sanitizers and other builds beside it take their
  // part.
  EXPECT_LT(taken, std::chrono::seconds(20));
}

/// delta of one round at a rate, exactly, in the direction with the patient: no more rounds have
/// less. Formula above.
double DeltaOfOneRound(double z, double q, double epsilon) {
  const double e = std::exp(epsilon);
  const double x = z * z * std::log((e - 1 + q) / q) + 0.5;
  const auto phi = [](double t) { return 0.5 * std::erfc(-t / std::sqrt(2.0)); };
  return (1 - q - e) * phi(-x / z) + q * phi((1 - x) / z);
}

TEST(PldTest, ExtremesStayFiniteAndAboveOneRound) {
  for (const double noise : {kLeastNoise, kMostNoise}) {
    for (const double rate : {kLeastRate, 0.999, 1.0}) {
      for (const std::uint64_t count : {std::uint64_t{1}, kMostRounds}) {
        SCOPED_TRACE(::testing::Message() << noise << " " << rate << " " << count);
        const GaussianRounds rounds{noise, rate, count};
        // Each extreme of each number meets both; all of them with each other take their time.
        const double delta = ((noise < 1) != (rate < 0.5)) != (count == 1) ? 0.3 : 1e-90;
        const double epsilon = Epsilon(rounds, delta);
        EXPECT_TRUE(std::isfinite(epsilon));
        EXPECT_GE(epsilon, 0);
        // Rounding of the exact formula: 1e-15 times e^epsilon.
        if (epsilon < 15) {
          EXPECT_LE(DeltaOfOneRound(noise, rate, epsilon), delta + 1e-8);
        }
        const double at_one = Delta(rounds, 1);
        EXPECT_LE(at_one, 1);
        EXPECT_GE(at_one, DeltaOfOneRound(noise, rate, 1) - 1e-14);
      }
    }
  }
}

TEST(PldTest, RefusesNumbersOutOfRange) {
  EXPECT_FALSE(PldEpsilon({}, 1e-5).has_value());
  const GaussianRounds good{1, 1, 1};
  const GaussianRounds bad{0, 1, 1};
  EXPECT_FALSE(PldEpsilon({&bad, 1}, 1e-5).has_value());
  EXPECT_FALSE(PldEpsilon({&good, 1}, 0).has_value());
  EXPECT_FALSE(PldEpsilon({&good, 1}, 1).has_value());
  EXPECT_FALSE(PldDelta({&bad, 1}, 1).has_value());
  EXPECT_FALSE(PldDelta({&good, 1}, -1).has_value());
}

}  // namespace
}  // namespace consilium
