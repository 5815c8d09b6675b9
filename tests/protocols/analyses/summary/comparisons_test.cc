// Differences between groups from counts and moments, against formulas by hand.

#include <cmath>

#include <gtest/gtest.h>

#include "protocols/analyses/summary/statistics.h"
#include "protocols/analyses/summary/tests.h"

namespace consilium::summary {
namespace {

TEST(ShareDifferenceTest, OfTwoLevelsIsTheTextbookFormula) {
  // 30 of 100 against 45 of 90.
  const double p = 0.3;
  const double q = 0.5;
  const double expected = std::abs(p - q) / std::sqrt((p * (1 - p) + q * (1 - q)) / 2);
  EXPECT_NEAR(ShareDifference({70, 30}, {45, 45}).value(), expected, 1e-14);
}

/// p = (.5, .3, .2), q = (.2, .3, .5); S the mean of diag(p) - p p' and that of q without
/// the first level; sqrt((p - q)' inv(S) (p - q)) = 0.7682212795973757.
TEST(ShareDifferenceTest, OfThreeLevelsIsTheMahalanobisDistance) {
  EXPECT_NEAR(ShareDifference({50, 30, 20}, {20, 30, 50}).value(), 0.7682212795973757, 1e-13);
  // A level that nobody has changes nothing.
  EXPECT_NEAR(ShareDifference({50, 0, 30, 20}, {20, 0, 30, 50}).value(), 0.7682212795973757, 1e-13);
}

TEST(ShareDifferenceTest, IsNoneWhereThereIsNothingToCompare) {
  EXPECT_FALSE(ShareDifference({10, 0}, {20, 0}).has_value());
  EXPECT_FALSE(ShareDifference({0, 0}, {20, 3}).has_value());
  EXPECT_FALSE(ShareDifference({10, 0}, {0, 20}).has_value());
}

TEST(ComparisonsTest, WithoutSpreadOrPatientsThereIsNoTest) {
  EXPECT_FALSE(WelchTest({1, 2, 0}, {5, 3, 1}).has_value());
  EXPECT_FALSE(WelchTest({4, 2, 0}, {5, 3, 0}).has_value());
  double within = 0;
  EXPECT_FALSE(OneWayAnova({{1, 2, 0}, {0, 0, 0}}, within).has_value());
  EXPECT_FALSE(ChiSquaredTest({{3, 0}, {5, 0}}).has_value());
  EXPECT_FALSE(ChiSquaredTest({{3, 4}, {0, 0}}).has_value());
  const double nothing[kStratumNumbers] = {};
  EXPECT_FALSE(MantelHaenszelTest(nothing, 0.95).has_value());
}

/// A site of which nobody is in one group adds to neither ratio; with R > 0 and S = 0 there is a
/// test and no ratio.
TEST(ComparisonsTest, ARatioWithoutAnEndIsNone) {
  double sums[kStratumNumbers] = {};
  sums[kDifference] = 2;
  sums[kVariance] = 1;
  sums[kR] = 3;
  const auto result = MantelHaenszelTest(sums, 0.95);
  ASSERT_TRUE(result.has_value());
  EXPECT_DOUBLE_EQ(result->test.statistic, 4);
  EXPECT_DOUBLE_EQ(result->corrected.statistic, 2.25);
  EXPECT_FALSE(result->odds_ratio.has_value());
}

}  // namespace
}  // namespace consilium::summary
