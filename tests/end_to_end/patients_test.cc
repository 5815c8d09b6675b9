// Which patients a site answers with, and its record of that, over real processes:
// client/program/commands_record.cc, and what client/program/answerer.cc makes of the list of
// excluded patients.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/end_to_end/small_study.h"

namespace consilium::testing {
namespace {

using Json = nlohmann::json;
using std::chrono::seconds;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

/// The first patients of alpha, one a line as Excel for Windows would write them.
std::string Withdrawn(int count) {
  std::string list = "\xEF\xBB\xBF\r\n";
  for (int i = 0; i < count; ++i) list += "PATIENT-0-" + std::to_string(i) + " \r\n";
  return list + "PATIENT-ELSEWHERE\r\n";
}

TEST(PatientsTest, ThoseWhoWithdrewAreInNoLaterCohort) {
  Deployment federation(GeneratedSites(3));
  federation.StartAll();
  const std::string plan = federation.folder() / "plan.toml";
  WriteText(plan, SmallPlan());
  const std::string list = federation.folder() / "withdrawn.txt";
  WriteText(list, Withdrawn(6));

  const Json receipt =
      Json::parse(Expect(federation.Site("alpha", {"exclude", list, "--json"})).out);
  EXPECT_EQ(receipt["patients_named"], 7);
  EXPECT_EQ(receipt["patients_added"], 7);
  EXPECT_EQ(receipt["ledger_record"], 1);
  EXPECT_THAT(Expect(federation.Site("alpha", {"check", plan})).out,
              AllOf(HasSubstr("6 removed, 54 left: excluded by this site"),
                    HasSubstr("54 patients in the cohort"),
                    HasSubstr("names 7; 6 of them have rows here")));

  const std::string study = federation.RunningStudy(SmallPlan());
  ASSERT_TRUE(federation.Reaches(study, "finished", seconds(60)))
      << federation.ReasonOf(study) << federation.WordsOf("alpha");
  EXPECT_EQ(Json::parse(federation.ResultOf(study))["patients"], 54 + 60 + 60);
  EXPECT_THAT(Expect(federation.Site("alpha", {"ledger"})).out,
              AllOf(HasSubstr("7 patients excluded from all later answers (7 in all)"),
                    HasSubstr("on 54 patients")));

  const std::string lines = Expect(federation.Site("alpha", {"ledger", "--format", "jsonl"})).out;
  const Json first = Json::parse(lines.substr(0, lines.find('\n')));
  EXPECT_EQ(first["event"], "excluded");
  EXPECT_EQ(first["party"], "alpha");
  EXPECT_THAT(Expect(federation.Site("alpha", {"ledger", "--format", "cef", "--after", "1"})).out,
              ::testing::StartsWith("CEF:0|Consilium|consilium-site|"));
  EXPECT_THAT(Expect(federation.Coordinator({"audit", "--format", "jsonl"})).out,
              HasSubstr("federation-created"));
  EXPECT_EQ(federation.Site("alpha", {"ledger", "--format", "xml"}).exit_code, 10);
  EXPECT_EQ(federation.Site("alpha", {"ledger", "--after", "1"}).exit_code, 2);

  // The same again adds nobody and changes nothing.
  const Json again = Json::parse(Expect(federation.Site("alpha", {"exclude", list, "--json"})).out);
  EXPECT_EQ(again["patients_added"], 0);
  EXPECT_EQ(again["patients_excluded"], 7);
  EXPECT_THAT(federation.WordsOf("alpha") + federation.WordsOf("coordinator"),
              Not(HasSubstr("PATIENT-")));
  EXPECT_THAT(ReadText(federation.home("alpha") / "state.db"), Not(HasSubstr("PATIENT-")));
}

TEST(PatientsTest, AListThatNamesNobodyIsAnError) {
  Deployment federation(GeneratedSites(3));
  const std::string list = federation.folder() / "withdrawn.txt";
  WriteText(list, " \n\n");
  const CommandOutcome outcome = federation.Site("alpha", {"exclude", list});
  EXPECT_NE(outcome.exit_code, 0);
  EXPECT_THAT(outcome.err,
              AllOf(HasSubstr("names no patient"), HasSubstr("one identifier a line")));
  EXPECT_NE(federation.Site("alpha", {"exclude", federation.folder() / "absent.txt"}).exit_code, 0);
}

/// A new extract with one patient more, and the same question: the difference would be hers.
TEST(PatientsTest, ANewExtractThatDiffersByOnePatientIsRefusedInWords) {
  Deployment federation(GeneratedSites(3));
  federation.StartAll();
  const std::string first = federation.RunningStudy(SmallPlan());
  ASSERT_TRUE(federation.Reaches(first, "finished", seconds(60))) << federation.ReasonOf(first);

  const std::filesystem::path data = federation.folder() / "alpha-data" / "data.csv";
  ASSERT_TRUE(std::filesystem::exists(data));
  WriteText(data, ReadText(data) + "PATIENT-0-60,1,44,0.5\n");
  const std::string second = federation.RunningStudy(SmallPlan("wait", "30s", "Again"));
  ASSERT_TRUE(federation.Reaches(second, "paused", seconds(60))) << federation.StateOf(second);
  EXPECT_THAT(federation.ReasonOf(second), HasSubstr("alpha refuses"));
  EXPECT_THAT(Expect(federation.Site("alpha", {"studies"})).out,
              AllOf(HasSubstr("differs by 1 patient"), HasSubstr("minimum_difference")));
  EXPECT_THAT(federation.WordsOf("coordinator"), Not(HasSubstr("minimum_difference")));
}

}  // namespace
}  // namespace consilium::testing
