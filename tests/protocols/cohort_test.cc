#include "protocols/cohort.h"

#include <cmath>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace consilium {
namespace {

using ::testing::ElementsAre;

constexpr double kMissing = std::numeric_limits<double>::quiet_NaN();

Contract ContractOf(const std::string& rules) {
  const std::string text =
      "patient = \"id\"\nmaximum_patients = 6\n"
      "[[column]]\nname = \"age\"\ntype = \"number\"\nrange = [0, 110]\n"
      "[[column]]\nname = \"stage\"\ntype = \"category\"\nlevels = [\"I\", \"II\", \"III\"]\n"
      "[[column]]\nname = \"male\"\ntype = \"boolean\"\n" +
      rules;
  return ParseContract(Settings::Parse(text, "plan.toml").value()).value();
}

DataTable Table() {
  return {{"p1", "p2", "p3", "p1", "p4", "p5"},
          {{50, 17, 60, 51, kMissing, 70}, {0, 1, 2, 0, 1, kMissing}, {1, 1, 0, 1, 0, 1}}};
}

TEST(CohortTest, KeepsCompleteRowsOfTheColumnsAskedFor) {
  const Result<CohortWithFlow> result = BuildCohort(ContractOf(""), Table(), {"male", "age"});
  ASSERT_TRUE(result.has_value());
  EXPECT_THAT(result->cohort.columns, ElementsAre("male", "age"));
  ASSERT_EQ(result->cohort.values.rows(), 5);
  EXPECT_EQ(result->cohort.values(0, 0), 1);
  EXPECT_EQ(result->cohort.values(0, 1), 50);
  EXPECT_EQ(result->cohort.values(4, 1), 70);
}

TEST(CohortTest, ATableThatIsGivenUpGivesTheSameCohort) {
  DataTable large;
  large.columns.resize(3);
  const Contract contract = [] {
    Contract larger = ContractOf("[[eligible]]\ncolumn = \"age\"\nminimum = 18\n");
    larger.maximum_patients = 1'000'000;
    return larger;
  }();
  for (int i = 0; i < 250'001; ++i) {
    large.patients.push_back(std::to_string(i / 3));
    large.columns[0].push_back(i % 111);
    large.columns[1].push_back(i % 7 == 0 ? kMissing : i % 3);
    large.columns[2].push_back(i % 2);
  }
  const std::vector<std::string> columns = {"male", "stage", std::string(kPatientColumn)};
  const auto kept = BuildCohort(contract, large, columns);
  const auto moved = BuildCohort(contract, std::move(large), columns);
  ASSERT_TRUE(kept.has_value() && moved.has_value());
  EXPECT_TRUE(kept->cohort.values == moved->cohort.values);
  EXPECT_EQ(kept->cohort.patients, moved->cohort.patients);
  EXPECT_EQ(kept->flow.rows_left, moved->flow.rows_left);
  EXPECT_GT(moved->flow.rows_left, 150'000U);
}

TEST(CohortTest, CountsRowsOfOnePatientAsOnePatient) {
  const Result<CohortWithFlow> result = BuildCohort(ContractOf(""), Table(), {"age"});
  EXPECT_EQ(result->flow.rows_left, 5u);
  EXPECT_EQ(result->cohort.patients, 4u);
  EXPECT_EQ(result->flow.patients_left, 4u);
}

TEST(CohortTest, TellsPatientsApartByNumbersThatDoNotDependOnTheOrderOfRows) {
  const std::vector<std::string> columns = {"age", std::string(kPatientColumn)};
  const Cohort cohort = BuildCohort(ContractOf(""), Table(), columns)->cohort;
  ASSERT_THAT(cohort.columns, ElementsAre("age", "(patient)"));
  ASSERT_EQ(cohort.values.rows(), 5);
  const std::vector<std::string> patients = {"p1", "p2", "p3", "p1", "p5"};
  for (Eigen::Index row = 0; row < 5; ++row) {
    const double number = PatientNumber(patients[static_cast<std::size_t>(row)]);
    EXPECT_EQ(cohort.values(row, 1), number);
    EXPECT_EQ(number, std::floor(number));
    EXPECT_LT(number, 9007199254740992.0);  // 2^53: every whole number below is a double.
  }
  EXPECT_NE(PatientNumber("p1"), PatientNumber("p2"));
  EXPECT_EQ(PatientNumber("p1"), 1798544300928080.0);
}

TEST(CohortTest, AppliesEligibilityBeforeMissingValuesAndCountsEachStep) {
  const Contract contract = ContractOf(
      "[[eligible]]\ncolumn = \"age\"\nminimum = 18\nmaximum = 65\n"
      "[[eligible]]\ncolumn = \"stage\"\none_of = [\"I\", \"III\"]\n");
  const Result<CohortWithFlow> result = BuildCohort(contract, Table(), {"stage", "male"});
  const CohortFlow& flow = result->flow;
  EXPECT_EQ(flow.rows_read, 6u);
  ASSERT_EQ(flow.removed.size(), 4u);
  EXPECT_EQ(flow.removed[0].reason, "not eligible: age at least 18 and at most 65");
  EXPECT_EQ(flow.removed[0].rows, 3u);  // p2 too young, p4 not known, p5 too old.
  EXPECT_EQ(flow.removed[1].reason, "not eligible: stage one of I, III");
  EXPECT_EQ(flow.removed[1].rows, 0u);
  EXPECT_EQ(flow.removed[2].reason, "stage missing");
  EXPECT_EQ(flow.rows_left, 3u);
  EXPECT_EQ(flow.patients_left, 2u);
}

/// p1 has two rows: who loses one of them is still there.
TEST(CohortTest, EachStepTellsThePatientsWhoLoseTheirLastRow) {
  const Contract contract = ContractOf("[[eligible]]\ncolumn = \"age\"\nminimum = 51\n");
  const Result<CohortWithFlow> result = BuildCohort(contract, Table(), {"stage"});
  const CohortFlow& flow = result->flow;
  EXPECT_EQ(flow.patients_read, 5u);
  EXPECT_EQ(flow.removed[0].rows, 3u);      // One of p1, and p2 and p4.
  EXPECT_EQ(flow.removed[0].patients, 2u);  // p2 and p4.
  EXPECT_EQ(flow.removed[1].rows, 1u);
  EXPECT_EQ(flow.removed[1].patients, 1u);
  EXPECT_EQ(flow.patients_left, 2u);
  EXPECT_EQ(flow.patients_read - flow.removed[0].patients - flow.removed[1].patients,
            flow.patients_left);
}

TEST(CohortTest, SelectsByDaysAndSaysThemAsDays) {
  const Contract contract =
      ParseContract(Settings::Parse("patient = \"id\"\n[[column]]\nname = \"seen\"\n"
                                    "type = \"date\"\n[[column]]\nname = \"male\"\n"
                                    "type = \"boolean\"\n[[eligible]]\ncolumn = \"seen\"\n"
                                    "minimum = 1970-01-03\nmaximum = 1970-01-11\n",
                                    "plan.toml")
                        .value())
          .value();
  const DataTable table{{"a", "b", "c", "d"}, {{2, 10, 11, kMissing}, {1, 1, 1, 1}}};
  const Result<CohortWithFlow> result = BuildCohort(contract, table, {"male"});
  ASSERT_TRUE(result.has_value());
  EXPECT_EQ(result->flow.rows_left, 2u);
  EXPECT_EQ(result->flow.removed[0].reason,
            "not eligible: seen at least 1970-01-03 and at most 1970-01-11");
}

TEST(CohortTest, RefusesASecondRowOfAPatientWhereOneIsAskedFor) {
  const Contract contract = ContractOf("[[eligible]]\ncolumn = \"age\"\nmaximum = 50\n");
  Contract one = contract;
  one.one_row_per_patient = true;
  // Only one of p1's rows is eligible.
  EXPECT_TRUE(BuildCohort(one, Table(), {"age"}).has_value());
  one.eligibility.clear();
  const Result<CohortWithFlow> result = BuildCohort(one, Table(), {"age"});
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().code, ErrorCode::kDataQuality);
}

TEST(CohortTest, SelectsByBooleans) {
  const Contract contract = ContractOf("[[eligible]]\ncolumn = \"male\"\none_of = [\"false\"]\n");
  EXPECT_EQ(BuildCohort(contract, Table(), {"male"})->flow.rows_left, 2u);
}

TEST(CohortTest, MayBeEmpty) {
  const Contract contract = ContractOf("[[eligible]]\ncolumn = \"age\"\nminimum = 109\n");
  const Result<CohortWithFlow> result = BuildCohort(contract, Table(), {"age"});
  EXPECT_EQ(result->cohort.values.rows(), 0);
  EXPECT_EQ(result->cohort.patients, 0u);
}

TEST(CohortTest, RefusesMoreRowsThanTheContractBounds) {
  DataTable table = Table();
  table.patients.push_back("p6");
  for (std::vector<double>& column : table.columns) column.push_back(1);
  const Result<CohortWithFlow> result = BuildCohort(ContractOf(""), table, {"male"});
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().code, ErrorCode::kDataQuality);
}

TEST(CohortTest, RefusesATableOfAnotherShapeAndUnknownColumns) {
  DataTable table = Table();
  EXPECT_FALSE(BuildCohort(ContractOf(""), table, {"weight"}).has_value());
  table.columns[1].pop_back();
  EXPECT_FALSE(BuildCohort(ContractOf(""), table, {"male"}).has_value());
  table.columns.pop_back();
  EXPECT_FALSE(BuildCohort(ContractOf(""), table, {"male"}).has_value());
}

}  // namespace
}  // namespace consilium
