#include "protocols/analyses/train/settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/protocols/analyses/train/train_testing.h"
#include "tests/support/train_plan.h"
#include "tests/support/unwrapped.h"

namespace consilium::testing {
namespace {

using ::testing::HasSubstr;

Error ErrorOf(const std::string& analysis) {
  const Result<Plan> plan = ParsePlan(PlanText(TrainColumns(), analysis), "plan.toml");
  EXPECT_FALSE(plan.has_value()) << analysis;
  return plan ? Error{} : plan.error();
}

struct Mistake {
  const char* outcome;
  const char* rest;
  const char* said;
};

class TrainSettingsTest : public ::testing::TestWithParam<Mistake> {};

TEST_P(TrainSettingsTest, NamesTheMistakeAndItsPlace) {
  const Error error = ErrorOf(TrainAnalysis(GetParam().outcome, GetParam().rest));
  EXPECT_THAT(error.message, HasSubstr("plan.toml:"));
  EXPECT_THAT(Describe(error), HasSubstr(GetParam().said));
}

INSTANTIATE_TEST_SUITE_P(
    Keys,
    TrainSettingsTest,
    ::testing::Values(
        Mistake{"ill", "model = \"logistic\"", "'rounds' is missing"},
        Mistake{"ill", "rounds = 5", "'model' is missing"},
        Mistake{"ill", "model = \"forest\"\nrounds = 5", "forest"},
        Mistake{"ill", "model = \"logistic\"\nrounds = 0", "between 1 and 100000"},
        Mistake{"ill", "model = \"mlp\"\nrounds = 5", "'hidden' is missing"},
        Mistake{"ill", "model = \"mlp\"\nrounds = 5\nhidden = []", "1 to 15 layers"},
        Mistake{"ill", "model = \"cnn\"\nrounds = 5\nimage = [2, 2]\nfilters = [3]",
                "a picture of 4 numbers"},
        Mistake{"ill", "model = \"cnn\"\nrounds = 5\nimage = [1, 2]\nfilters = [3]",
                "nothing is left"},
        Mistake{"ill",
                "model = \"mlp\"\nrounds = 5\nhidden = [3]\npersonal = [\"layer1\", \"head\"]",
                "no layer would be left"},
        Mistake{"ill", "model = \"mlp\"\nrounds = 5\nhidden = [3]\npersonal = [\"layer3\"]",
                "not there"},
        Mistake{"ill",
                "model = \"mlp\"\nrounds = 5\nhidden = [3]\npersonal = [\"head\"]\n"
                "strategy = \"rfa\"",
                "cannot be combined"},
        Mistake{"ill", "model = \"mlp\"\nrounds = 5\nhidden = [2.5]", "whole number"},
        Mistake{"ill", "model = \"mlp\"\nrounds = 5\nhidden = [3000, 3000]", "4000000"},
        Mistake{"ill", "model = \"logistic\"\nrounds = 5\nhidden = [3]", "hidden"},
        Mistake{"pressure", "model = \"logistic\"\nrounds = 5", "has no classes"},
        Mistake{"group", "model = \"linear\"\nrounds = 5", "needs a number"},
        Mistake{"ill", "model = \"logistic\"\nrounds = 5\nlocal_steps = 3\nlocal_epochs = 3",
                "both say"},
        Mistake{"ill", "model = \"logistic\"\nrounds = 5\nmu = 0.1", "mu"},
        Mistake{"ill", "model = \"logistic\"\nrounds = 5\nserver_momentum = 0.1",
                "server_momentum"},
        Mistake{"ill", "model = \"logistic\"\nrounds = 5\nlearning_rate = 0", "between"},
        Mistake{"ill", "model = \"logistic\"\nrounds = 5\noptimiser = \"adam\"\nmomentum = 0.9",
                "optimiser = \"sgd\""},
        Mistake{"ill", "model = \"logistic\"\nrounds = 5\nstrategy = \"scaffold\"\nmomentum = 0.9",
                "without momentum"},
        Mistake{"ill",
                "model = \"logistic\"\nrounds = 5\nstrategy = \"fednova\"\noptimiser = "
                "\"adam\"",
                "\"sgd\" alone"},
        Mistake{"ill", "model = \"logistic\"\nrounds = 5\npatience = 3", "held-out"},
        Mistake{"ill", "model = \"logistic\"\nrounds = 5\nvalidation = 0.95", "between 0 and 0.9"},
        Mistake{"ill", "model = \"logistic\"\nrounds = 5\nstrategy = \"fedavgn\"", "fedavgm"}));

const std::string kOther = "rounds = 5\ntrainer = { command = [\"other\"], parameters = 3 }\n";

struct TrainerMistake {
  std::string rest;
  const char* said;
};

void PrintTo(const TrainerMistake& mistake, std::ostream* stream) { *stream << mistake.said; }

class TrainerSettingsTest : public ::testing::TestWithParam<TrainerMistake> {};

TEST_P(TrainerSettingsTest, NamesTheMistakeAndItsPlace) {
  const Error error = ErrorOf(TrainAnalysis("ill", GetParam().rest));
  EXPECT_THAT(error.message, HasSubstr("plan.toml:"));
  EXPECT_THAT(Describe(error), HasSubstr(GetParam().said));
}

TrainerMistake In(const std::string& table, const char* said) {
  return {"rounds = 5\ntrainer = { " + table + " }", said};
}

INSTANTIATE_TEST_SUITE_P(
    Keys,
    TrainerSettingsTest,
    ::testing::Values(
        In("parameters = 3", "'command' is missing"),
        In("command = [\"other\"]", "'parameters' is missing"),
        In("command = [], parameters = 3", "the trainer's name alone"),
        In("command = [\"other\", \"--fast\"], parameters = 3", "each site's policy says"),
        In("command = [\"/bin/sh\"], parameters = 3", "is no name for a trainer"),
        In("command = [\"\"], parameters = 3", "is no name for a trainer"),
        In("command = [\"other\"], parameters = 0", "between 1 and 4000000"),
        In("command = [\"other\"], parameters = 4000001", "between 1 and 4000000"),
        In("command = [\"other\"], parameters = 3, start = \"ones\"", "uniform"),
        In("command = [\"other\"], parameters = 3, start_bound = 0.1", "start_bound"),
        In("command = [\"other\"], parameters = 3, start = \"uniform\", start_bound = 0",
           "between"),
        In("command = [\"other\"], parameters = 3, program = \"/bin/sh\"", "program"),
        TrainerMistake{kOther + "model = \"logistic\"", "trainer names a program instead"},
        TrainerMistake{kOther + "hidden = [3]", "trainer names a program instead"},
        TrainerMistake{kOther + "personal = [\"head\"]", "trainer names a program instead"},
        TrainerMistake{kOther + "strategy = \"fedprox\"", "fedprox changes the steps"},
        TrainerMistake{kOther + "strategy = \"scaffold\"", "scaffold changes the steps"},
        TrainerMistake{kOther + "strategy = \"fednova\"", "fednova changes the steps"},
        TrainerMistake{kOther + "strategy = \"ditto\"", "ditto changes the steps"},
        TrainerMistake{kOther + "lambda = 1", "lambda"}));

train::TrainPlan ParsedOf(const std::string& outcome, const std::string& rest) {
  return TrainPlanIn(TrainPlanOf(outcome, rest));
}

TEST(TrainSettingsTest, TheOutcomeDecidesTheLoss) {
  const std::string mlp = "model = \"mlp\"\nhidden = [4]\nrounds = 3";
  EXPECT_EQ(ParsedOf("ill", mlp).network.loss, train::Loss::kBinary);
  EXPECT_EQ(ParsedOf("group", mlp).network.loss, train::Loss::kCategories);
  EXPECT_EQ(ParsedOf("group", mlp).network.outputs, 3u);
  EXPECT_EQ(ParsedOf("pressure", mlp).network.loss, train::Loss::kSquared);
  EXPECT_EQ(ParsedOf("pressure", mlp).network.parameters, 2u * 4 + 4 + 4 + 1);
  EXPECT_EQ(ParsedOf("ill", "model = \"logistic\"\nrounds = 3").network.parameters, 3u);
}

TEST(TrainSettingsTest, ATrainerHasAsManyParametersAsThePlanSays) {
  const Plan plan = TrainPlanOf("group", kOther);
  EXPECT_EQ(plan.analysis->trainer(), "other");
  EXPECT_EQ(plan.analysis->parameters(), 3u);
  const train::TrainPlan parsed = TrainPlanIn(plan);
  EXPECT_EQ(parsed.shared_parameters, 3u);
  EXPECT_FALSE(parsed.CountsHits());
  EXPECT_THAT(testing::Unwrapped(ExplainPlan(plan)), HasSubstr("\"other\" in its policy.toml"));
  const Plan own = TrainPlanOf("ill", "model = \"logistic\"\nrounds = 3");
  EXPECT_EQ(own.analysis->trainer(), "");
  EXPECT_THAT(testing::Unwrapped(ExplainPlan(own)),
              ::testing::Not(HasSubstr("What learns at each hospital")));
}

TEST(TrainSettingsTest, DefaultsAreThoseOfTheStrategiesPapers) {
  const std::string base = "model = \"logistic\"\nrounds = 3\nstrategy = ";
  EXPECT_EQ(ParsedOf("ill", base + "\"fedavg\"").server.learning_rate, 1);
  EXPECT_EQ(ParsedOf("ill", base + "\"fedavgm\"").server.momentum, 0.9);
  const train::TrainPlan adam = ParsedOf("ill", base + "\"fedadam\"");
  EXPECT_EQ(adam.server.beta1, 0.9);
  EXPECT_EQ(adam.server.beta2, 0.99);
  EXPECT_EQ(adam.server.tau, 1e-3);
  EXPECT_EQ(ParsedOf("ill", base + "\"fedadagrad\"").server.beta1, 0);
  EXPECT_GT(ParsedOf("ill", base + "\"fedprox\"").local.mu, 0);
}

TEST(TrainSettingsTest, AStudyGoesOnWithoutALostSiteUnlessItsPlanSaysOtherwise) {
  const std::string analysis = TrainAnalysis("ill", "model = \"logistic\"\nrounds = 3");
  EXPECT_EQ(PlanOf(TrainColumns(), analysis).on_loss, OnLoss::kContinue);
  const std::string text = PlanText(TrainColumns(), analysis) + "[round]\non_loss = \"wait\"\n";
  EXPECT_EQ(ParsePlan(text, "plan.toml")->on_loss, OnLoss::kWait);
}

}  // namespace
}  // namespace consilium::testing
