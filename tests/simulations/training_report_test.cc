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

Campaign RunTraining(const std::string& analysis) {
  const TemporaryFolder folder;
  std::ofstream(folder / "plan.toml")
      << "[study]\ntitle = \"T\"\nrequested_by = \"R\"\nexpires = 2090-01-01\n"
         "minimum_sites = 3\n[contract]\npatient = \"id\"\n"
         "[[contract.column]]\nname = \"ill\"\ntype = \"boolean\"\n"
         "[[contract.column]]\nname = \"age\"\ntype = \"number\"\nrange = [18, 100]\n"
         "[analysis]\nkind = \"train\"\noutcome = \"ill\"\nfeatures = [\"age\"]\n" +
             analysis;
  std::ofstream(folder / "trial.toml") << "[experiment]\nplan = \"plan.toml\"\n"
                                          "[generator]\nsites = 3\npatients = 60\nintercept = -3\n"
                                          "coefficients = { age = 0.05 }\n";
  return RunCampaign({ReadExperiment(folder / "trial.toml").value()}, 1, 1).value();
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

TEST(TrainingReportTest, SaysWhenNothingWasHeldOut) {
  const Campaign campaign = RunTraining("model = \"logistic\"\nrounds = 2\n");
  EXPECT_THAT(TrainingText(campaign.shown.comparison), HasSubstr("No rows were held out"));
}

}  // namespace
}  // namespace consilium
