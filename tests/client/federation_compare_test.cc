#include "client/federation_compare.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/client/study_builder.h"
#include "tests/client/table_builder.h"

namespace consilium {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Contract Measured() {
  return MakeContract(
      "patient = \"id\"\n[[column]]\nname = \"chol\"\ntype = \"number\"\nunit = \"mg/dL\"\n"
      "range = [0, 700]\n[[column]]\nname = \"smoker\"\ntype = \"boolean\"\n"
      "[[column]]\nname = \"ward\"\ntype = \"category\"\nlevels = [\"a\", \"b\"]\n");
}

/// A hundred patients; cholesterol evenly between `low` and `high`.
DataTable Hundred(double low, double high) {
  std::vector<std::vector<double>> columns(3);
  for (int i = 0; i < 100; ++i) {
    columns[0].push_back(low + (high - low) * i / 99);
    columns[1].push_back(i % 2);
    columns[2].push_back(i % 10 == 0 ? 1 : 0);
  }
  return MakeTable(std::move(columns));
}

/// Cholesterol 200 with sd 50 in 14 parts of 50, nothing missing; half of all smoke.
KnownSummary Summary(const std::string& unit = "mg/dL") {
  KnownSummary summary{"1a2b3c", "Table 1", 4, 800, {}};
  summary.json = R"({"variables": [
    {"name": "chol", "type": "number", "unit": ")" +
                 unit + R"(", "all": {"n": 800, "missing": 0,
     "mean": 200.0, "sd": 50.0, "histogram": {"from": 0, "width": 50,
     "counts": [0, 10, 90, 300, 300, 90, 10, 0, 0, 0, 0, 0, 0, 0]}}},
    {"name": "smoker", "type": "levels", "all": {"n": 700, "missing": 100, "levels": [
     {"level": "false", "count": 350}, {"level": "true", "count": 350}]}},
    {"name": "ward", "type": "levels", "all": {"n": 800, "missing": 0, "levels": [
     {"level": "a", "count": 720}, {"level": "b", "count": 80}]}},
    {"name": "other", "type": "number", "unit": "", "all": {"n": 1, "missing": 0}}]})";
  return summary;
}

TEST(CompareWithFederationTest, AlikeDataRaiseNoSuspicion) {
  const auto found = CompareWithFederation(Measured(), Hundred(120, 280), {Summary()});
  EXPECT_THAT(found.suspicions, IsEmpty());
  ASSERT_TRUE(found.view.has_value());
  EXPECT_EQ(found.view->sites, 4U);
  ASSERT_EQ(found.view->columns.size(), 3U);
  const ComparedColumn& chol = found.view->columns[0];
  EXPECT_NEAR(*chol.difference, 0, 0.01);
  ASSERT_EQ(chol.here.size(), 14U);
  EXPECT_NEAR(chol.there[3], 300.0 / 800, 1e-12);
  EXPECT_NEAR(chol.here[2] + chol.here[3] + chol.here[4] + chol.here[5], 1, 1e-12);
  EXPECT_THAT(found.view->columns[1].levels, ::testing::ElementsAre("no", "yes"));
  EXPECT_NEAR(found.view->columns[1].missing_there, 0.125, 1e-12);
}

TEST(CompareWithFederationTest, AnotherUnitIsFarAndNamed) {
  const auto found = CompareWithFederation(Measured(), Hundred(3.1, 7.2), {Summary()});
  ASSERT_EQ(found.suspicions.size(), 1U);
  EXPECT_EQ(found.suspicions[0].kind, "far-from-federation");
  EXPECT_EQ(found.suspicions[0].rows, 100U);
  EXPECT_EQ(found.suspicions[0].patients, 100U);
  EXPECT_THAT(found.suspicions[0].words,
              AllOf(HasSubstr("3.9 standard deviations below"), HasSubstr("in mmol/L")));
}

TEST(CompareWithFederationTest, OtherLevelsAndGapsAreNamed) {
  DataTable table = Hundred(120, 280);
  for (double& ward : table.columns[2]) ward = 1;
  for (std::size_t row = 0; row < 60; ++row) table.columns[0][row] = kGone;
  const auto found = CompareWithFederation(Measured(), table, {Summary()});
  ASSERT_EQ(found.suspicions.size(), 2U);
  EXPECT_EQ(found.suspicions[0].kind, "missing-here");
  EXPECT_EQ(found.suspicions[0].rows, 60U);
  EXPECT_EQ(found.suspicions[0].patients, 60U);
  EXPECT_THAT(found.suspicions[1].words, HasSubstr("\"a\" in 0 % of the rows with a value, in the "
                                                   "federation in 90 %"));
}

TEST(CompareWithFederationTest, OtherUnitsLevelsAndFewValuesAreNotCompared) {
  auto found = CompareWithFederation(Measured(), Hundred(120, 280), {Summary("mmol/L")});
  EXPECT_EQ(found.view->columns.size(), 2U);
  DataTable few = Hundred(120, 280);
  for (auto& column : few.columns) {
    for (std::size_t row = 9; row < 100; ++row) column[row] = kGone;
  }
  EXPECT_FALSE(CompareWithFederation(Measured(), few, {Summary()}).view.has_value());
  EXPECT_FALSE(CompareWithFederation(Measured(), few, {}).view.has_value());
}

TEST(CompareWithFederationTest, TheSummaryWithMostColumnsIsTaken) {
  KnownSummary better = Summary();
  better.study = "better";
  const auto found =
      CompareWithFederation(Measured(), Hundred(120, 280), {Summary("mmol/L"), better});
  EXPECT_EQ(found.view->study, "better");
}

/// Counts with noise may be below zero, and a mean or spread absent.
TEST(CompareWithFederationTest, NoisedCountsAreTakenAsTheyAre) {
  KnownSummary noisy = Summary();
  noisy.json = R"({"variables": [{"name": "chol", "type": "number", "unit": "mg/dL", "all":
    {"n": 801.5, "missing": -3.5, "histogram": {"from": 0, "width": 350,
     "counts": [-2.5, 804.0]}}}]})";
  const auto found = CompareWithFederation(Measured(), Hundred(120, 280), {noisy});
  ASSERT_EQ(found.view->columns.size(), 1U);
  EXPECT_FALSE(found.view->columns[0].difference.has_value());
  EXPECT_EQ(found.view->columns[0].missing_there, 0);
  EXPECT_THAT(found.view->columns[0].there, ::testing::ElementsAre(0, 1));
}

}  // namespace
}  // namespace consilium
