#include "client/quality/quality_report.h"

#include <sstream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace consilium {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

QualityReport CleanReport() {
  QualityReport report;
  report.file = "/srv/cardiology/patients.csv";
  report.delimiter = ';';
  report.delimiter_detected = true;
  report.encoding = "utf-8";
  report.rows = 920;
  report.patients = 900;
  report.repeated_patients = 20;
  report.patient_header = "PatNr";
  ColumnQuality age;
  age.name = "age";
  age.header = "Alter";
  age.type = ColumnType::kInteger;
  age.contract = "whole number from 18 to 110 a";
  age.values = 918;
  age.missing = 2;
  age.missing_by_code = {{"", 1}, {"-9", 1}};
  report.columns = {age};
  return report;
}

QualityReport BadReport() {
  QualityReport report = CleanReport();
  for (int i = 0; i < 172; ++i) {
    report.columns[0].problems[DataFault::kOutOfRange].Add(static_cast<std::uint64_t>(2 + i));
  }
  report.columns[0].values = 10;
  report.columns[0].problems[DataFault::kLooksLikeDecimalComma].Add(700);
  report.patient_missing.Add(55);
  return report;
}

TEST(QualityReportTest, ACleanReportHasNoProblems) {
  const QualityReport report = CleanReport();
  EXPECT_FALSE(report.HasProblems());
  EXPECT_THAT(report.Problems(), IsEmpty());
  EXPECT_THAT(RenderText(report),
              AllOf(HasSubstr("No problems: the data meet the contract."),
                    HasSubstr("20 patients have more than one row"), HasSubstr("empty 1, \"-9\" 1"),
                    HasSubstr("The delimiter was found to be \";\".")));
}

TEST(QualityReportTest, ProblemsComeWithPlacesAndRemedies) {
  const QualityReport report = BadReport();
  EXPECT_TRUE(report.HasProblems());
  EXPECT_THAT(report.Problems(), ElementsAre("1 row without a patient in \"PatNr\"",
                                             "age: 1 row not a number: looks like a decimal comma",
                                             "age: 172 rows out of range"));
  EXPECT_THAT(RenderText(report),
              AllOf(HasSubstr("age: 172 x out of range (whole number from 18 to 110 a)"),
                    HasSubstr("at patients.csv:2, :3, :4, :5, :6 and 167 more"),
                    HasSubstr("at patients.csv:700"), HasSubstr("decimal = \",\""),
                    HasSubstr("is the unit another one?"), Not(HasSubstr("No problems"))));
}

TEST(QualityReportTest, TextIsAtMost80ColumnsWide) {
  QualityReport report = BadReport();
  report.columns[0].name = std::string(64, 'n');
  report.flow = CohortFlow{
      920, {{"not eligible: " + std::string(60, 'n') + " at least 18", 12, 9}}, 908, 900, 909};
  report.patient_repeated.Add(12);
  report.other_problems = {
      "something else is wrong and it takes a rather long sentence to say what "
      "that is and whom to ask about it"};
  std::istringstream lines(RenderText(report));
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 80U) << line;
}

TEST(QualityReportTest, JsonSaysTheSame) {
  QualityReport report = BadReport();
  auto json = nlohmann::json::parse(RenderJson(report));
  EXPECT_EQ(json["meets_contract"], false);
  EXPECT_EQ(json["rows"], 920);
  EXPECT_EQ(json["columns"][0]["missing_by_code"]["-9"], 1);
  EXPECT_EQ(json["columns"][0]["problems"]["out-of-range"], 172);
  EXPECT_EQ(json["problems"].size(), 3U);
  EXPECT_EQ(json["problems"][2]["lines"], (std::vector<int>{2, 3, 4, 5, 6}));
  EXPECT_FALSE(json.contains("cohort"));
  report = CleanReport();
  report.flow = CohortFlow{920, {{"age missing", 2, 1}}, 918, 898, 899};
  json = nlohmann::json::parse(RenderJson(report));
  EXPECT_EQ(json["meets_contract"], true);
  EXPECT_EQ(json["cohort"]["removed"][0]["reason"], "age missing");
  EXPECT_EQ(json["cohort"]["removed"][0]["patients"], 1);
  EXPECT_EQ(json["cohort"]["patients_read"], 899);
  EXPECT_EQ(json["cohort"]["patients_left"], 898);
}

TEST(QualityReportTest, EveryFaultHasWords) {
  for (int i = 0; i <= static_cast<int>(DataFault::kUnknownUnit); ++i) {
    const auto fault = static_cast<DataFault>(i);
    EXPECT_FALSE(Name(fault).empty());
    EXPECT_FALSE(Explanation(fault).empty());
    EXPECT_TRUE(Remedy(fault).ends_with('.'));
    EXPECT_FALSE(Name(GroupOf(fault)).empty());
  }
}

}  // namespace
}  // namespace consilium
