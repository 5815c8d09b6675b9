#include "client/quality/cohort_flow.h"

#include <sstream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace consilium {
namespace {

using ::testing::HasSubstr;

TEST(CohortFlowTest, CountsPatientsInTheOrderOfTheRules) {
  CohortFlow flow;
  flow.rows_read = 412;
  flow.patients_read = 303;
  flow.removed = {{"not eligible: age at least 18", 15, 12}, {"oldpeak missing", 3, 0}};
  flow.rows_left = 394;
  flow.patients_left = 291;
  EXPECT_EQ(FlowChart(flow, 80),
            "     303 patients in the data (412 rows)\n"
            "       |\n"
            "       +-- 12 removed (15 rows), 291 left: not eligible: age at least 18\n"
            "       |\n"
            "       +-- 0 removed (3 rows), 291 left: oldpeak missing\n"
            "       v\n"
            "     291 patients in the cohort (394 rows)\n");
}

TEST(CohortFlowTest, SaysNoRowsWhereARowIsAPatient) {
  CohortFlow flow{4, {{"excluded by this site", 3, 3}}, 1, 1, 4};
  EXPECT_EQ(FlowChart(flow, 80),
            "       4 patients in the data\n"
            "       |\n"
            "       +-- 3 removed, 1 left: excluded by this site\n"
            "       v\n"
            "       1 patient in the cohort\n");
}

TEST(CohortFlowTest, LongRulesHangOnTheBar) {
  CohortFlow flow{
      9, {{"not eligible: stage one of a, " + std::string(50, 'b') + ", c", 9, 9}}, 0, 0, 9};
  const std::string chart = FlowChart(flow, 60);
  EXPECT_THAT(chart, HasSubstr("       |   " + std::string(49, 'b').substr(0, 30)));
  EXPECT_THAT(chart, HasSubstr("       0 patients in the cohort\n"));
  std::istringstream lines(chart);
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 63U) << line;
}

}  // namespace
}  // namespace consilium
