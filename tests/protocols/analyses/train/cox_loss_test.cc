// The partial likelihood of a set of rows against its definition, pair by pair in long doubles.

#include "protocols/analyses/train/cox_loss.h"

#include <cmath>

#include <gtest/gtest.h>

#include "common/random.h"
#include "protocols/analyses/train/kernel.h"

namespace consilium::train {
namespace {

/// The longest followed first; equal ranks are tied.
struct Rows {
  std::vector<std::uint32_t> ranks;
  std::vector<float> events;
  std::vector<double> outputs;
};

Rows DrawnRows(std::size_t count, std::uint64_t seed, double reach) {
  SeededRandom random(seed);
  Rows rows;
  std::uint32_t rank = 0;
  for (std::size_t i = 0; i < count; ++i) {
    if (random.Unit() < 0.6) ++rank;
    rows.ranks.push_back(rank);
    rows.events.push_back(random.Unit() < 0.5 ? 1.0F : 0.0F);
    // Some are equal.
    rows.outputs.push_back(reach * std::round(8 * (2 * random.Unit() - 1)) / 8);
  }
  return rows;
}

struct ByDefinition {
  long double loss = 0;
  std::vector<long double> derivatives;
};

ByDefinition Define(const Rows& rows) {
  ByDefinition result;
  result.derivatives.assign(rows.ranks.size(), 0.0L);
  for (std::size_t i = 0; i < rows.ranks.size(); ++i) {
    if (rows.events[i] == 0) continue;
    long double sum = 0;
    for (std::size_t j = 0; j < rows.ranks.size(); ++j) {
      if (rows.ranks[j] <= rows.ranks[i]) {
        sum += std::exp(static_cast<long double>(rows.outputs[j]) - rows.outputs[i]);
      }
    }
    result.loss += std::log(sum);
    for (std::size_t j = 0; j < rows.ranks.size(); ++j) {
      if (rows.ranks[j] <= rows.ranks[i]) {
        result.derivatives[j] +=
            std::exp(static_cast<long double>(rows.outputs[j]) - rows.outputs[i]) / sum;
      }
    }
    result.derivatives[i] -= 1;
  }
  return result;
}

/// Rounding of sums of a hundred parts, each to 1e-15.
constexpr double kRounding = 1e-12;

TEST(CoxLossTest, LossAndDerivativesAreThoseOfBreslowsDefinition) {
  CoxLoss loss;
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    // Up to differences of 600, of which e^x is 0 in the sums.
    const Rows rows = DrawnRows(1 + seed * 2, seed, seed % 3 == 0 ? 300 : 3);
    const ByDefinition expected = Define(rows);
    std::vector<double> derivatives(rows.ranks.size());
    const double found = loss.Of(rows.ranks, rows.events, rows.outputs, derivatives);
    EXPECT_NEAR(found, static_cast<double>(expected.loss), kRounding * (1 + found));
    for (std::size_t i = 0; i < derivatives.size(); ++i) {
      EXPECT_NEAR(derivatives[i], static_cast<double>(expected.derivatives[i]),
                  kRounding * static_cast<double>(rows.ranks.size()))
          << seed << " " << i;
    }
    EXPECT_EQ(loss.Of(rows.ranks, rows.events, rows.outputs, {}), found);
  }
}

/// A constant in all log hazards is the baseline hazard's.
TEST(CoxLossTest, AConstantChangesNothingHoweverLarge) {
  CoxLoss loss;
  Rows rows = DrawnRows(80, 5, 2);
  std::vector<double> before(80);
  const double at_zero = loss.Of(rows.ranks, rows.events, rows.outputs, before);
  for (const double shift : {-1e5, 2048.0, 1e5}) {
    Rows moved = rows;
    for (double& output : moved.outputs) output += shift;
    std::vector<double> after(80);
    EXPECT_NEAR(loss.Of(moved.ranks, moved.events, moved.outputs, after), at_zero, 1e-8);
    for (std::size_t i = 0; i < 80; ++i) EXPECT_NEAR(after[i], before[i], 1e-9);
  }
}

TEST(CoxLossTest, WithoutAnEventThereIsNothingToLearn) {
  CoxLoss loss;
  Rows rows = DrawnRows(20, 1, 2);
  std::fill(rows.events.begin(), rows.events.end(), 0.0F);
  std::vector<double> derivatives(20, 7.0);
  EXPECT_EQ(loss.Of(rows.ranks, rows.events, rows.outputs, derivatives), 0);
  for (const double derivative : derivatives) EXPECT_EQ(derivative, 0);
  EXPECT_EQ(loss.Of({}, {}, {}, {}), 0);
}

TEST(CoxLossTest, AnEventCountsAtMostItsBoundAndWhatIsNoNumberIsNone) {
  CoxLoss loss;
  const std::vector<std::uint32_t> ranks = {0, 1};
  const std::vector<float> events = {0, 1};
  std::vector<double> derivatives(2);
  const double most = kLargestLoss;
  EXPECT_EQ(loss.Of(ranks, events, std::vector<double>{1e9, -1e9}, derivatives), most);
  EXPECT_EQ(derivatives, (std::vector<double>{1, -1}));
  EXPECT_EQ(loss.Of(ranks, events, std::vector<double>{INFINITY, 0}, derivatives), most);
  EXPECT_TRUE(std::isnan(derivatives[0]) && std::isnan(derivatives[1]));
  EXPECT_EQ(loss.Of(ranks, events, std::vector<double>{0, std::nan("")}, {}), most);
}

TEST(CoxLossTest, PairsAreHarrells) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const Rows rows = DrawnRows(2 * seed, seed, 1);
    OrderedPairs expected;
    for (std::size_t i = 0; i < rows.ranks.size(); ++i) {
      for (std::size_t j = 0; j < rows.ranks.size(); ++j) {
        const bool first = rows.events[i] > 0 &&
                           (rows.ranks[j] < rows.ranks[i] ||
                            (rows.ranks[j] == rows.ranks[i] && j != i && rows.events[j] == 0));
        if (!first) continue;
        expected.all += 1;
        expected.in_order += rows.outputs[i] > rows.outputs[j]    ? 1
                             : rows.outputs[i] == rows.outputs[j] ? 0.5
                                                                  : 0;
      }
    }
    const OrderedPairs found = PairsOf(rows.ranks, rows.events, rows.outputs);
    EXPECT_EQ(found.all, expected.all);
    EXPECT_EQ(found.in_order, expected.in_order);
  }
}

}  // namespace
}  // namespace consilium::train
