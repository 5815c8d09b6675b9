#include "simulations/training_report.h"

#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "simulations/campaign.h"
#include "simulations/html_report.h"
#include "simulations/report.h"
#include "tests/support/temporary_folder.h"

namespace consilium {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

Campaign RunTraining(const std::string& analysis,
                     const std::string& sweep = {},
                     int repetitions = 1) {
  const TemporaryFolder folder;
  std::ofstream(folder / "plan.toml")
      << "[study]\ntitle = \"T\"\nrequested_by = \"R\"\nexpires = 2090-01-01\n"
         "minimum_sites = 3\n[contract]\npatient = \"id\"\n"
         "[[contract.column]]\nname = \"ill\"\ntype = \"boolean\"\n"
         "[[contract.column]]\nname = \"age\"\ntype = \"number\"\nrange = [18, 100]\n"
         "[analysis]\nkind = \"train\"\noutcome = \"ill\"\nfeatures = [\"age\"]\n" +
             analysis;
  std::ofstream(folder / "trial.toml")
      << "[experiment]\nplan = \"plan.toml\"\nrepetitions = " + std::to_string(repetitions) +
             "\n"
             "[generator]\nsites = 3\npatients = 60\nintercept = -3\n"
             "coefficients = { age = 0.05 }\n" +
             sweep;
  return RunCampaign(ReadExperiments(folder / "trial.toml").value(), 1, 1).value();
}

TEST(TrainingReportTest, ShowsEachModelBesideTheFederatedOne) {
  const Campaign campaign = RunTraining("model = \"logistic\"\nrounds = 6\nvalidation = 0.25\n");
  EXPECT_TRUE(IsTraining(campaign.shown.comparison));
  const std::string text = ResultText(campaign);
  for (const char* name : {"all hospitals, federated", "all data in one place", "site-01 alone",
                           "site-03 alone", "held out"}) {
    EXPECT_THAT(text, HasSubstr(name));
  }
  EXPECT_THAT(text, Not(HasSubstr("standard errors")));
  const std::string page = HtmlReport(campaign);
  EXPECT_THAT(page, HasSubstr("Loss on held-out rows"));
  EXPECT_THAT(page, Not(HasSubstr("Coefficients: federated")));
}

TEST(TrainingReportTest, SaysWhenAModelLearnsItsRowsByHeart) {
  const Campaign campaign = RunTraining(
      "model = \"mlp\"\nhidden = [64, 64]\nrounds = 60\nlocal_epochs = 10\nlearning_rate = 0.5\n"
      "batch_size = 8\nvalidation = 0.5\n");
  EXPECT_THAT(TrainingText(campaign.shown.comparison), HasSubstr("overfitting"));
}

TEST(TrainingReportTest, RunsOfASweepAreMeansOverTheirSeeds) {
  const Campaign campaign = RunTraining("model = \"logistic\"\nrounds = 3\nvalidation = 0.25\n",
                                        "[sweep]\nanalysis.learning_rate = [0.1, 0.5]\n", 2);
  ASSERT_EQ(campaign.trials.size(), 4u);
  // Of the second combination, by hand.
  double mean = 0;
  for (const Trial& trial : campaign.trials) {
    if (trial.combination != 1) continue;
    double loss = 0;
    double rows = 0;
    for (const auto& [name, value] : trial.rounds.back().sums) {
      if (name == "held-out loss") loss = value;
      if (name == "held-out rows") rows = value;
    }
    mean += loss / rows / 2;
  }
  char text[32];
  std::snprintf(text, sizeof text, "%.4f (", mean);
  EXPECT_THAT(TrainingRunsText(campaign), HasSubstr(text));
  EXPECT_THAT(ResultText(campaign), HasSubstr("analysis.learning_rate = 0.5"));
  EXPECT_THAT(HtmlReport(campaign), HasSubstr("held-out accuracy"));
}

TEST(TrainingReportTest, OfATimeToAnEventConcordanceStandsBesideTheLoss) {
  const TemporaryFolder folder;
  std::ofstream(folder / "plan.toml")
      << "[study]\ntitle = \"T\"\nrequested_by = \"R\"\nexpires = 2090-01-01\n"
         "minimum_sites = 3\n[contract]\npatient = \"id\"\n"
         "[[contract.column]]\nname = \"ill\"\ntype = \"boolean\"\n"
         "[[contract.column]]\nname = \"time\"\ntype = \"number\"\nrange = [0, 1000]\n"
         "[[contract.column]]\nname = \"age\"\ntype = \"number\"\nrange = [18, 100]\n"
         "[analysis]\nkind = \"train\"\nevent = \"ill\"\ntime = \"time\"\nfeatures = [\"age\"]\n"
         "model = \"cox\"\nrounds = 5\nvalidation = 0.25\n";
  std::ofstream(folder / "trial.toml")
      << "[experiment]\nplan = \"plan.toml\"\nrepetitions = 2\n[generator]\nsites = 3\n"
         "patients = 80\nintercept = -8\nfollow_up = 500\ncoefficients = { age = 0.1 }\n";
  const Campaign campaign =
      RunCampaign(ReadExperiments(folder / "trial.toml").value(), 1, 1).value();
  const std::string text = ResultText(campaign);
  for (const char* part : {"C-index", "site-01 alone", "training C-index", "held-out C-index",
                           "concordances are", "hazard ratios for one unit"}) {
    EXPECT_THAT(text, HasSubstr(part));
  }
  EXPECT_THAT(text, Not(HasSubstr("accuracy")));
  const std::string page = HtmlReport(campaign);
  EXPECT_THAT(page, HasSubstr("Concordance on held-out rows"));
  EXPECT_THAT(page, HasSubstr("Concordance on rows that are learned from"));
}

TEST(TrainingReportTest, SaysWhenNothingWasHeldOut) {
  const Campaign campaign = RunTraining("model = \"logistic\"\nrounds = 2\n");
  EXPECT_THAT(TrainingText(campaign.shown.comparison), HasSubstr("No rows were held out"));
}

}  // namespace
}  // namespace consilium
