// `consilium-site check --html`, over real processes.

#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/end_to_end/small_study.h"
#include "tests/support/html_check.h"

namespace consilium::testing {
namespace {

using Json = nlohmann::json;
using std::chrono::seconds;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(QualityCommandTest, WritesAPageForThisUserAlone) {
  Deployment federation(GeneratedSites(3));
  const std::string plan = federation.folder() / "plan.toml";
  WriteText(plan, SmallPlan());
  const std::filesystem::path page = federation.folder() / "quality.html";

  const CommandOutcome check = federation.Site("alpha", {"check", plan, "--html", page});
  EXPECT_EQ(check.exit_code, 0) << check.err;
  EXPECT_THAT(check.out, HasSubstr("quality.html, which only you can read"));
  EXPECT_EQ(std::filesystem::status(page).permissions(), std::filesystem::perms(0600));
  const std::string html = ReadText(page);
  EXPECT_EQ(UnbalancedElement(html), "");
  ExpectNothingForeign(html);
  EXPECT_THAT(html, AllOf(HasSubstr("Two features"), HasSubstr("Not shown: this site knows no"),
                          Not(HasSubstr("PATIENT-"))));
  // Once more over its own page, and then not over another's.
  EXPECT_EQ(federation.Site("alpha", {"check", plan, "--html", page}).exit_code, 0);
  WriteText(page, "<!DOCTYPE html><title>Another's</title>");
  const CommandOutcome refused = federation.Site("alpha", {"check", plan, "--html", page});
  EXPECT_EQ(refused.exit_code, 14);
  EXPECT_THAT(refused.err, AllOf(HasSubstr("quality.html"), HasSubstr("--force")));
  EXPECT_EQ(federation.Site("alpha", {"check", plan, "--html", page, "--force"}).exit_code, 0);
  EXPECT_EQ(federation.Site("alpha", {"check", plan, "--force"}).exit_code, 2);
}

/// The page is wanted most when the study cannot run.
TEST(QualityCommandTest, BrokenDataExitWithOneAndHaveAPage) {
  auto sites = GeneratedSites(3);
  sites["alpha"].csv += "PATIENT-CANARY,1,31.337,777.25\n";
  Deployment federation(std::move(sites));
  const std::string plan = federation.folder() / "plan.toml";
  WriteText(plan, SmallPlan());
  const std::filesystem::path page = federation.folder() / "quality.html";

  const CommandOutcome check = federation.Site("alpha", {"check", plan, "--html", page});
  EXPECT_EQ(check.exit_code, 1);
  const std::string html = ReadText(page);
  EXPECT_THAT(html, AllOf(HasSubstr("must be solved"), HasSubstr("1 row of 1 patient"),
                          HasSubstr("could not be answered"), Not(HasSubstr("777")),
                          Not(HasSubstr("31.337")), Not(HasSubstr("CANARY"))));
}

TEST(QualityCommandTest, AFinishedSummaryStandsBesideTheData) {
  Deployment federation(GeneratedSites(3));
  federation.StartAll();
  std::string summary = SmallPlan("wait", "30s", "Table 1");
  summary.resize(summary.find("[analysis]"));
  summary +=
      "[analysis]\nkind = \"summary\"\nvariables = [\"age\", \"dose\", \"ill\"]\n"
      "[privacy]\nminimum_patients = 20\n";
  const std::string study = federation.RunningStudy(summary);
  ASSERT_TRUE(federation.Reaches(study, "finished", seconds(60)))
      << federation.ReasonOf(study) << federation.WordsOf("alpha");
  const std::string plan = federation.folder() / "plan.toml";
  WriteText(plan, SmallPlan());
  // The site hears of the end a moment after the coordinator.
  ASSERT_TRUE(Eventually(seconds(20), [&] {
    return federation.Site("alpha", {"studies", "--json"}).out.find("finished") !=
           std::string::npos;
  }));

  const std::filesystem::path page = federation.folder() / "quality.html";
  const CommandOutcome check = federation.Site("alpha", {"check", plan, "--html", page});
  EXPECT_EQ(check.exit_code, 0) << check.err;
  EXPECT_THAT(check.out, AllOf(HasSubstr("Beside the federation"), HasSubstr("\"Table 1\""),
                               HasSubstr("3 sites with 180 patients")));
  EXPECT_THAT(ReadText(page), HasSubstr("Shares of age here and in the federation"));
  const Json json = Json::parse(Expect(federation.Site("alpha", {"check", plan, "--json"})).out);
  EXPECT_EQ(json["report"]["federation"]["columns"].size(), 3U);
  EXPECT_LT(
      std::abs(json["report"]["federation"]["columns"][1].value("standardised_difference", 9.0)),
      0.5);
}

}  // namespace
}  // namespace consilium::testing
