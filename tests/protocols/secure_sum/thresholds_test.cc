#include "protocols/secure_sum/thresholds.h"

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
  for (std::uint32_t n = 3; n <= kMaxSites; ++n) {
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

TEST(ThresholdsTest, RefusesTwoSitesAndMoreThanTheCompleteGraphHolds) {
  for (const std::uint32_t n : {0u, 1u, 2u, 129u, 1'000'000u, UINT32_MAX}) {
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

}  // namespace
}  // namespace consilium
