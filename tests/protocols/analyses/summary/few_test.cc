// What a summary does not release: numbers of few people, and what would give them back.

#include "protocols/analyses/summary/few.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "protocols/small_cells.h"
#include "tests/protocols/analyses/regression_testing.h"

namespace consilium::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

const std::string kColumns =
    Category("arm", {"a", "b", "c"}) + Category("stage", {"I", "II", "III"}) + Number("x", 0, 10);

/// counts[stage][arm] patients.
Rows RowsOf(const std::vector<std::vector<int>>& counts) {
  const char* const arms[] = {"a", "b", "c"};
  const char* const stages[] = {"I", "II", "III"};
  Rows rows;
  for (std::size_t stage = 0; stage < counts.size(); ++stage) {
    for (std::size_t arm = 0; arm < counts[stage].size(); ++arm) {
      for (int i = 0; i < counts[stage][arm]; ++i) {
        rows.push_back({{"site", std::to_string(rows.size() % 3)},
                        {"arm", arms[arm]},
                        {"stage", stages[stage]},
                        {"x", std::to_string(static_cast<double>(rows.size() * 7 % 100) / 10)}});
      }
    }
  }
  return rows;
}

std::string Summary(const std::string& rest) {
  return "kind = \"summary\"\nvariables = [\"stage\", \"x\"]\n" + rest;
}

Outcome RunOver(const std::vector<std::vector<int>>& counts, const std::string& analysis) {
  const Plan plan = PlanOf(kColumns, analysis);
  return RunOn(plan, CohortsBy(plan, RowsOf(counts), "site"));
}

const Json& LevelCount(const Json& cell, std::size_t level) {
  return cell["levels"][level]["count"];
}

/// Everything that a result says of one variable's counts: held against the table by the audit of
/// protocols/small_cells.h.
HiddenCells HiddenIn(const Json& variable) {
  HiddenCells hidden;
  for (std::size_t level = 0; level < 3; ++level) {
    for (const Json& group : variable["groups"]) {
      hidden.cells.push_back(LevelCount(group, level).is_null());
    }
    hidden.rows.push_back(LevelCount(variable["all"], level).is_null());
  }
  for (const Json& group : variable["groups"]) hidden.columns.push_back(group["n"].is_null());
  return hidden;
}

TEST(FewTest, ASmallCellIsHiddenWithThoseThatGiveItBack) {
  const Outcome outcome =
      RunOver({{2, 9, 50}, {8, 30, 60}, {70, 80, 90}}, Summary("by = \"arm\"\n"));
  const Json& stage = outcome.json["variables"][0];
  EXPECT_TRUE(LevelCount(stage["groups"][0], 0).is_null());
  EXPECT_TRUE(LevelCount(stage["groups"][1], 0).is_null());
  EXPECT_TRUE(LevelCount(stage["groups"][0], 1).is_null());
  EXPECT_TRUE(LevelCount(stage["groups"][1], 1).is_null());
  EXPECT_EQ(LevelCount(stage["groups"][2], 0), 50);
  EXPECT_EQ(LevelCount(stage["all"], 0), 61);
  EXPECT_EQ(stage["groups"][0]["n"], 80);
  EXPECT_TRUE(stage["groups"][0]["levels"][0]["share"].is_null());
  EXPECT_FALSE(stage.contains("chi_squared")) << "with the totals it tells the cell";
  const HiddenCells hidden = HiddenIn(stage);
  const CountInterval told = WhatIsTold({3, 3, {2, 9, 50, 8, 30, 60, 70, 80, 90}}, hidden, 0, 0);
  EXPECT_GE(told.high - told.low, 5);
}

TEST(FewTest, TheTableForPeopleSaysWhatTheStarsAre) {
  const Plan plan = PlanOf(
      Category("arm", {"a", "b"}) + Category("stage", {"I", "II", "III"}) + Number("x", 0, 10),
      Summary("by = \"arm\"\n"));
  const Rows rows = RowsOf({{2, 9}, {8, 30}, {70, 80}});
  const Outcome outcome = RunOn(plan, CohortsBy(plan, rows, "site"));
  EXPECT_THAT(outcome.result.table, HasSubstr("\n* not shown: fewer than 5 people"));
}

TEST(FewTest, ALargeTableIsShownWhole) {
  const std::vector<std::vector<int>> counts = {{12, 9, 50}, {8, 30, 60}, {70, 80, 90}};
  const Outcome outcome = RunOver(counts, Summary("by = \"arm\"\n"));
  EXPECT_FALSE(HiddenIn(outcome.json["variables"][0]).Any());
  EXPECT_TRUE(outcome.json["variables"][0].contains("chi_squared"));
  EXPECT_THAT(outcome.result.table, Not(HasSubstr("* not shown")));
  EXPECT_EQ(outcome.json["minimum_count"], 5);
}

TEST(FewTest, APlanMaySayWhatIsFew) {
  const std::vector<std::vector<int>> counts = {{2, 9, 50}, {8, 30, 60}, {70, 80, 90}};
  EXPECT_FALSE(
      HiddenIn(RunOver(counts, Summary("by = \"arm\"\nminimum_count = 1\n")).json["variables"][0])
          .Any());
  EXPECT_FALSE(
      HiddenIn(RunOver(counts, Summary("by = \"arm\"\nminimum_count = 2\n")).json["variables"][0])
          .Any());
  EXPECT_TRUE(
      HiddenIn(RunOver(counts, Summary("by = \"arm\"\nminimum_count = 3\n")).json["variables"][0])
          .Any());
}

/// Arms of 3 and, with it, the next smaller: in every variable, since all less the others is they.
TEST(FewTest, AGroupOfFewIsHiddenEverywhereWithAnother) {
  const Outcome outcome =
      RunOver({{1, 20, 50}, {1, 30, 60}, {1, 25, 90}}, Summary("by = \"arm\"\n"));
  EXPECT_TRUE(outcome.json["groups"][0]["rows"].is_null());
  EXPECT_TRUE(outcome.json["groups"][1]["rows"].is_null());
  EXPECT_EQ(outcome.json["groups"][2]["rows"], 200);
  EXPECT_EQ(outcome.json["rows"], 278);
  for (const Json& variable : outcome.json["variables"]) {
    for (const std::size_t g : {0U, 1U}) {
      const Json& group = variable["groups"][g];
      EXPECT_TRUE(group["n"].is_null());
      EXPECT_TRUE(group["missing"].is_null());
      EXPECT_FALSE(group.contains("mean"));
      EXPECT_FALSE(group.contains("median"));
      EXPECT_FALSE(group.contains("histogram"));
    }
    EXPECT_FALSE(variable.contains("anova"));
    EXPECT_FALSE(variable.contains("chi_squared"));
  }
  EXPECT_TRUE(outcome.json["variables"][1]["groups"][2].contains("mean"));
}

/// Arm a has 6 patients, b 12, c 40; x is known of 3, 12 and 30 of them. Beside b, which lacks
/// none, the values of a would be 3 to 6 by what is shown.
TEST(FewTest, ValuesAreHeldApartFromWhatTheRowsOfTheirGroupTell) {
  Rows rows = RowsOf({{6, 12, 40}});
  const auto forget = [&](const std::string& arm, int values) {
    for (auto& row : rows) {
      if (row.at("arm") == arm && values-- > 0) row["x"] = "";
    }
  };
  forget("a", 3);
  forget("c", 10);
  const Plan plan = PlanOf(kColumns, Summary("by = \"arm\"\n"));
  const Outcome outcome = RunOn(plan, CohortsBy(plan, rows, "site"));
  const Json& x = outcome.json["variables"][1];

  EXPECT_TRUE(x["groups"][0]["n"].is_null());
  EXPECT_EQ(x["groups"][1]["n"], 12);
  EXPECT_TRUE(x["groups"][2]["n"].is_null());
  EXPECT_EQ(x["all"]["n"], 45);
}

TEST(FewTest, WithoutGroupsASmallLevelTakesAnotherWithIt) {
  const Outcome outcome = RunOver({{3}, {30}, {12}}, Summary(""));
  const Json& all = outcome.json["variables"][0]["all"];
  EXPECT_TRUE(LevelCount(all, 0).is_null());
  EXPECT_EQ(LevelCount(all, 1), 30);
  EXPECT_TRUE(LevelCount(all, 2).is_null());
  EXPECT_EQ(all["n"], 45);
}

/// Each bin of the histogram, of all, of each group shown and of the rest, has nobody or enough.
TEST(FewTest, BinsAreLaidTogetherUntilNoneIsOfFew) {
  for (const std::vector<std::vector<int>>& counts :
       {std::vector<std::vector<int>>{{20, 30, 40}, {20, 10, 5}},
        std::vector<std::vector<int>>{{1, 30, 40}, {2, 10, 5}},
        std::vector<std::vector<int>>{{6, 6, 6}}}) {
    const Outcome outcome = RunOver(counts, Summary("by = \"arm\"\nbins = 100\n"));
    const Json& variable = outcome.json["variables"][1];
    const auto all = variable["all"]["histogram"]["counts"].get<std::vector<double>>();
    const auto edges = variable["all"]["histogram"]["edges"].get<std::vector<double>>();
    EXPECT_EQ(edges.size(), all.size() + 1);
    EXPECT_EQ(edges.front(), 0);
    EXPECT_EQ(edges.back(), 10);
    EXPECT_TRUE(std::is_sorted(edges.begin(), edges.end()));
    std::vector<double> rest = all;
    const auto expect_enough = [](const std::vector<double>& bins) {
      for (const double count : bins) EXPECT_TRUE(count == 0 || count >= 5) << count;
    };
    expect_enough(all);
    double people = 0;
    for (const double count : all) people += count;
    EXPECT_EQ(people, variable["all"]["n"]);
    for (const Json& group : variable["groups"]) {
      if (!group.contains("histogram")) continue;
      const auto bins = group["histogram"]["counts"].get<std::vector<double>>();
      expect_enough(bins);
      for (std::size_t bin = 0; bin < bins.size(); ++bin) rest[bin] -= bins[bin];
    }
    expect_enough(rest);
  }
}

TEST(FewTest, AQuartileHasEnoughPeopleOnEitherSide) {
  const Json enough = RunOver({{20}}, Summary("")).json["variables"][1]["all"];
  EXPECT_TRUE(enough.contains("lower_quartile"));
  EXPECT_TRUE(enough.contains("upper_quartile"));
  const Json some = RunOver({{19}}, Summary("")).json["variables"][1]["all"];
  EXPECT_FALSE(some.contains("lower_quartile"));
  EXPECT_TRUE(some.contains("median"));
  EXPECT_FALSE(RunOver({{9}}, Summary("")).json["variables"][1]["all"].contains("median"));
}

TEST(FewTest, OfFewPeopleNoMomentIsShown) {
  const Json few = RunOver({{4}}, Summary("")).json["variables"][1]["all"];
  EXPECT_EQ(few["n"], 4);
  EXPECT_FALSE(few.contains("mean"));
  EXPECT_FALSE(few.contains("variance"));
  EXPECT_FALSE(few.contains("histogram"));
}

}  // namespace
}  // namespace consilium::testing
