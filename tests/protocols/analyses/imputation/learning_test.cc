#include "protocols/analyses/imputation/learning.h"

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace consilium::imputation {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr double kMissing = std::numeric_limits<double>::quiet_NaN();

ContractColumn ColumnOf(ColumnType type, double minimum = 0, double maximum = 1) {
  ContractColumn column;
  column.name = "x";
  column.type = type;
  if (type == ColumnType::kCategory) {
    column.levels = {"I", "II", "III"};
  } else if (type != ColumnType::kBoolean) {
    column.minimum = minimum;
    column.maximum = maximum;
  }
  return column;
}

Cohort CohortOf(const std::vector<double>& values) {
  Cohort cohort;
  cohort.columns = {"x"};
  cohort.patients = values.size();
  cohort.values.resize(static_cast<Eigen::Index>(values.size()), 1);
  for (std::size_t i = 0; i < values.size(); ++i) {
    cohort.values(static_cast<Eigen::Index>(i), 0) = values[i];
  }
  return cohort;
}

/// What sites with these values learn together.
Result<Learned> Learn(const ImputedColumn& column, const std::vector<std::vector<double>>& sites) {
  const std::vector<ImputedColumn> columns = {column};
  Aggregate sum;
  sum.values.resize(NumbersIn(LearningSlices(columns, 100)));
  for (const std::vector<double>& site : sites) {
    std::vector<double> answer(sum.values.size());
    TRY_STATUS(AnswerLearning(columns, CohortOf(site), answer));
    for (std::size_t i = 0; i < answer.size(); ++i) sum.values[i] += answer[i];
  }
  return LearnFrom(columns, sum);
}

double ValueOf(const ImputedColumn& column, const std::vector<std::vector<double>>& sites) {
  const Result<Learned> learned = Learn(column, sites);
  EXPECT_TRUE(learned.has_value()) << Describe(learned.error());
  return learned->values.at(0);
}

TEST(LearningTest, AMeanIsOverAllSitesKnownValues) {
  const ImputedColumn column{ColumnOf(ColumnType::kNumber, -10, 30), 0, Fill::kMean};
  const Learned learned = Learn(column, {{1, kMissing, 2.5}, {kMissing, kMissing}, {20}}).value();
  EXPECT_NEAR(learned.values.at(0), 23.5 / 3, 1e-14);
  EXPECT_THAT(learned.missing, ElementsAre(3u));
}

TEST(LearningTest, TheMeanOfWholeNumbersIsWhole) {
  const ImputedColumn column{ColumnOf(ColumnType::kInteger, 0, 9), 0, Fill::kMean};
  EXPECT_EQ(ValueOf(column, {{1, 2}, {2}}), 2);  // 5/3
  EXPECT_EQ(ValueOf(column, {{1, 1}, {2}}), 1);  // 4/3
}

TEST(LearningTest, TheMedianOfFewWholeNumbersIsExact) {
  const ImputedColumn column{ColumnOf(ColumnType::kInteger, 0, 999), 0, Fill::kMedian};
  EXPECT_TRUE(column.IsExact());
  EXPECT_EQ(column.bins(), 1'000u);
  EXPECT_EQ(ValueOf(column, {{7, 999}, {0, 8, kMissing}, {12}}), 8);
  EXPECT_EQ(ValueOf(column, {{7, 999}, {0, 8}}), 7);  // The lower one of two.
}

TEST(LearningTest, TheMedianOfNumbersIsTheMiddleOfItsInterval) {
  const ImputedColumn column{ColumnOf(ColumnType::kNumber, 0, 500), 0, Fill::kMedian};
  const double median = ValueOf(column, {{0, 500, 123.4}, {3, 400}});
  EXPECT_EQ(median, 123.25);  // Of 123 to 123.5.
  const ImputedColumn wide{ColumnOf(ColumnType::kInteger, 0, 1'000'000), 0, Fill::kMedian};
  EXPECT_FALSE(wide.IsExact());
  const double whole = ValueOf(wide, {{123'456}});
  EXPECT_EQ(whole, std::floor(whole));
  EXPECT_NEAR(whole, 123'456, 500);
}

TEST(LearningTest, TheModeIsTheFirstOfTheMostFrequentLevels) {
  const ImputedColumn category{ColumnOf(ColumnType::kCategory), 0, Fill::kMode};
  EXPECT_EQ(ValueOf(category, {{2, 1}, {2, kMissing, 0}}), 2);
  EXPECT_EQ(ValueOf(category, {{2, 1}}), 1);
  const ImputedColumn boolean{ColumnOf(ColumnType::kBoolean), 0, Fill::kMode};
  EXPECT_EQ(ValueOf(boolean, {{1, 0}, {1}}), 1);
}

TEST(LearningTest, EveryValueThatIsPutInAGapStandsForItsBin) {
  const ImputedColumn columns[] = {{ColumnOf(ColumnType::kNumber, -3, 7), 0, Fill::kMedian},
                                   {ColumnOf(ColumnType::kInteger, 5, 900), 0, Fill::kMedian},
                                   {ColumnOf(ColumnType::kInteger, 0, 40'000), 0, Fill::kMedian},
                                   {ColumnOf(ColumnType::kCategory), 0, Fill::kMode}};
  for (const ImputedColumn& column : columns) {
    for (std::size_t bin = 0; bin < column.bins(); ++bin) {
      EXPECT_EQ(column.BinOf(column.ValueOf(bin)), bin);
    }
  }
}

TEST(LearningTest, AColumnWithoutAnyValueIsNamed) {
  const ImputedColumn column{ColumnOf(ColumnType::kNumber, 0, 1), 0, Fill::kMean};
  const Error error = Learn(column, {{kMissing}, {}}).error();
  EXPECT_EQ(error.code, ErrorCode::kNotEstimable);
  EXPECT_THAT(error.message, HasSubstr("no hospital has a value of \"x\""));
}

TEST(LearningTest, AValueThatTheContractDoesNotAllowIsRefusedAtTheSite) {
  const ImputedColumn number{ColumnOf(ColumnType::kNumber, 0, 1), 0, Fill::kMean};
  EXPECT_EQ(Learn(number, {{0.5, 1.5}}).error().code, ErrorCode::kDataQuality);
  const ImputedColumn whole{ColumnOf(ColumnType::kInteger, 0, 9), 0, Fill::kMedian};
  EXPECT_THAT(Learn(whole, {{1, 2.5}}).error().message, HasSubstr("in row 2"));
  const ImputedColumn category{ColumnOf(ColumnType::kCategory), 0, Fill::kMode};
  EXPECT_FALSE(Learn(category, {{3}}).has_value());
}

TEST(LearningTest, SumsThatCannotBeAreCorrupt) {
  const std::vector<ImputedColumn> columns = {
      {ColumnOf(ColumnType::kNumber, 0, 1), 0, Fill::kMean}};
  EXPECT_EQ(LearnFrom(columns, {{3, 4, 0.5}, 3}).error().code, ErrorCode::kCorrupt);
  EXPECT_EQ(LearnFrom(columns, {{3, 2}, 3}).error().code, ErrorCode::kCorrupt);
}

}  // namespace
}  // namespace consilium::imputation
