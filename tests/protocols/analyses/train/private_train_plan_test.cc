// What a plan may ask of training under differential privacy: mistakes and their places, by
// protocols/analyses/train/private_steps.cc.

#include <ostream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/protocols/analyses/train/train_testing.h"

namespace consilium::testing {
namespace {

using ::testing::HasSubstr;

const std::string kPatientDp = "[privacy.dp]\nnoise_multiplier = 9\nepsilon = 3\ndelta = 1e-6\n";
const std::string kSiteDp = kPatientDp + "unit = \"site\"\n";
const std::string kLogistic = "\"logistic\"";
const std::string kPatientSteps = "rounds = 20\nlearning_rate = 2\nclip = 1\n";
const std::string kSiteSteps = "rounds = 10\nlocal_epochs = 2\nbatch_size = 10\nclip = 1\n";

/// A round's model is `model`; `rest` says how many rounds and how long.
std::string Analysis(const std::string& outcome,
                     const std::string& model,
                     const std::string& rest) {
  return TrainAnalysis(outcome, "model = " + model + "\nstandardise = \"range\"\n" + rest);
}

struct Mistake {
  const char* name;
  std::string analysis;
  std::string dp;
  const char* words;
};

void PrintTo(const Mistake& mistake, std::ostream* out) { *out << mistake.name; }

class PrivateTrainPlanTest : public ::testing::TestWithParam<Mistake> {};

TEST_P(PrivateTrainPlanTest, NamesTheMistakeAndItsPlace) {
  std::string text = PlanText(TrainColumns(), GetParam().analysis) + GetParam().dp;
  const std::string contract = "[contract]\n";
  text.replace(text.find(contract), contract.size(), contract + "maximum_patients = 500\n");
  const Result<Plan> plan = ParsePlan(text, "plan.toml");
  ASSERT_FALSE(plan.has_value());
  EXPECT_THAT(Describe(plan.error()), HasSubstr(GetParam().words));
  EXPECT_THAT(Describe(plan.error()), HasSubstr("plan.toml:"));
}

INSTANTIATE_TEST_SUITE_P(
    Mistakes,
    PrivateTrainPlanTest,
    ::testing::Values(
        Mistake{"Scaffold", Analysis("ill", kLogistic, kSiteSteps + "strategy = \"scaffold\"\n"),
                kSiteDp, "\"scaffold\" cannot be had"},
        Mistake{"Ditto", Analysis("ill", kLogistic, kSiteSteps + "strategy = \"ditto\"\n"), kSiteDp,
                "\"ditto\" cannot be had"},
        Mistake{"Robust", Analysis("ill", kLogistic, kSiteSteps + "strategy = \"rfa\"\n"), kSiteDp,
                "\"rfa\" cannot be had"},
        Mistake{"Nova", Analysis("ill", kLogistic, kSiteSteps + "strategy = \"fednova\"\n"),
                kSiteDp, "\"fednova\" cannot be had"},
        Mistake{"ProxOfPatients",
                Analysis("ill", kLogistic, kPatientSteps + "strategy = \"fedprox\"\n"), kPatientDp,
                "\"fedprox\" cannot be had"},
        Mistake{"Personal",
                Analysis("ill", "\"mlp\"\nhidden = [3]", kSiteSteps + "personal = [\"head\"]\n"),
                kSiteDp, "all layers are shared"},
        Mistake{"NormCheck",
                Analysis("ill", "\"mlp\"\nhidden = [64, 32]", kSiteSteps + "norm_check = true\n"),
                kSiteDp, "share of the noise"},
        Mistake{"Validation", Analysis("ill", kLogistic, kSiteSteps + "validation = 0.2\n"),
                kSiteDp, "held-out rows would leave without noise"},
        Mistake{"FederationsMeans", TrainAnalysis("ill", "model = \"logistic\"\n" + kSiteSteps),
                kSiteDp, "standardise = \"range\""},
        Mistake{
            "SitesMeans",
            TrainAnalysis("ill", "model = \"logistic\"\nstandardise = \"site\"\n" + kPatientSteps),
            kPatientDp, "each patient would change all others' gradients"},
        Mistake{"NoClip", Analysis("ill", kLogistic, "rounds = 10\n"), kSiteDp,
                "most that one site's update may be long"},
        Mistake{"NoClipOfPatients", Analysis("ill", kLogistic, "rounds = 10\n"), kPatientDp,
                "most that one patient's gradient may be long"},
        Mistake{"Epochs", Analysis("ill", kLogistic, kPatientSteps + "local_epochs = 2\n"),
                kPatientDp, "Leave local_epochs out"},
        Mistake{"Batches", Analysis("ill", kLogistic, kPatientSteps + "batch_size = 16\n"),
                kPatientDp, "Leave batch_size out"},
        Mistake{"Adam", Analysis("ill", kLogistic, kPatientSteps + "optimiser = \"adam\"\n"),
                kPatientDp, "Leave optimiser out"},
        Mistake{"TimesOfPatients",
                "kind = \"train\"\nevent = \"ill\"\ntime = \"dose\"\nfeatures = [\"age\"]\nmodel = "
                "\"cox\"\nstandardise = \"range\"\nrounds = 3\nclip = 1\n",
                kPatientDp, "compares each patient with all others at risk"},
        Mistake{"ProgramsOfPatients",
                TrainAnalysis("ill",
                              "trainer = { command = [\"learn\"], parameters = 3 }\n"
                              "standardise = \"range\"\nrounds = 3\nclip = 1\n"),
                kPatientDp, "Say unit = \"site\" in [privacy.dp]"},
        Mistake{"TooManyRounds", Analysis("ill", kLogistic, "rounds = 40\nclip = 1\n"), kPatientDp,
                "the study's 40 rounds tell as much as epsilon"}),
    [](const auto& mistake) { return mistake.param.name; });

}  // namespace
}  // namespace consilium::testing
