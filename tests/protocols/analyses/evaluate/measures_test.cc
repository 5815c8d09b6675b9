// AUC, means and ratios against their definitions over all pairs and rows.

#include "protocols/analyses/evaluate/measures.h"

#include <cmath>
#include <vector>

#include <gtest/gtest.h>

namespace consilium::evaluate {
namespace {

std::vector<double> Histogram(const std::vector<int>& scores, std::size_t bins) {
  std::vector<double> counts(bins, 0.0);
  for (const int score : scores) counts[static_cast<std::size_t>(score)] += 1;
  return counts;
}

double Beats(int event, int other) { return event > other ? 1 : event == other ? 0.5 : 0; }

double Mean(const std::vector<double>& numbers) {
  double sum = 0;
  for (const double number : numbers) sum += number;
  return sum / static_cast<double>(numbers.size());
}

double SampleVariance(const std::vector<double>& numbers) {
  const double mean = Mean(numbers);
  double sum = 0;
  for (const double number : numbers) sum += (number - mean) * (number - mean);
  return sum / static_cast<double>(numbers.size() - 1);
}

/// DeLong, DeLong and Clarke-Pearson's components, each from all pairs.
TEST(DiscriminateTest, IsTheStatisticOverAllPairsWithDeLongsError) {
  const std::vector<int> events = {3, 7, 7, 9, 4, 8, 2, 9, 6};
  const std::vector<int> others = {0, 3, 1, 4, 4, 7, 2, 5, 0, 1, 3};
  std::vector<double> of_events;
  for (const int event : events) {
    std::vector<double> wins;
    for (const int other : others) wins.push_back(Beats(event, other));
    of_events.push_back(Mean(wins));
  }
  std::vector<double> of_others;
  for (const int other : others) {
    std::vector<double> wins;
    for (const int event : events) wins.push_back(Beats(event, other));
    of_others.push_back(Mean(wins));
  }
  const double error = std::sqrt(SampleVariance(of_events) / 9 + SampleVariance(of_others) / 11);
  const auto found = Discriminate(Histogram(events, 10), Histogram(others, 10), 0.95);
  ASSERT_TRUE(found.has_value());
  EXPECT_NEAR(found->auc.estimate, Mean(of_events), 1e-14);
  EXPECT_NEAR(*found->auc.std_error, error, 1e-14);
  EXPECT_NEAR(*found->auc.low, Mean(of_events) - 1.959963984540054 * error, 1e-13);
  EXPECT_EQ(*found->auc.high, std::min(1.0, Mean(of_events) + 1.959963984540054 * error));
  // Ties: 2-2, 3-3 twice, 4-4 twice, 7-7 twice.
  EXPECT_NEAR(found->bin_error, 7 / 2.0 / 99, 1e-15);
  EXPECT_TRUE(found->overlaps);
}

TEST(DiscriminateTest, OneRowOfASideHasNoErrorAndNoneNothing) {
  const auto one = Discriminate(std::vector<double>{0, 1}, std::vector<double>{3, 2}, 0.95);
  ASSERT_TRUE(one.has_value());
  EXPECT_DOUBLE_EQ(one->auc.estimate, 4.0 / 5);
  EXPECT_FALSE(one->auc.std_error.has_value());
  EXPECT_FALSE(Discriminate(std::vector<double>{0, 0}, std::vector<double>{3, 2}, 0.95));
  EXPECT_FALSE(Discriminate(std::vector<double>{1, 0}, std::vector<double>{0, 0}, 0.95));
}

TEST(DiscriminateTest, OverlapNeedsAPairInOtherBinsEachWay) {
  const auto overlaps = [](std::vector<double> events, std::vector<double> others) {
    return Discriminate(events, others, 0.95)->overlaps;
  };
  EXPECT_TRUE(overlaps({1, 0, 1}, {0, 2, 0}));
  EXPECT_TRUE(overlaps({0, 1, 0}, {1, 0, 1}));
  EXPECT_FALSE(overlaps({0, 2, 1}, {3, 1, 0}));
  EXPECT_FALSE(overlaps({3, 1, 0}, {0, 2, 1}));
  EXPECT_FALSE(overlaps({0, 2, 0}, {0, 3, 0}));
}

TEST(MeasuresTest, AMeanHasItsSampleError) {
  const std::vector<double> numbers = {0.1, 0.4, 0.2, 0.9, 0.05};
  double sum = 0;
  double squares = 0;
  for (const double number : numbers) {
    sum += number;
    squares += number * number;
  }
  const Measure mean = MeanMeasure(5, sum, squares, 0.9);
  EXPECT_NEAR(mean.estimate, Mean(numbers), 1e-15);
  EXPECT_NEAR(*mean.std_error, std::sqrt(SampleVariance(numbers) / 5), 1e-15);
  EXPECT_NEAR(*mean.high, mean.estimate + 1.6448536269514722 * *mean.std_error, 1e-14);
  EXPECT_FALSE(MeanMeasure(1, 0.3, 0.09, 0.9).std_error.has_value());
}

TEST(MeasuresTest, ObservedOverExpectedIsSymmetricInItsLogarithm) {
  const auto ratio = ObservedOverExpected(100, 20, 25, 0.95);
  ASSERT_TRUE(ratio.has_value());
  const double error = std::sqrt((1 - 0.2) / 20);
  EXPECT_DOUBLE_EQ(ratio->estimate, 0.8);
  EXPECT_NEAR(*ratio->std_error, 0.8 * error, 1e-15);
  EXPECT_NEAR(*ratio->low, 0.8 * std::exp(-1.959963984540054 * error), 1e-14);
  EXPECT_NEAR(*ratio->low * *ratio->high, 0.64, 1e-14);
  EXPECT_FALSE(ObservedOverExpected(100, 0, 25, 0.95).has_value());
}

TEST(MeasuresTest, AMeanOfEqualLossesHasNoErrorButRounding) {
  double sum = 0;
  double squares = 0;
  for (int i = 0; i < 180; ++i) {
    sum += std::log(2.0);
    squares += std::log(2.0) * std::log(2.0);
  }
  EXPECT_EQ(MeanMeasure(180, sum, squares, 0.95).std_error, 0.0);
}

}  // namespace
}  // namespace consilium::evaluate
