// client/policy/model_linter.h: what a training could learn by heart, and what the policy says to
// it.

#include "client/policy/model_linter.h"

#include <string>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "protocols/plan.h"
#include "tests/client/study_builder.h"

namespace consilium {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

Plan TrainingPlan(const std::string& model, const std::string& privacy = "") {
  auto plan = ParsePlan(
      "[study]\ntitle = \"A study\"\nquestion = \"?\"\nrequested_by = \"Test\"\npermit = \"none\"\n"
      "expires = 2090-01-01\nminimum_sites = 3\n"
      "[contract]\npatient = \"id\"\n[[contract.column]]\nname = \"ill\"\ntype = \"boolean\"\n"
      "[[contract.column]]\nname = \"age\"\ntype = \"number\"\nrange = [0, 100]\n"
      "[analysis]\nkind = \"train\"\noutcome = \"ill\"\nfeatures = [\"age\"]\nrounds = 3\n" +
          model + privacy,
      "plan.toml");
  EXPECT_TRUE(plan.has_value()) << Describe(plan.error());
  return std::move(plan).value();
}

CohortWithFlow Hospital() {
  CohortWithFlow data;
  data.cohort.columns = {"ill", "age"};
  data.cohort.patients = 200;
  data.cohort.values.resize(200, 2);
  for (Eigen::Index row = 0; row < 200; ++row) {
    data.cohort.values(row, 0) = row % 2 == 0 ? 1 : 0;
    data.cohort.values(row, 1) = static_cast<double>(row % 90);
  }
  return data;
}

constexpr const char* kOneRow = "model = \"logistic\"\nlocal_steps = 1\nbatch_size = 1\n";

TEST(ModelLinterTest, AGraveFindingIsRefusedInWords) {
  const Policy policy = MakePolicy(PolicyPreset::kResearch);
  const PolicyStatus status = CheckCohort(policy, TrainingPlan(kOneRow), Hospital());
  ASSERT_FALSE(status.has_value());
  EXPECT_EQ(status.error().rule, PolicyRule::kModel);
  EXPECT_THAT(status.error().message, HasSubstr("would meet 1 of the 200 rows"));
  EXPECT_THAT(status.error().message, HasSubstr("this site's policy (memorising_models)"));
  EXPECT_THAT(status.error().remedy, HasSubstr("policy.toml"));
  EXPECT_EQ(ReasonToTell(PolicyRule::kModel), RefusalReason::kDataRefused);
}

TEST(ModelLinterTest, APolicyMayAllowIt) {
  Policy policy = MakePolicy(PolicyPreset::kStandard);
  policy.memorising_models = true;
  const Plan plan = TrainingPlan(kOneRow);
  EXPECT_TRUE(CheckCohort(policy, plan, Hospital()).has_value());
  // Its people are told all the same.
  const auto findings = LintModel(policy, plan, Hospital().cohort);
  ASSERT_TRUE(findings.has_value());
  ASSERT_THAT(*findings, SizeIs(1));
  EXPECT_TRUE(findings->front().is_grave);
}

TEST(ModelLinterTest, AMildFindingIsToldAndNotRefused) {
  const Policy policy = MakePolicy(PolicyPreset::kStandard);
  const Plan plan = TrainingPlan("model = \"logistic\"\nclip = 5000\n");
  const auto findings = LintModel(policy, plan, Hospital().cohort);
  ASSERT_TRUE(findings.has_value());
  ASSERT_THAT(*findings, SizeIs(1));
  EXPECT_FALSE(findings->front().is_grave);
  EXPECT_THAT(findings->front().words, HasSubstr("one site that lies"));
  EXPECT_TRUE(CheckCohort(policy, plan, Hospital()).has_value());
}

TEST(ModelLinterTest, ThePolicysMinimumsDecideWhatIsFew) {
  const Plan plan = TrainingPlan("model = \"logistic\"\nlocal_steps = 1\nbatch_size = 30\n");
  EXPECT_TRUE(CheckModel(MakePolicy(PolicyPreset::kStandard), plan, Hospital().cohort).has_value());
  EXPECT_FALSE(CheckModel(MakePolicy(PolicyPreset::kStrict), plan, Hospital().cohort).has_value());
}

TEST(ModelLinterTest, NoiseHidesWhatAModelLearns) {
  const Plan plan = TrainingPlan(
      "model = \"logistic\"\nstandardise = \"range\"\nclip = 1\nlocal_steps = 1\n"
      "batch_size = 1\n",
      "[privacy.dp]\nunit = \"site\"\nnoise_multiplier = 4\nepsilon = 3\n"
      "delta = 1e-6\n");
  const auto findings = LintModel(MakePolicy(PolicyPreset::kStandard), plan, Hospital().cohort);
  ASSERT_TRUE(findings.has_value());
  EXPECT_THAT(*findings, IsEmpty());
}

TEST(ModelLinterTest, APlanWhoseTextIsNotItsAnalysisIsRefused) {
  Plan plan = TrainingPlan("model = \"logistic\"\n");
  plan.text = "[analysis]\nkind = \"train\"\n";
  const PolicyStatus status =
      CheckModel(MakePolicy(PolicyPreset::kStandard), plan, Hospital().cohort);
  ASSERT_FALSE(status.has_value());
  EXPECT_EQ(status.error().rule, PolicyRule::kModel);
}

}  // namespace
}  // namespace consilium
