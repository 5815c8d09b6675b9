// client/quality/calendar_drift.h and client/quality/change_point.h.

#include "client/quality/calendar_drift.h"

#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/quality/change_point.h"
#include "common/random.h"
#include "tests/client/study_builder.h"
#include "tests/client/table_builder.h"

namespace consilium {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Contract CholesterolByVisit() {
  return MakeContract(
      "patient = \"id\"\n[[column]]\nname = \"birth_date\"\ntype = \"date\"\n"
      "[[column]]\nname = \"visit\"\ntype = \"date\"\n"
      "[[column]]\nname = \"chol\"\ntype = \"number\"\nunit = \"mg/dL\"\nrange = [0, 700]\n"
      "[[column]]\nname = \"smoker\"\ntype = \"boolean\"\n"
      "[[column]]\nname = \"ward\"\ntype = \"category\"\nlevels = [\"a\", \"b\", \"c\"]\n");
}

/// Twelve rows a month from 2017 to 2020, drawn; nothing changes.
DataTable FourYears(std::uint64_t seed) {
  SeededRandom random(seed);
  std::vector<std::vector<double>> columns(5);
  for (int month = 0; month < 48; ++month) {
    for (unsigned i = 0; i < 12; ++i) {
      columns[0].push_back(Day(1950 + static_cast<int>(random.Unit() * 30), 1));
      columns[1].push_back(Day(2017 + month / 12, static_cast<unsigned>(month % 12) + 1, 1 + i));
      columns[2].push_back(150 + std::floor(random.Unit() * 120));
      columns[3].push_back(random.Unit() < 0.3 ? 1 : 0);
      columns[4].push_back(std::floor(random.Unit() * 3));
    }
  }
  return MakeTable(std::move(columns));
}

bool IsSince(const DataTable& table, std::size_t row, int year, unsigned month) {
  return table.columns[1][row] >= Day(year, month);
}

/// With level 0.01 over all columns; each of twenty fixed seeds is quiet.
TEST(FindDriftTest, DataThatDoNotChangeHaveNoStep) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    SCOPED_TRACE(seed);
    EXPECT_THAT(FindDrift(CholesterolByVisit(), FourYears(seed)).suspicions, IsEmpty());
  }
}

TEST(FindDriftTest, AColumnMissingSinceAMonthIsNamedWithTheMonth) {
  DataTable table = FourYears(1);
  std::uint64_t gone = 0;
  for (std::size_t row = 0; row < table.patients.size(); ++row) {
    if (IsSince(table, row, 2019, 3) && row % 20 != 0) {
      table.columns[2][row] = kGone;
      ++gone;
    }
  }
  const CalendarFindings found = FindDrift(CholesterolByVisit(), table);
  ASSERT_EQ(found.suspicions.size(), 1U);
  const Suspicion& missing = found.suspicions[0];
  EXPECT_EQ(missing.kind, "missing-since");
  EXPECT_EQ(missing.rows, gone);
  EXPECT_EQ(missing.patients, gone);
  EXPECT_THAT(missing.words, HasSubstr("missing since 2019-03: in 0 % of the rows before 2019-03 "
                                       "and in 95 % from then on"));
  ASSERT_TRUE(found.view.has_value());
  EXPECT_EQ(found.view->date_column, "visit");
  EXPECT_EQ(found.view->periods.front().name, "2017-Q1");
  EXPECT_EQ(found.view->periods.front().rows, 36U);
  EXPECT_EQ(found.view->columns[0].missing_step, 8U);  // 2019-Q1
}

TEST(FindDriftTest, AColumnMissingBeforeAMonthIsNamed) {
  DataTable table = FourYears(2);
  for (std::size_t row = 0; row < table.patients.size(); ++row) {
    if (!IsSince(table, row, 2018, 6)) table.columns[3][row] = kGone;
  }
  const CalendarFindings found = FindDrift(CholesterolByVisit(), table);
  ASSERT_EQ(found.suspicions.size(), 1U);
  EXPECT_EQ(found.suspicions[0].column, "smoker");
  EXPECT_THAT(found.suspicions[0].words, HasSubstr("missing before 2018-06: in 100 %"));
}

TEST(FindDriftTest, ANewUnitIsSuspectedByName) {
  DataTable table = FourYears(3);
  std::uint64_t since = 0;
  for (std::size_t row = 0; row < table.patients.size(); ++row) {
    if (!IsSince(table, row, 2019, 9)) continue;
    table.columns[2][row] /= 38.67;
    ++since;
  }
  const CalendarFindings found = FindDrift(CholesterolByVisit(), table);
  ASSERT_EQ(found.suspicions.size(), 1U);
  EXPECT_EQ(found.suspicions[0].kind, "values-since");
  EXPECT_EQ(found.suspicions[0].rows, since);
  EXPECT_THAT(found.suspicions[0].words,
              AllOf(HasSubstr("lower since 2019-09"), HasSubstr("are they in mmol/L since then?")));
}

TEST(FindDriftTest, ALevelThatBecomesFrequentIsNamed) {
  DataTable table = FourYears(4);
  for (std::size_t row = 0; row < table.patients.size(); ++row) {
    if (IsSince(table, row, 2018, 1)) table.columns[4][row] = row % 10 == 0 ? 0 : 2;
  }
  const auto found = FindDrift(CholesterolByVisit(), table).suspicions;
  ASSERT_FALSE(found.empty());
  EXPECT_EQ(found.back().kind, "level-since");
  EXPECT_EQ(found.back().column, "ward");
  EXPECT_THAT(found.back().words, AllOf(HasSubstr("\"c\" in "), HasSubstr("before 2018-01")));
}

TEST(FindDriftTest, MonthsWithoutRowsAreNamed) {
  DataTable table = FourYears(5);
  for (double& day : table.columns[1]) {
    if (day >= Day(2018, 2) && day < Day(2018, 5)) day = Day(2018, 1, 15);
  }
  const auto found = FindDrift(CholesterolByVisit(), table).suspicions;
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].kind, "gap-in-time");
  EXPECT_THAT(found[0].words, HasSubstr("no row in 2018-02 to 2018-04"));
}

/// One far value could be worked out of the mean.
TEST(FindDriftTest, ValuesBeyondTheRangeAreInNoMean) {
  const DataTable table = FourYears(7);
  DataTable odd = table;
  odd.columns[2][3] = 81'234;
  const CalendarView view = *FindDrift(CholesterolByVisit(), odd).view;
  ASSERT_TRUE(view.columns[0].means.front().has_value());
  EXPECT_LT(*view.columns[0].means.front(), 270);
}

/// A mean of fewer patients would be close to a value.
TEST(FindDriftTest, MeansAreOfTenPatientsAtLeast) {
  DataTable table = FourYears(6);
  for (std::size_t row = 0; row < table.patients.size(); ++row) {
    if (IsSince(table, row, 2020, 10) && !(IsSince(table, row, 2020, 12) && row % 12 < 9)) {
      table.columns[2][row] = kGone;
    }
  }
  const CalendarView view = *FindDrift(CholesterolByVisit(), table).view;
  EXPECT_TRUE(view.columns[0].means.front().has_value());
  EXPECT_FALSE(view.columns[0].means.back().has_value());
  for (const auto& mean : view.columns[2].means) EXPECT_FALSE(mean.has_value());  // Levels.
}

TEST(FindDriftTest, OddDatesAreCountedAndNotDrawn) {
  DataTable table = FourYears(7);
  table.columns[1][0] = kGone;
  table.columns[1][1] = Day(1902, 1);
  table.columns[1][2] = Day(9999, 12);
  const CalendarView view = *FindDrift(CholesterolByVisit(), table).view;
  EXPECT_EQ(view.without_date, 1U);
  EXPECT_EQ(view.outside, 2U);
  EXPECT_LE(view.periods.size(), 60U);
}

TEST(FindDriftTest, WithoutADateThereIsNothingToSay) {
  const Contract contract = MakeContract(
      "patient = \"id\"\n[[column]]\nname = \"age\"\ntype = \"number\"\nrange = [0, 110]\n"
      "[[column]]\nname = \"date_of_birth\"\ntype = \"date\"\n");
  EXPECT_FALSE(FindDrift(contract, MakeTable({{1, 2}, {0, 1}})).view.has_value());
  EXPECT_FALSE(FindDrift(CholesterolByVisit(), MakeTable({{}, {}, {}, {}, {}})).view.has_value());
  DataTable undated = FourYears(8);
  for (double& day : undated.columns[1]) day = kGone;
  EXPECT_FALSE(FindDrift(CholesterolByVisit(), undated).view.has_value());
}

/// Without ties and with one row a month, p is Pettitt's 2 exp(-6 K^2 / (n^3 + n^2)), but for
/// n^3 - n, which is exact for the variance of ranks, in place of n^3 + n^2.
TEST(FindStepTest, IsPettittsTest) {
  // The ranks 1 to 30; of the larger half some come early.
  std::vector<double> ranks;
  for (int i = 0; i < 15; ++i) ranks.push_back(i * 7 % 15 + 1);
  for (int i = 0; i < 15; ++i) ranks.push_back(i * 7 % 15 + 16);
  for (const std::size_t place : {1U, 4U, 8U}) std::swap(ranks[place], ranks[29 - place]);
  std::vector<MonthScores> months;
  double squares = 0;
  for (const double rank : ranks) {
    months.push_back({1, rank});
    squares += rank * rank;
  }
  const auto step = FindStep(months, squares / 30 - 15.5 * 15.5);
  ASSERT_TRUE(step.has_value());
  double largest = 0;
  std::size_t at = 0;
  for (std::size_t t = 1; t < 30; ++t) {
    // K as Pettitt defines it: the sum of signs over all pairs of an earlier and a later one.
    double k = 0;
    for (std::size_t i = 0; i < t; ++i) {
      for (std::size_t j = t; j < 30; ++j) k += ranks[i] < ranks[j] ? -1 : 1;
    }
    if (std::abs(k) <= largest) continue;
    largest = std::abs(k);
    at = t;
  }
  EXPECT_EQ(step->after, at);
  EXPECT_NEAR(step->p_value, 2 * std::exp(-6 * largest * largest / (30.0 * 30 * 30 - 30)),
              1e-4 * step->p_value);
  EXPECT_LT(step->before, step->since);
}

/// Of series without a step at most the stated share has a small p: 2000 series of fixed seed, the
/// number below 0.05 has a mean of at most 100 and a deviation of 10; the bound is five of these.
TEST(FindStepTest, FalseAlarmsAreNoMoreThanStated) {
  SeededRandom random(11);
  int alarms = 0;
  for (int series = 0; series < 2'000; ++series) {
    std::vector<MonthScores> months(24);
    double sum = 0;
    for (MonthScores& month : months) {
      month.rows = 10;
      for (int i = 0; i < 10; ++i) month.sum += random.Unit() < 0.2 ? 1 : 0;
      sum += month.sum;
    }
    const double share = sum / 240;
    const auto step = FindStep(months, share * (1 - share));
    alarms += step && step->p_value < 0.05 ? 1 : 0;
  }
  EXPECT_LT(alarms, 150);
  EXPECT_GT(alarms, 20);  // Nor is it blind.
}

TEST(FindStepTest, WhereNothingVariesThereIsNoStep) {
  const std::vector<MonthScores> months = {{10, 0}, {10, 0}};
  EXPECT_FALSE(FindStep(months, 0).has_value());
  EXPECT_FALSE(FindStep(std::vector<MonthScores>{{10, 3}}, 1).has_value());
  EXPECT_FALSE(FindStep({}, 1).has_value());
}

}  // namespace
}  // namespace consilium
