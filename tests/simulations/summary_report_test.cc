#include "simulations/summary_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace consilium {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

PlainRun RunOf(const std::string& json) {
  PlainRun run;
  run.result.json = json;
  run.result.table = "n < 5 & more\n";
  return run;
}

std::string SummaryOf(double mean) {
  return R"({"variables": [{"all": {"mean": )" + std::to_string(mean) +
         R"(}}, {"all": {"levels": []}}]})";
}

TEST(SummaryReportTest, ShowsTheTableAndHowFarThePooledOneIs) {
  Comparison comparison;
  comparison.federated = RunOf(SummaryOf(4));
  comparison.pooled.run = RunOf(SummaryOf(5));
  ASSERT_TRUE(IsSummary(comparison));
  EXPECT_THAT(SummaryText(comparison), HasSubstr("2.0e-01"));
  EXPECT_THAT(SummarySection(comparison), HasSubstr("<pre>n &lt; 5 &amp; more"));
}

TEST(SummaryReportTest, ComparesNothingThatHasNoise) {
  Comparison comparison;
  comparison.federated = RunOf(R"({"variables": [], "privacy": {}})");
  comparison.pooled.run = comparison.federated;
  EXPECT_THAT(SummaryText(comparison), Not(HasSubstr("difference")));
}

TEST(SummaryReportTest, OtherResultsAreNoSummary) {
  Comparison comparison;
  comparison.federated = RunOf(R"({"coefficients": []})");
  EXPECT_FALSE(IsSummary(comparison));
}

}  // namespace
}  // namespace consilium
