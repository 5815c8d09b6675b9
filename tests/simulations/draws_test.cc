#include "simulations/draws.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

#include <gtest/gtest.h>

namespace consilium {
namespace {

constexpr int kDraws = 40'000;

struct Moments {
  double mean = 0;
  double variance = 0;
};

template <class Draw>
Moments MomentsOf(Draw draw) {
  double sum = 0;
  double squares = 0;
  for (int i = 0; i < kDraws; ++i) {
    const auto value = static_cast<double>(draw());
    sum += value;
    squares += value * value;
  }
  const double mean = sum / kDraws;
  return {mean, squares / kDraws - mean * mean};
}

// The bounds below are five standard errors of each moment or more: a false alarm has probability
// under 1e-6, and the seeds are fixed.
TEST(DrawsTest, NormalsHaveMeanZeroAndVarianceOne) {
  SeededRandom random(1);
  const Moments found = MomentsOf([&] { return DrawNormal(random); });
  EXPECT_NEAR(found.mean, 0, 0.025);
  EXPECT_NEAR(found.variance, 1, 0.036);
}

TEST(DrawsTest, GammasHaveTheirShapeAsMeanAndVariance) {
  for (const double shape : {0.2, 0.9, 1.0, 3.0, 40.0}) {
    SeededRandom random(2);
    const Moments found = MomentsOf([&] { return DrawGamma(random, shape); });
    EXPECT_NEAR(found.mean, shape, 5 * std::sqrt(shape / kDraws)) << shape;
    const double fourth = 3 * shape * shape + 6 * shape;
    EXPECT_NEAR(found.variance, shape, 5 * std::sqrt((fourth - shape * shape) / kDraws)) << shape;
  }
}

TEST(DrawsTest, PoissonNumbersHaveTheirMeanAndVariance) {
  for (const double mean : {0.0, 0.3, 4.0, 250.0}) {
    SeededRandom random(3);
    const Moments found = MomentsOf([&] { return DrawPoisson(random, mean); });
    EXPECT_NEAR(found.mean, mean, 5 * std::sqrt(mean / kDraws)) << mean;
    EXPECT_NEAR(found.variance, mean, 5 * std::sqrt((2 * mean * mean + mean) / kDraws)) << mean;
  }
}

TEST(DrawsTest, SharesAddUpAndAreUnevenForASmallConcentration) {
  SeededRandom random(4);
  for (const double concentration : {0.001, 0.1, 1.0, 1000.0}) {
    const std::vector<double> shares = DrawShares(random, 7, concentration);
    EXPECT_NEAR(std::accumulate(shares.begin(), shares.end(), 0.0), 1, 1e-12);
    const double largest = *std::max_element(shares.begin(), shares.end());
    if (concentration > 100) {
      EXPECT_LT(largest, 0.2);
    }
    if (concentration < 0.01) {
      EXPECT_GT(largest, 0.9);
    }
  }
}

TEST(DrawsTest, AnIndexComesUpAsOftenAsItsShare) {
  SeededRandom random(5);
  std::vector<int> seen(3);
  for (int i = 0; i < kDraws; ++i) ++seen[DrawIndex(random, {0.5, 0, 0.5})];
  EXPECT_EQ(seen[1], 0);
  EXPECT_NEAR(seen[0], kDraws / 2, 500);
}

TEST(DrawsTest, CutsAddUpToTheTotal) {
  EXPECT_EQ(CutByShares(10, {0.25, 0.25, 0.5}), (std::vector<std::size_t>{3, 2, 5}));
  EXPECT_EQ(CutByShares(7, {0.1, 0.1}), (std::vector<std::size_t>{1, 6}));
  EXPECT_EQ(CutByShares(0, {0.5, 0.5}), (std::vector<std::size_t>{0, 0}));
}

TEST(DrawsTest, StreamsDifferBySeedPurposeAndIndexAndComeBack) {
  std::set<std::uint64_t> seen;
  for (const std::uint64_t seed : {1U, 2U}) {
    for (const char* purpose : {"a", "b"}) {
      for (const std::uint64_t index : {0U, 1U}) {
        SeededRandom first = StreamOf(seed, purpose, index);
        SeededRandom again = StreamOf(seed, purpose, index);
        const std::uint64_t number = first.Below(1ULL << 62U);
        EXPECT_EQ(again.Below(1ULL << 62U), number);
        EXPECT_TRUE(seen.insert(number).second);
      }
    }
  }
}

/// Numbers written down once: another machine or compiler must draw the very same.
TEST(DrawsTest, DrawTheSameBitsEverywhere) {
  SeededRandom random = StreamOf(7, "golden");
  EXPECT_EQ(DrawNormal(random), 0x1.40f2436d52b8ep-1);
  EXPECT_EQ(DrawGamma(random, 0.3), 0x1.2ec92263ffd4bp-11);
  EXPECT_EQ(DrawPoisson(random, 321.5), 321u);
}

}  // namespace
}  // namespace consilium
