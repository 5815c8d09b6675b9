#include "client/quality/federation_compare.h"

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

/// What a summary has of cholesterol.
KnownSummary OfCholesterol(const std::string& all) {
  KnownSummary summary = Summary();
  summary.json = R"({"variables": [{"name": "chol", "type": "number", "unit": "mg/dL", "all":
    {"n": 800, "missing": 0, )" +
                 all + "}}]}";
  return summary;
}

/// Bins that were laid together so that none holds few people have edges in place of a width.
TEST(CompareWithFederationTest, BinsLaidTogetherAreComparedBetweenTheirEdges) {
  const auto found = CompareWithFederation(
      Measured(), Hundred(101, 299),
      {OfCholesterol(R"("histogram": {"edges": [0, 150, 200, 700], "counts": [200, 200, 400]})")});
  ASSERT_TRUE(found.view.has_value());
  const ComparedColumn& chol = found.view->columns.at(0);
  EXPECT_THAT(chol.edges, ::testing::ElementsAre(0, 150, 200, 700));
  EXPECT_THAT(chol.there, ::testing::ElementsAre(0.25, 0.25, 0.5));
  // 101, 103, ..., 299: 25 below 150, 25 from there to 200, 50 above.
  EXPECT_THAT(chol.here, ::testing::ElementsAre(0.25, 0.25, 0.5));
}

/// The lower end belongs to a bin, the upper one to the next; the last has both.
TEST(CompareWithFederationTest, AValueAtAnEdgeBelongsToTheBinThatBeginsThere) {
  DataTable table = Hundred(150, 150);
  for (std::size_t row = 0; row < 10; ++row) table.columns[0][row] = 700;
  const auto found = CompareWithFederation(
      Measured(), table,
      {OfCholesterol(R"("histogram": {"edges": [0, 150, 700], "counts": [400, 400]})")});
  EXPECT_THAT(found.view->columns.at(0).here, ::testing::ElementsAre(0, 1));
}

TEST(CompareWithFederationTest, ManyBinsAreLaidTogetherWithTheirEdges) {
  std::string edges = "0";
  std::string counts;
  for (int i = 1; i <= 70; ++i) {
    edges += ", " + std::to_string(10 * i);
    counts += (i == 1 ? "" : ", ") + std::string("10");
  }
  const auto found = CompareWithFederation(
      Measured(), Hundred(120, 280),
      {OfCholesterol("\"histogram\": {\"edges\": [" + edges + "], \"counts\": [" + counts + "]}")});
  const ComparedColumn& chol = found.view->columns.at(0);
  ASSERT_EQ(chol.there.size(), 24U);  // Three each, and the last alone.
  ASSERT_EQ(chol.edges.size(), 25U);
  EXPECT_EQ(chol.edges[1], 30);
  EXPECT_EQ(chol.edges.back(), 700);
  EXPECT_NEAR(chol.there.front(), 3.0 / 70, 1e-12);
  EXPECT_NEAR(chol.there.back(), 1.0 / 70, 1e-12);
}

/// Edges that fall, or are too few, are no edges.
TEST(CompareWithFederationTest, EdgesThatDoNotFitAreNotUsed) {
  for (const char* histogram :
       {R"({"edges": [0, 200, 150, 700], "counts": [1, 2, 3]})",
        R"({"edges": [0, 700], "counts": [1, 2, 3]})", R"({"counts": [1, 2, 3]})",
        R"({"from": 0, "width": 0, "counts": [1]})"}) {
    const auto found = CompareWithFederation(
        Measured(), Hundred(120, 280), {OfCholesterol(std::string("\"histogram\": ") + histogram)});
    EXPECT_FALSE(found.view.has_value()) << histogram;
  }
}

TEST(CompareWithFederationTest, ASummaryWithoutAHistogramIsComparedByMeans) {
  for (const char* all :
       {R"("mean": 200.0, "sd": 50.0)", R"("mean": 200.0, "sd": 50.0, "histogram": null)",
        R"("mean": 200.0, "sd": 50.0, "histogram": {"edges": [0, 100, 700],
                             "counts": [null, 800]})"}) {
    const auto found = CompareWithFederation(Measured(), Hundred(270, 330), {OfCholesterol(all)});
    ASSERT_TRUE(found.view.has_value()) << all;
    const ComparedColumn& chol = found.view->columns.at(0);
    EXPECT_NEAR(*chol.difference, 2, 1e-9);
    EXPECT_THAT(chol.edges, IsEmpty());
    EXPECT_THAT(chol.here, IsEmpty());
    EXPECT_THAT(chol.there, IsEmpty());
    ASSERT_EQ(found.suspicions.size(), 1U);
    EXPECT_THAT(found.suspicions[0].words, HasSubstr("2.0 standard deviations above"));
  }
}

/// Counts that are not released are null: of levels, of rows, of a mean.
TEST(CompareWithFederationTest, CountsThatAreNotReleasedAreNotCompared) {
  KnownSummary withheld = Summary();
  withheld.json = R"({"variables": [
    {"name": "smoker", "type": "levels", "all": {"n": 700, "missing": 100, "levels": [
     {"level": "false", "count": null}, {"level": "true", "count": 350}]}},
    {"name": "ward", "type": "levels", "all": {"n": null, "missing": null, "levels": [
     {"level": "a", "count": 720}, {"level": "b", "count": 80}]}},
    {"name": "chol", "type": "number", "unit": "mg/dL", "all": {"n": 800, "missing": 0,
     "mean": null, "sd": null}}]})";
  const auto found = CompareWithFederation(Measured(), Hundred(120, 280), {withheld});
  EXPECT_FALSE(found.view.has_value());
  EXPECT_THAT(found.suspicions, IsEmpty());
}

}  // namespace
}  // namespace consilium
