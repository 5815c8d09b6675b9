#include "protocols/privacy/privacy_loss.h"

#include <cmath>

#include <gtest/gtest.h>

namespace consilium {
namespace {

/// delta(epsilon) of a lattice distribution.
double DeltaOf(const LossAtoms& atoms, double epsilon) {
  double delta = atoms.infinite();
  for (std::size_t i = 0; i < atoms.size(); ++i) {
    const double gap = atoms.LossAt(i) - epsilon;
    if (gap > 0) delta += -std::expm1(-gap) * atoms.mass(i);
  }
  return delta;
}

double Phi(double x) { return 0.5 * std::erfc(-x / std::sqrt(2.0)); }

/// The same of the mechanism itself; formulas as in pld_test.cc, exact to about 1e-15 here.
double ExactDelta(double z, double q, LossDirection direction, double epsilon) {
  const double e = std::exp(epsilon);
  const bool remove = direction == LossDirection::kRemove;
  const double v = ((remove ? e : 1 / e) - (1 - q)) / q;
  if (v <= 0) return remove ? 1 - e : 0;  // Every outcome has a larger ratio than that.
  const double x = z * z * std::log(v) + 0.5;
  if (remove) return (1 - q - e) * Phi(-x / z) + q * Phi((1 - x) / z);
  return Phi(x / z) - e * ((1 - q) * Phi(x / z) + q * Phi((x - 1) / z));
}

TEST(StepLossTest, TheLatticeIsExactOnItsPointsAndAboveBetweenThem) {
  for (const double rate : {0.01, 0.3, 1.0}) {
    for (const double noise : {0.3, 1.0, 6.0}) {
      for (const LossDirection direction : {LossDirection::kRemove, LossDirection::kAdd}) {
        // A coarse lattice, so that the error between points shows: a tenth of the loss's width.
        const double width = 0.1 * rate / noise;
        const StepLoss step(noise, rate, direction, 9);
        const LossAtoms atoms = step.Discretise(width, 1 << 18);
        for (int i = -20; i <= 20; ++i) {
          const double on = i * width;
          const double off = on + width / 3;
          // The exact formula itself is rounded at about 1e-15. Added, cells of rare ratios are
          // wider than one width, and may be above by a little on points within.
          const double above = direction == LossDirection::kRemove ? 1e-12 : 0.005 * rate;
          EXPECT_NEAR(DeltaOf(atoms, on), ExactDelta(noise, rate, direction, on), above);
          EXPECT_GE(DeltaOf(atoms, on), ExactDelta(noise, rate, direction, on) - 1e-14);
          EXPECT_GE(DeltaOf(atoms, off), ExactDelta(noise, rate, direction, off) - 1e-14);
        }
      }
    }
  }
}

TEST(StepLossTest, MassesSumToOne) {
  for (const double rate : {1e-6, 0.2, 1.0}) {
    for (const LossDirection direction : {LossDirection::kRemove, LossDirection::kAdd}) {
      for (const double width : {1e-3, 0.1, 50.0}) {
        const LossAtoms atoms = StepLoss(0.7, rate, direction, 8).Discretise(width, 1 << 18);
        double sum = atoms.infinite();
        for (std::size_t i = 0; i < atoms.size(); ++i) sum += atoms.mass(i);
        EXPECT_NEAR(sum, 1, 1e-12) << rate << " " << width;
      }
    }
  }
}

// At a rate next to 1 losses far below have few digits left of 1 + q (e^u - 1). mpmath, 40 digits:
// ln(1 - q + q e^u) at the outcome x = -2.16.
TEST(StepLossTest, LossesKeepTheirDigitsAtRatesNextToOne) {
  const StepLoss step(0.36, 1 - 1e-9, LossDirection::kRemove, 6);
  EXPECT_NEAR(step.LowestLoss(), -19.925910529306185931, 22 * StepLoss::kLossError);
}

TEST(StepLossTest, SpreadOutcomesHaveTheMomentsOfTheLoss) {
  // Full Gaussian: the loss is normal with mean 1/(2 z^2) and twice that as variance.
  const StepLoss step(2, 1, LossDirection::kRemove, 12);
  double total = 0;
  double mean = 0;
  double square = 0;
  for (const WeightedLoss& point : step.Spread()) {
    total += point.weight;
    mean += point.weight * point.loss;
    square += point.weight * point.loss * point.loss;
  }
  EXPECT_NEAR(total, 1, 1e-12);
  EXPECT_NEAR(mean, 0.125, 1e-12);
  EXPECT_NEAR(square - mean * mean, 0.25, 1e-12);
  EXPECT_LT(step.LowestLoss(), -5);
  EXPECT_GT(step.HighestLoss(), 5);
}

}  // namespace
}  // namespace consilium
