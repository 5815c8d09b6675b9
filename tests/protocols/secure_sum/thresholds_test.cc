#include "protocols/secure_sum/thresholds.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include <gtest/gtest.h>

namespace consilium {
namespace {

struct Row {
  std::uint32_t sites, colluding, shares, drop_outs, honest;
};

class ThresholdsTableTest : public testing::TestWithParam<Row> {};

TEST_P(ThresholdsTableTest, MatchesThePublishedRule) {
  const Row row = GetParam();
  const Result<Thresholds> thresholds = ThresholdsFor(row.sites, 3);
  ASSERT_TRUE(thresholds.has_value());
  EXPECT_EQ(thresholds->sites, row.sites);
  EXPECT_EQ(thresholds->neighbours, row.sites - 1);
  EXPECT_EQ(thresholds->colluding, row.colluding);
  EXPECT_EQ(thresholds->shares, row.shares);
  EXPECT_EQ(thresholds->quorum, row.shares);
  EXPECT_EQ(row.sites - thresholds->shares, row.drop_outs);
  EXPECT_EQ(thresholds->shares - thresholds->colluding, row.honest);
  EXPECT_EQ(thresholds->minimum, 3u);
}

// n, T, t = q, n - t, t - T: worked out by hand from the rule.
INSTANTIATE_TEST_SUITE_P(Published,
                         ThresholdsTableTest,
                         testing::Values(Row{3, 1, 3, 0, 2},
                                         Row{4, 1, 3, 1, 2},
                                         Row{5, 1, 4, 1, 3},
                                         Row{6, 1, 4, 2, 3},
                                         Row{7, 2, 5, 2, 3},
                                         Row{8, 2, 6, 2, 4},
                                         Row{10, 3, 7, 3, 4},
                                         Row{12, 3, 8, 4, 5},
                                         Row{15, 4, 10, 5, 6},
                                         Row{20, 6, 14, 6, 8},
                                         Row{50, 16, 34, 16, 18},
                                         Row{100, 33, 67, 33, 34}));

TEST(ThresholdsTest, NeitherTwoSecretsNorTwoTranscriptsCanBeReachedForAnyN) {
  for (std::uint32_t n = 3; n <= kMaxCompleteSites; ++n) {
    const Thresholds thresholds = *ThresholdsFor(n, 3);
    const std::uint32_t worst = n + thresholds.colluding;
    EXPECT_GT(2 * thresholds.shares, worst) << n;
    EXPECT_GT(2 * thresholds.quorum, worst) << n;
    EXPECT_LE(thresholds.shares, n) << n;
    EXPECT_GE(thresholds.shares, thresholds.colluding + 2)
        << "an honest site alone in the sum, " << n;
    EXPECT_GE(thresholds.colluding, 1u);
    EXPECT_LE(3 * thresholds.colluding, std::max(3u, n - 1)) << n;
  }
}

TEST(ThresholdsTest, RefusesTwoSitesAndMoreThanTheMessagesHold) {
  for (const std::uint32_t n : {0u, 1u, 2u, 5'001u, 1'000'000u, UINT32_MAX}) {
    const Result<Thresholds> thresholds = ThresholdsFor(n, 3);
    ASSERT_FALSE(thresholds.has_value()) << n;
    EXPECT_EQ(thresholds.error().code, ErrorCode::kRefused);
  }
}

TEST(ThresholdsTest, TheFewestSitesIsTheLargerOfThresholdAndMinimum) {
  EXPECT_EQ(FewestSites(*ThresholdsFor(7, 3)), 5u);
  EXPECT_EQ(FewestSites(*ThresholdsFor(7, 6)), 6u);
  EXPECT_EQ(FewestSites(*ThresholdsFor(7, 0)), 5u);
}

// -- Above the complete graph

struct GraphRow {
  std::uint32_t sites;
  double colluding, lost;
  std::uint32_t neighbours, shares, quorum;
};

class SparseGraphTableTest : public testing::TestWithParam<GraphRow> {};

TEST_P(SparseGraphTableTest, MatchesThePublishedTable) {
  const GraphRow row = GetParam();
  SparseGraphOptions options;
  options.colluding = row.colluding;
  options.lost = row.lost;
  EXPECT_EQ(FindSparseGraph(row.sites, options).value(), (SparseGraph{row.neighbours, row.shares}));
  if (row.quorum == 0) return;  // Not the rule's own options.
  const Thresholds thresholds = ThresholdsFor(row.sites, 5).value();
  EXPECT_EQ(thresholds.neighbours, row.neighbours);
  EXPECT_EQ(thresholds.shares, row.shares);
  EXPECT_EQ(thresholds.quorum, row.quorum);
}

// The table of design section 6, and its other columns; an independent implementation gives the
// same (its t is the smallest, too).
INSTANTIATE_TEST_SUITE_P(Published,
                         SparseGraphTableTest,
                         testing::Values(GraphRow{129, .2, .1, 36, 24, 78},
                                         GraphRow{200, .2, .1, 46, 30, 121},
                                         GraphRow{500, .2, .1, 60, 39, 301},
                                         GraphRow{1000, .2, .1, 68, 44, 601},
                                         GraphRow{2000, .2, .1, 70, 45, 1201},
                                         GraphRow{5000, .2, .1, 78, 50, 3001},
                                         GraphRow{200, .1, .05, 26, 17, 0},
                                         GraphRow{500, .1, .05, 32, 21, 0},
                                         GraphRow{1000, .1, .05, 38, 24, 0},
                                         GraphRow{5000, .1, .05, 42, 27, 0},
                                         GraphRow{10000, .1, .05, 42, 27, 0},
                                         GraphRow{200, 1. / 3, .1, 66, 47, 0},
                                         GraphRow{1000, 1. / 3, .1, 102, 72, 0},
                                         GraphRow{5000, 1. / 3, .1, 124, 87, 0}));

TEST(SparseGraphTest, TheQuorumIsOfAllSites) {
  for (const auto& [sites, quorum] : {std::pair{200u, 121u}, {500u, 301u}, {1000u, 601u}}) {
    const Thresholds thresholds = ThresholdsFor(sites, sites - 7).value();
    EXPECT_EQ(thresholds.quorum, quorum);
    EXPECT_EQ(FewestSites(thresholds), sites - 7);
    EXPECT_EQ(FewestSites(ThresholdsFor(sites, 5).value()), quorum);
  }
}

TEST(SparseGraphTest, EveryNumberOfSitesHasOneAndItsQuorumIsASingleView) {
  std::uint32_t fewest = 0;
  for (std::uint32_t n = kMaxCompleteSites + 1; n <= kMaxSites; n += n < 300 ? 1 : 37) {
    const Thresholds thresholds = ThresholdsFor(n, 5).value();
    EXPECT_EQ(thresholds.sites, n);
    EXPECT_LE(thresholds.neighbours, kMaxNeighbours) << n;
    EXPECT_LT(thresholds.shares, thresholds.neighbours) << n;
    EXPECT_GT(2 * thresholds.quorum, n + thresholds.colluding) << n;
    EXPECT_FALSE(IsComplete(thresholds)) << n;
    // Twenty bits of the rule's tails lie between n and 2 n: it does not fall by much.
    EXPECT_GE(thresholds.neighbours + 4, fewest) << n;
    fewest = std::max(fewest, thresholds.neighbours);
  }
  EXPECT_FALSE(FindSparseGraph(kMaxCompleteSites).has_value());
}

/// docs/spec/secure-sum.md, "More than 128 sites".
TEST(SparseGraphTest, NoSmallPartOfTheSumCanBeOpenedApart) {
  for (const std::uint32_t n : {129u, 200u, 500u, 1000u, 2000u, 5000u}) {
    const Thresholds thresholds = ThresholdsFor(n, 5).value();
    const std::uint32_t honest = n - thresholds.colluding;
    const std::uint32_t half = (thresholds.quorum - thresholds.colluding + 1) / 2;
    double log_choices = 0;  // Of C(honest, part), base e.
    double probability = 0;
    for (std::uint32_t part = 1; part < half; ++part) {
      log_choices += std::log(honest - part + 1.0) - std::log(part);
      const double within = MarkedAtLeast(n - 1, part - 1 + thresholds.colluding,
                                          thresholds.neighbours, thresholds.shares);
      probability += std::exp(log_choices + part * std::log(within));
    }
    EXPECT_LT(probability, std::ldexp(1, -40)) << n;
    EXPECT_GT(probability, std::ldexp(1, -60)) << "the rule is not wasteful, " << n;
  }
}

/// Counted: draws of 3 of 7 sites, 3 of them marked, in 35 ways.
TEST(SparseGraphTest, TheTailIsTheHypergeometricOne) {
  EXPECT_DOUBLE_EQ(MarkedAtLeast(7, 3, 3, 0), 1);
  EXPECT_DOUBLE_EQ(MarkedAtLeast(7, 3, 3, 1), 31. / 35);
  EXPECT_DOUBLE_EQ(MarkedAtLeast(7, 3, 3, 2), 13. / 35);
  EXPECT_DOUBLE_EQ(MarkedAtLeast(7, 3, 3, 3), 1. / 35);
  EXPECT_EQ(MarkedAtLeast(7, 3, 3, 4), 0);
  EXPECT_EQ(MarkedAtLeast(7, 0, 3, 1), 0);
}

}  // namespace
}  // namespace consilium
