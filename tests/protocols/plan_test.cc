#include "protocols/plan.h"

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/fixed_point.h"
#include "protocols/secure_sum/limits.h"
#include "tests/support/unwrapped.h"

namespace consilium {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

const std::string kStudy =
    "[study]\ntitle = \"T\"\nrequested_by = \"R\"\nexpires = 2027-06-30\nminimum_sites = 3\n";
const std::string kContract =
    "[contract]\npatient = \"id\"\n"
    "[[contract.column]]\nname = \"y\"\ntype = \"boolean\"\n"
    "[[contract.column]]\nname = \"x\"\ntype = \"number\"\nrange = [0, 10]\n"
    "[[contract.column]]\nname = \"seen\"\ntype = \"date\"\n"
    "[[contract.column]]\nname = \"n\"\ntype = \"integer\"\nrange = [-1, 10]\n"
    "[[contract.column]]\nname = \"g\"\ntype = \"category\"\nlevels = [\"a\", \"b\", \"c\"]\n"
    "[[contract.column]]\nname = \"g_b\"\ntype = \"boolean\"\n";
const std::string kAnalysis =
    "[analysis]\nkind = \"logistic\"\noutcome = \"y\"\nfeatures = [\"x\", \"g\"]\n";

std::string ErrorFor(const std::string& text) {
  const Result<Plan> plan = ParsePlan(text, "plan.toml");
  return plan ? "no error" : Describe(plan.error());
}

TEST(PlanTest, FillsInTheDocumentedDefaults) {
  const Result<Plan> plan =
      ParsePlan("[study]\ntitle = \"T\"\nrequested_by = \"R\"\nexpires = 2027-06-30\n" + kContract +
                    kAnalysis,
                "plan.toml");
  ASSERT_TRUE(plan.has_value()) << Describe(plan.error());
  EXPECT_EQ(plan->minimum_sites, 5u);
  EXPECT_EQ(plan->minimum_patients, 20u);
  EXPECT_EQ(plan->deadline, Duration(60'000));
  EXPECT_EQ(plan->on_loss, OnLoss::kWait);
  EXPECT_EQ(plan->contract.maximum_patients, 1'000'000u);
  EXPECT_EQ(plan->permit, "");
  EXPECT_EQ(plan->analysis->maximum_rounds(), 27u);
  EXPECT_EQ(plan->analysis->parameters(), 4u);
  EXPECT_THAT(plan->analysis->columns(), ElementsAre("y", "x", "g"));
}

TEST(PlanTest, IdDependsOnMeaningAndNotOnSpelling) {
  const Plan plan = ParsePlan(kStudy + kContract + kAnalysis, "a.toml").value();
  const Plan respelt =
      ParsePlan("# a comment\n\n" + kAnalysis + kContract + kStudy, "b.toml").value();
  EXPECT_EQ(plan.id, respelt.id);
  for (const std::string& change :
       {std::string("ridge = 1\n"), std::string("[privacy]\nminimum_patients = 21\n"),
        std::string("[round]\non_loss = \"continue\"\n")}) {
    const Plan changed = ParsePlan(kStudy + kContract + kAnalysis + change, "a.toml").value();
    EXPECT_NE(plan.id, changed.id) << change;
  }
}

/// A new key of a contract changes the number of no plan that does without it. The number was
/// computed beside this program, by docs/spec/plan.md.
TEST(PlanTest, IdOfAPlanWithoutNewKeysStaysWhatItWas) {
  const Plan plan = ParsePlan(kStudy + kContract + kAnalysis, "a.toml").value();
  EXPECT_EQ(plan.id.ToHex(), "37ee0bb1b71b8bea22d3970ef797dce2a18b76d3b60261b9ac47ddbe0ac2eb58");
  const std::string one = "one_row_per_patient = true\n";
  const std::string head = "[contract]\npatient = \"id\"\n";
  const Plan changed =
      ParsePlan(kStudy + head + one + kContract.substr(head.size()) + kAnalysis, "a.toml").value();
  EXPECT_NE(changed.id, plan.id);
}

TEST(PlanTest, SaysWhatIsWrongAndWhere) {
  const std::string good = kStudy + kContract + kAnalysis;
  const auto analysis = [](const std::string& lines) {
    return kStudy + kContract + "[analysis]\n" + lines;
  };
  const std::pair<std::string, const char*> cases[] = {
      {good + "[prviacy]\n", "prviacy"},
      {good + "[privacy]\nminimum_patient = 3\n", "minimum_patient"},
      {good + "[privacy]\nminimum_patients = 0\n", "at least 1"},
      {good + "[round]\ndeadline = \"1ms\"\n", "between 1s and 720h"},
      {good + "[round]\non_loss = \"stop\"\n", "\"wait\" or \"continue\""},
      {good + "[release]\nreviewers = 2\n", "cannot carry out 2 reviewers"},
      {kContract + kAnalysis, "study"},
      {"[study]\ntitle = \"T\"\nrequested_by = \"R\"\n" + kContract + kAnalysis, "expires"},
      {"[study]\ntitle = \"\"\nrequested_by = \"R\"\nexpires = 2027-06-30\n" + kContract +
           kAnalysis,
       "title is empty"},
      {"[study]\ntitle = \"a\\u001b[2J\"\nrequested_by = \"R\"\nexpires = 2027-06-30\n" +
           kContract + kAnalysis,
       "control character"},
      {kStudy + "quorum = 1\n" + kContract + kAnalysis, "quorum"},
      {"[study]\ntitle = \"T\"\nrequested_by = \"R\"\nexpires = 2027-06-30\nminimum_sites = 2\n" +
           kContract + kAnalysis,
       "between 3 and"},
      {analysis("outcome = \"y\"\n"), "'kind' is missing. This version has: cox, "},
      {analysis("kind = \"logistik\"\n"), "Did you mean \"logistic\"? This version has: cox, "},
      {analysis("kind = \"magic\"\n"), "linear, logistic, meta, poisson"},
      {analysis("kind = \"logistic\"\noutcome = \"z\"\nfeatures = [\"x\"]\n"), "no column \"z\""},
      {analysis("kind = \"logistic\"\noutcome = \"x\"\nfeatures = [\"y\"]\n"), "yes/no"},
      {analysis("kind = \"logistic\"\noutcome = \"g\"\nfeatures = [\"y\"]\n"), "yes/no"},
      {analysis("kind = \"poisson\"\noutcome = \"n\"\nfeatures = [\"y\"]\n"), "no count"},
      {analysis("kind = \"poisson\"\noutcome = \"x\"\nfeatures = [\"y\"]\n"), "no count"},
      {analysis("kind = \"linear\"\noutcome = \"g\"\nfeatures = [\"y\"]\n"), "no number"},
      {analysis("kind = \"logistic\"\noutcome = \"y\"\nfeatures = []\n"), "at least one"},
      {analysis("kind = \"logistic\"\noutcome = \"y\"\nfeatures = [\"q\"]\n"), "no column \"q\""},
      {analysis("kind = \"logistic\"\noutcome = \"y\"\nfeatures = [\"y\"]\n"), "a feature at once"},
      {analysis("kind = \"logistic\"\noutcome = \"y\"\nfeatures = [\"x\", \"x\"]\n"), "twice"},
      {analysis("kind = \"logistic\"\noutcome = \"y\"\nfeatures = [\"seen\"]\n"), "the date"},
      {analysis("kind = \"logistic\"\noutcome = \"y\"\nfeatures = [\"g\", \"g_b\"]\n"),
       "called \"g_b\""},
      {good + "ridge = -1\n", "'ridge' is -1: it must be between 0 and"},
      {good + "confidence = 1.0\n", "'confidence' is 1.0: it must be between 0.5 and"},
      {good + "confidence = 95\n", "and 0.9999. Write 0.95"},
      {good + "maximum_iterations = 1\n", "between 2 and 100"},
      {good + "intercept = false\n", "without an intercept"},
      {good + "rigde = 1\n", "rigde"},
  };
  for (const auto& [text, expected] : cases) {
    EXPECT_THAT(ErrorFor(text), AllOf(HasSubstr(expected), HasSubstr("plan.toml:"))) << text;
  }
  EXPECT_EQ(ErrorFor(good), "no error");
}

TEST(PlanTest, RefusesATextThatIsTooLong) {
  EXPECT_THAT(ErrorFor(kStudy + kContract + kAnalysis + std::string(kMaxPlanBytes, '#')),
              HasSubstr("200 KiB"));
}

TEST(PlanTest, RefusesMoreTermsThanFitARound) {
  std::string columns =
      "[contract]\npatient = \"id\"\n[[contract.column]]\nname = \"y\"\ntype = "
      "\"boolean\"\n";
  std::string features;
  // 498 terms of as many booleans, and a category's: a contract has at most 500 columns.
  constexpr int kBooleans = 498;
  const auto plan_with = [&](int count) {
    std::string all = columns;
    features.clear();
    for (int i = 0; i < kBooleans; ++i) {
      const std::string name = "x" + std::to_string(i);
      all += "[[contract.column]]\nname = \"" + name + "\"\ntype = \"boolean\"\n";
      features += "\"" + name + "\", ";
    }
    all += "[[contract.column]]\nname = \"c\"\ntype = \"category\"\nlevels = [\"reference\"";
    for (int i = kBooleans; i < count; ++i) all += ", \"l" + std::to_string(i) + "\"";
    all += "]\n";
    features += "\"c\"";
    return kStudy + all + "[analysis]\nkind = \"logistic\"\noutcome = \"y\"\nfeatures = [" +
           features + "]\n";
  };
  const Result<Plan> largest = ParsePlan(plan_with(500), "plan.toml");
  ASSERT_TRUE(largest.has_value()) << Describe(largest.error());
  EXPECT_LE(WordsOf(SlotsOf(largest->analysis->DescribeForReview())), kMaxVectorWords);
  EXPECT_THAT(ErrorFor(plan_with(501)), HasSubstr("at most 500"));
}

TEST(PlanTest, ExplainsWhoAsksWhatLeavesAndWhatThresholdsMean) {
  const Plan plan =
      ParsePlan(kStudy + kContract + "[[contract.eligible]]\ncolumn = \"x\"\nminimum = 2\n" +
                    kAnalysis + "[round]\non_loss = \"continue\"\n",
                "plan.toml")
          .value();
  const std::string text = ExplainPlan(plan);
  EXPECT_THAT(testing::Unwrapped(text),
              AllOf(HasSubstr(plan.id.ToHex()), HasSubstr("none named in the plan"),
                    HasSubstr("logistic regression of y on x and g"), HasSubstr("x at least 2"),
                    HasSubstr("fewer than 3 hospitals"), HasSubstr("any 2 of them"),
                    HasSubstr("come close to showing"), HasSubstr("2027-06-30")));
  for (const Slice& slice : plan.analysis->DescribeForReview()) {
    EXPECT_THAT(text, HasSubstr(slice.name));
  }
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 80u) << line;
}

TEST(PlanTest, WhatAPlanSaysBreaksNoLineOfItsExplanation) {
  std::string contract = kContract;
  const std::string range = "range = [0, 10]\n";
  contract.insert(contract.find(range), "unit = \"mg\\n\\nPrivacy\\n  None\\u202E\"\n");
  const std::string text = ExplainPlan(ParsePlan(kStudy + contract + kAnalysis, "p").value());
  EXPECT_EQ(text.find("\n  None"), std::string::npos) << text;
  EXPECT_THAT(testing::Unwrapped(text), HasSubstr("mg Privacy None?"));
}

TEST(PlanTest, ExamplesAreValidPlans) {
  int count = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator(CONSILIUM_SOURCE_FOLDER "/examples")) {
    if (!entry.is_regular_file()) continue;
    std::ifstream stream(entry.path());
    const std::string text{std::istreambuf_iterator<char>(stream), {}};
    if (entry.path().extension() != ".toml" || text.find("[analysis]") == std::string::npos)
      continue;
    const Result<Plan> plan = ParsePlan(text, entry.path().string());
    EXPECT_TRUE(plan.has_value()) << Describe(plan.error());
    ++count;
  }
  EXPECT_GE(count, 3);
}

}  // namespace
}  // namespace consilium
