// Data, plans and policies that stop a study: in words, at the right place, without a patient's
// value.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/end_to_end/small_study.h"

namespace consilium::testing {
namespace {

using std::chrono::seconds;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

std::string Replaced(std::string text, const std::string& from, const std::string& to) {
  text.replace(text.find(from), from.size(), to);
  return text;
}

/// Runs the small study with altered data at `alpha` and expects a pause that names it.
void ExpectRefusal(const SiteData& alpha, const std::string& words_at_the_site) {
  auto sites = GeneratedSites(3);
  sites["alpha"] = alpha;
  Deployment federation(std::move(sites));
  federation.StartAll();
  const std::string study = federation.RunningStudy(SmallPlan());

  ASSERT_TRUE(federation.Reaches(study, "paused", seconds(30)))
      << federation.StateOf(study) << " " << federation.WordsOf("alpha");

  EXPECT_THAT(federation.ReasonOf(study), HasSubstr("alpha"));
  EXPECT_THAT(federation.WordsOf("alpha"), HasSubstr(words_at_the_site));
  for (const char* party : {"coordinator", "alpha", "beta", "gamma"}) {
    EXPECT_THAT(federation.WordsOf(party), Not(HasSubstr("PATIENT-"))) << party;
  }
}

TEST(RefusalsTest, AMissingColumnIsNamed) {
  SiteData data;
  data.csv = Replaced(GeneratedCsv(0, 60), "dose", "dosis");
  ExpectRefusal(data, "dose");
}

TEST(RefusalsTest, AValueOutOfRangeIsNamedByLineAndColumnOnly) {
  std::string csv = GeneratedCsv(0, 60);
  csv += "PATIENT-CANARY,1,31.337,777.25\n";
  SiteData data;
  data.csv = csv;
  auto sites = GeneratedSites(3);
  sites["alpha"] = data;
  Deployment federation(std::move(sites));
  federation.StartAll();
  const std::string study = federation.RunningStudy(SmallPlan());

  ASSERT_TRUE(federation.Reaches(study, "paused", seconds(30)));

  const std::string plan = federation.folder() / "plan.toml";
  const CommandOutcome check = federation.Site("alpha", {"check", plan});
  EXPECT_EQ(check.exit_code, 1) << check.out << check.err;
  EXPECT_THAT(check.out, AllOf(HasSubstr("dose"), HasSubstr("62")));
  for (const char* party : {"coordinator", "alpha", "beta", "gamma"}) {
    EXPECT_THAT(federation.WordsOf(party), Not(HasSubstr("777.25"))) << party;
    EXPECT_THAT(federation.WordsOf(party), Not(HasSubstr("CANARY"))) << party;
  }
}

TEST(RefusalsTest, NotANumberIsRefused) {
  SiteData data;
  data.csv = GeneratedCsv(0, 60) + "PATIENT-X,1,NaN,1.5\n";
  ExpectRefusal(data, "age");
}

TEST(RefusalsTest, TooFewPatientsAreRefusedByThePolicy) {
  SiteData data;
  data.csv = GeneratedCsv(0, 12);
  ExpectRefusal(data, "patients");
}

/// Leaving a site out shows what that site has: a site whose policy says nothing refuses.
TEST(RefusalsTest, AStudyThatLeavesSitesOutNeedsSiteLevelInThePolicy) {
  auto sites = GeneratedSites(3);
  sites["beta"].policy = "preset = \"standard\"\nsite_level = true\n";
  Deployment federation(std::move(sites));
  federation.StartAll();
  const std::string study = federation.Submit(
      Replaced(SmallPlan(), "kind = \"logistic\"\n",
               "kind = \"validate\"\nmodel = \"logistic\"\nmethod = \"leave-one-site-out\"\n"
               "sites = [\"alpha\", \"beta\"]\n"));
  ASSERT_TRUE(Eventually(seconds(20), [&] {
    return federation.Site("alpha", {"studies", "--json"}).out.find(study) != std::string::npos &&
           federation.Site("beta", {"studies", "--json"}).out.find(study) != std::string::npos;
  }));

  const CommandOutcome review = federation.Site("alpha", {"review", study});
  EXPECT_THAT(review.out, HasSubstr("site_level"));
  EXPECT_THAT(review.out, HasSubstr("numbers of single"));
  const CommandOutcome refused = federation.Site("alpha", {"approve", study, "--yes"});
  EXPECT_NE(refused.exit_code, 0);
  EXPECT_THAT(refused.err, HasSubstr("site_level"));
  EXPECT_EQ(federation.Site("beta", {"approve", study, "--yes"}).exit_code, 0);
}

TEST(RefusalsTest, ABrokenPolicyForbidsEverything) {
  SiteData data;
  data.csv = GeneratedCsv(0, 60);
  data.policy = "preset = \"standard\"\nminimum_patiens = 3\n";
  auto sites = GeneratedSites(3);
  sites["alpha"] = data;
  Deployment federation(std::move(sites));
  federation.StartAll();
  const std::string study = federation.Submit(SmallPlan());
  ASSERT_TRUE(Eventually(seconds(20), [&] {
    return federation.Site("alpha", {"studies", "--json"}).out.find(study) != std::string::npos;
  }));

  const CommandOutcome approve = federation.Site("alpha", {"approve", study, "--yes"});

  EXPECT_NE(approve.exit_code, 0);
  EXPECT_THAT(approve.err, HasSubstr("minimum_patiens"));
}

TEST(RefusalsTest, APlanWithAnUnknownKeyIsNamedByLineAndColumn) {
  Deployment federation(GeneratedSites(3));
  const std::string file = federation.folder() / "wrong.toml";
  WriteText(file, Replaced(SmallPlan(), "minimum_sites = 3", "minimum_site = 3"));

  const CommandOutcome outcome = federation.Coordinator({"submit", file});

  EXPECT_EQ(outcome.exit_code, 10);
  EXPECT_THAT(outcome.err, AllOf(HasSubstr("wrong.toml:7:"), HasSubstr("minimum_site")));
}

TEST(RefusalsTest, AStudyWithTooFewApprovalsDoesNotStart) {
  Deployment federation(GeneratedSites(3));
  federation.StartAll();
  const std::string study = federation.Submit(SmallPlan());

  const CommandOutcome outcome = federation.Coordinator({"start", study});

  EXPECT_EQ(outcome.exit_code, 14);
  EXPECT_THAT(outcome.err, HasSubstr("0 sites have approved"));
}

TEST(RefusalsTest, SeparationIsSaidInWords) {
  auto sites = GeneratedSites(3);
  for (auto& [name, data] : sites) {
    data.csv = "id,ill,age,dose\n";
    for (int i = 0; i < 40; ++i) {
      data.csv += "PATIENT-" + name + std::to_string(i) + "," + (i < 20 ? "0" : "1") + "," +
                  std::to_string(30 + i % 7) + "," + (i < 20 ? "-" : "") + "1." +
                  std::to_string(i % 10) + "\n";
    }
  }
  Deployment federation(std::move(sites));
  federation.StartAll();
  const std::string study = federation.RunningStudy(SmallPlan());

  ASSERT_TRUE(federation.Reaches(study, "finished", seconds(30))) << federation.ReasonOf(study);
  const std::string result = federation.ResultOf(study);
  EXPECT_THAT(result,
              AllOf(HasSubstr("\"converged\": false"), HasSubstr("separation"), HasSubstr("dose")));
}

}  // namespace
}  // namespace consilium::testing
