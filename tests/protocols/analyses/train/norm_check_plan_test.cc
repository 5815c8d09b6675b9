// Plans that have norms checked: what they may ask, what is checked then, and what a reviewer
// reads. Covers protocols/norm_check.cc.

#include <sstream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "protocols/analyses/train/query.h"
#include "protocols/norm_check.h"
#include "tests/protocols/analyses/train/train_testing.h"
#include "tests/support/train_plan.h"

namespace consilium::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

const std::string kWide = "model = \"mlp\"\nhidden = [64, 16]\nrounds = 5\nclip = 0.5\n";

std::string TextOf(const std::string& rest, const std::string& most = "maximum_patients = 500\n") {
  std::string text = PlanText(TrainColumns(), TrainAnalysis("ill", rest));
  const std::string contract = "[contract]\n";
  return text.replace(text.find(contract), contract.size(), contract + most);
}

std::string ErrorOf(const std::string& text) {
  const Result<Plan> plan = ParsePlan(text, "plan.toml");
  return plan ? "no error" : Describe(plan.error());
}

Plan Checked(const std::string& rest = kWide + "norm_check = true\n") {
  return ParsePlan(TextOf(rest), "plan.toml").value();
}

TEST(NormCheckPlanTest, IsOffUnlessThePlanSaysOtherwise) {
  EXPECT_FALSE(CheckedInReview(*ParsePlan(TextOf(kWide), "plan.toml")->analysis));
  EXPECT_FALSE(CheckedInReview(*Checked(kWide + "norm_check = false\n").analysis));
  EXPECT_TRUE(CheckedInReview(*Checked().analysis));
}

TEST(NormCheckPlanTest, ChangesNothingElseOfWhatLeaves) {
  const auto without = ParsePlan(TextOf(kWide), "plan.toml")->analysis->DescribeForReview();
  const auto with = Checked().analysis->DescribeForReview();
  ASSERT_EQ(with.size(), without.size());
  EXPECT_EQ(with[CheckedInReview(*Checked().analysis)->index].name, "update");
  for (std::size_t i = 0; i < with.size(); ++i) {
    EXPECT_EQ(with[i].name, without[i].name);
    EXPECT_EQ(with[i].slot.bound, without[i].slot.bound);
  }
}

TEST(NormCheckPlanTest, IsOfTheUpdateAloneAndOfOneSitesRows) {
  const Plan plan = Checked(kWide + "norm_check = true\nstandardise = \"range\"\n");
  const train::TrainPlan train = TrainPlanIn(plan);
  train::TrainQuery query;
  query.step = train::Step::kLearn;
  query.round = 1;
  query.scaling = train::RangeScaling(train);
  query.parameters = train::FirstParameters(train);
  for (const std::uint64_t heaviest : {0U, 200U, 2'000U}) {
    query.heaviest = heaviest;
    const std::optional<NormCheck> check =
        NormCheckOf(*plan.analysis, train::EncodeQuery(query), 7);
    ASSERT_TRUE(check.has_value());
    EXPECT_EQ(check->slot.count, train.network.parameters);
    EXPECT_EQ(check->slot.encoding, heaviest == 0 ? Encoding::kReal : Encoding::kShort);
    EXPECT_EQ(check->sites, 7U);
    std::size_t before = 0;
    for (const Slice& slice : train::DescribeStep(query, train)) {
      if (slice.name != "update") before += WordsOf(std::span(&slice.slot, 1));
    }
    EXPECT_EQ(check->first_word, before);  // The update is the last.
    // clip times the rows of one site, whatever those of all are.
    EXPECT_NEAR(check->bound, 0.5 * (heaviest == 200 ? 200 : 500), 1e-3);
  }
  query.step = train::Step::kMoments;
  EXPECT_FALSE(train::CheckedIn(query, train));
}

TEST(NormCheckPlanTest, CannotBeHadWithImputation) {
  EXPECT_THAT(ErrorOf(TextOf(kWide + "norm_check = true\n") + "[impute]\nage = \"mean\"\n"),
              HasSubstr("norm_check"));
}

TEST(NormCheckPlanTest, RefusesByNameWhereItWouldTellTooMuchOrHoldNobody) {
  const std::string on = "norm_check = true\n";
  EXPECT_THAT(ErrorOf(TextOf("model = \"logistic\"\nrounds = 5\n" + on)),
              AllOf(HasSubstr("plan.toml:"), HasSubstr("shares only 3 parameters"),
                    HasSubstr("1024 parameters or more")));
  EXPECT_THAT(ErrorOf(TextOf(kWide + "personal = [\"layer2\"]\n" + on)),
              HasSubstr("shares only 209 parameters"));
  for (const char* strategy : {"scaffold", "fednova", "rfa"}) {
    EXPECT_THAT(ErrorOf(TextOf(kWide + "strategy = \"" + strategy + "\"\n" + on)),
                HasSubstr(std::string("strategy = \"") + strategy + "\""));
  }
  EXPECT_THAT(ErrorOf(TextOf(kWide + on, "")), HasSubstr("maximum_patients"));
  for (const char* strategy :
       {"fedavg", "fedprox", "fedavgm", "fedadam", "fedyogi", "fedadagrad", "ditto"}) {
    EXPECT_EQ(ErrorOf(TextOf(kWide + "strategy = \"" + strategy + "\"\n" + on)), "no error");
  }
}

TEST(NormCheckPlanTest, IsTrainingsAlone) {
  EXPECT_THAT(ErrorOf(PlanText(TrainColumns(),
                               "kind = \"logistic\"\noutcome = \"ill\"\nfeatures = "
                               "[\"dose\"]\nnorm_check = true\n")),
              HasSubstr("norm_check"));
}

TEST(NormCheckPlanTest, AReviewerReadsWhatTheCoordinatorIsTold) {
  const std::string text = ExplainPlan(Checked());
  EXPECT_THAT(text, AllOf(HasSubstr("What the coordinator is told of each hospital alone"),
                          HasSubstr("64 combinations"), HasSubstr("norm_checks = 1"),
                          HasSubstr("about one in 19"), HasSubstr("not proven")));
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 100U) << line;
  EXPECT_THAT(ExplainPlan(*ParsePlan(TextOf(kWide), "plan.toml")),
              Not(HasSubstr("told of each hospital alone")));
}

}  // namespace
}  // namespace consilium::testing
