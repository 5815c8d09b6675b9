// The pages before a decision: client/review/review_page.cc and client/review/review_html.cc.

#include "client/review/review_page.h"

#include <algorithm>
#include <fstream>
#include <map>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace consilium {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

Plan ExamplePlan(const std::string& name) {
  std::ifstream file(std::string(CONSILIUM_SOURCE_FOLDER) + "/examples/" + name);
  std::ostringstream text;
  text << file.rdbuf();
  Result<Plan> plan = ParsePlan(text.str(), name);
  EXPECT_TRUE(plan.has_value()) << Describe(plan.error());
  return std::move(*plan);
}

DataCheck Checked() {
  DataCheck check;
  check.policy = MakePolicy(PolicyPreset::kStandard);
  QualityReport report;
  report.file = "/data/heart.csv";
  report.rows = 303;
  report.patients = 303;
  report.flow =
      CohortFlow{303, {{"not eligible: age at least 18", 4}, {"oldpeak missing", 2}}, 297, 297};
  check.report = report;
  return check;
}

class ReviewPageTest : public ::testing::Test {
 protected:
  Review AReview() {
    return {plan_,
            check_,
            "basel",
            "cardio",
            UtcSeconds{1'790'000'000},
            "",
            "",
            EarlierStudy{StudyId{},
                         "The year before",
                         "approved on 2026-05-03",
                         {{ChangeKind::kChanged, "Valid through", "2026-06-30", "2027-06-30"},
                          {ChangeKind::kAdded, "Features", "", "oldpeak"}}},
            {"consilium-site approve /srv/consilium 1f2e3d4c5b6a --as NAME"}};
  }
  Plan plan_ = ExamplePlan("heart.toml");
  DataCheck check_ = Checked();
};

TEST_F(ReviewPageTest, TheTextFitsATerminal) {
  const std::string text = ReviewText(AReview(), 80);
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 80U) << line;
  EXPECT_THAT(text, AllOf(HasSubstr("Coronary disease"), HasSubstr("IRB-2026-114"),
                          HasSubstr("A small federation"), HasSubstr("No noise is added"),
                          HasSubstr("oldpeak missing"), HasSubstr("2027-06-30 instead of"),
                          HasSubstr("new: oldpeak"), HasSubstr("297")));
}

TEST_F(ReviewPageTest, BothPagesSayTheSame) {
  const std::string html = ReviewHtml(AReview());
  EXPECT_THAT(
      html, AllOf(HasSubstr("<title>Coronary disease"), HasSubstr("IRB-2026-114"),
                  HasSubstr("What changed since an earlier study"), HasSubstr("A small federation"),
                  HasSubstr("No noise is added"), HasSubstr("oldpeak missing"),
                  HasSubstr(plan_.id.ToHex()), HasSubstr("basel"), HasSubstr("--as NAME")));
  for (const Slice& slice : plan_.analysis->DescribeForReview()) {
    EXPECT_THAT(html, HasSubstr(">" + slice.name + "<"));
  }
}

TEST_F(ReviewPageTest, ThePageNeedsNothingAndRunsNothing) {
  const std::string html = ReviewHtml(AReview());
  EXPECT_THAT(html, AllOf(HasSubstr("default-src 'none'"), Not(HasSubstr("<script")),
                          Not(HasSubstr("src=")), Not(HasSubstr("href=")),
                          Not(HasSubstr("@import")), Not(HasSubstr("url("))));
}

TEST_F(ReviewPageTest, WhatAPlanWritesIsTextNotMarkup) {
  plan_.title = "<script>alert(1)</script>";
  plan_.requested_by = "\"><img src=x>";
  plan_.question = "a\x1b[2Jb";
  const std::string html = ReviewHtml(AReview());
  EXPECT_THAT(html, AllOf(Not(HasSubstr("<script")), Not(HasSubstr("<img")),
                          HasSubstr("&lt;script&gt;"), Not(HasSubstr("\x1b"))));
}

TEST_F(ReviewPageTest, ANoIsSaidFirst) {
  check_.problem = Error{ErrorCode::kRefused, "the cohort has 19 patients here", "Ask somebody."};
  check_.report->flow->patients_left = 19;
  EXPECT_THAT(ReviewText(AReview(), 80), HasSubstr("No: the cohort has 19 patients here"));
  const std::string html = ReviewHtml(AReview());
  EXPECT_LT(html.find("your site would not answer"), html.find("Who asks"));
  EXPECT_THAT(html, HasSubstr("does not hold"));
}

TEST_F(ReviewPageTest, ASiteWithoutDataOrPolicyHasAPageAllTheSame) {
  check_ = DataCheck();
  check_.problem = Error{ErrorCode::kNotFound, "this site has no data source yet", ""};
  EXPECT_THAT(ReviewText(AReview(), 80), HasSubstr("no data source"));
  EXPECT_THAT(ReviewHtml(AReview()), HasSubstr("no data source"));
  EXPECT_TRUE(RulesOf(AReview()).empty());
}

TEST_F(ReviewPageTest, RulesTakeTheStricterOfPlanAndPolicy) {
  check_.policy->minimum_patients = 50;
  check_.policy->requesters = {"Somebody else"};
  const std::vector<RuleCheck> rules = RulesOf(AReview());
  const auto rule = [&](const std::string& name) {
    return *std::find_if(rules.begin(), rules.end(),
                         [&](const RuleCheck& check) { return check.rule == name; });
  };
  EXPECT_EQ(rule("Patients in the cohort").needed, "at least 50 (policy)");
  EXPECT_TRUE(rule("Patients in the cohort").holds);
  EXPECT_FALSE(rule("Who asks").holds);
  check_.policy->minimum_patients = 5;
  EXPECT_EQ(RulesOf(AReview())[2].needed, "at least 20 (plan)");
}

TEST_F(ReviewPageTest, EveryRuleIsShownWhereItHasSomethingToSay) {
  const auto shown = [this] {
    std::map<std::string, RuleCheck> rules;
    for (const RuleCheck& rule : RulesOf(AReview())) {
      EXPECT_LE(rule.rule.size(), 22U) << rule.rule;
      EXPECT_LE(rule.needed.size(), 24U) << rule.needed;
      rules[rule.rule] = rule;
    }
    return rules;
  };
  // What was not asked is not known, and does not hold.
  for (const char* rule : {"Smallest class", "Patients as before", "Answers so far"}) {
    EXPECT_EQ(shown().at(rule).here, "not known") << rule;
    EXPECT_FALSE(shown().at(rule).holds) << rule;
  }
  for (const char* rule : {"Hours", "Hospitals by name", "Signatures", "Policy valid through",
                           "Privacy budget", "Learning by heart", "Numbers sketched"}) {
    EXPECT_FALSE(shown().contains(rule)) << rule;
  }
  check_.asked = {{PolicyRule::kClass, true},         {PolicyRule::kDifference, false},
                  {PolicyRule::kAnswersADay, true},   {PolicyRule::kAnswersAMonth, false},
                  {PolicyRule::kStudiesAMonth, true}, {PolicyRule::kAnchors, true}};
  check_.policy->times.hours = {{0, 1}};
  check_.policy->anchors = {"charite"};
  check_.policy->approval.needed = 2;
  check_.policy->valid_until = Date{2026, 1, 31};
  EXPECT_TRUE(shown().at("Smallest class").holds);
  EXPECT_EQ(shown().at("Patients as before").here, "too near");
  EXPECT_EQ(shown().at("Answers so far").here, "used up");
  EXPECT_TRUE(shown().at("Hospitals by name").holds);
  EXPECT_EQ(shown().at("Hours").here, "not now");
  EXPECT_EQ(shown().at("Signatures").needed, "2 (policy)");
  EXPECT_FALSE(shown().at("Policy valid through").holds);
}

TEST_F(ReviewPageTest, RulesOnATrainedModelAreShown) {
  plan_ = ExamplePlan("heart_train.toml");
  check_.asked = {{PolicyRule::kModel, false}};
  const std::vector<RuleCheck> rules = RulesOf(AReview());
  const auto heart = std::find_if(rules.begin(), rules.end(), [](const RuleCheck& rule) {
    return rule.rule == "Learning by heart";
  });
  ASSERT_NE(heart, rules.end());
  EXPECT_EQ(heart->needed, "not allowed (policy)");
  EXPECT_FALSE(heart->holds);
}

}  // namespace
}  // namespace consilium
