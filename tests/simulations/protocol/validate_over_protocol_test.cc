// Validations by the machines on a virtual network: the very bits of plain sums. The examples.

#include <filesystem>
#include <fstream>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "simulations/campaign.h"
#include "simulations/html_report.h"
#include "simulations/protocol/cost.h"
#include "simulations/protocol/protocol_run.h"
#include "simulations/report.h"
#include "tests/simulations/protocol/same_bits.h"
#include "tests/support/clinical_data.h"
#include "tests/support/temporary_folder.h"

namespace consilium {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using Json = nlohmann::json;

class ValidateOverProtocolTest : public ::testing::Test {
 protected:
  void SetUp() override {
    REQUIRE_CLINICAL_DATA("heart_disease");
    for (const char* name :
         {"heart_validate.toml", "heart_validate_experiment.toml", "heart_leave_one_out.toml",
          "heart_leave_one_out_experiment.toml", "heart.source.toml"}) {
      std::filesystem::copy_file(std::filesystem::path(CONSILIUM_SOURCE_FOLDER) / "examples" / name,
                                 folder_ / name);
    }
    std::filesystem::copy_file(ClinicalData("heart_disease") / "csv/heart_pooled.csv",
                               folder_ / "heart_pooled.csv");
  }

  TemporaryFolder folder_;
};

TEST_F(ValidateOverProtocolTest, FoldsGiveTheBitsOfPlainSums) {
  const Experiment experiment = ReadExperiment(folder_ / "heart_validate_experiment.toml").value();
  ExpectSameBits(experiment.plan, LoadFederation(experiment).value().Participants());
  const Campaign campaign = RunCampaign({experiment}, 1, 1).value();
  const Json result = Json::parse(ResultJson(experiment, campaign.shown.comparison));
  EXPECT_EQ(result["folds"].size(), 5u);
  EXPECT_LE(result["rounds"].get<int>(), 15);
  EXPECT_LT(campaign.shown.comparison.largest_difference.value_or(1), 1e-10);
}

TEST_F(ValidateOverProtocolTest, LeavingOneOutGivesTheBitsOfPlainSumsAndNamesWhereTheModelFails) {
  const Experiment experiment =
      ReadExperiment(folder_ / "heart_leave_one_out_experiment.toml").value();
  ExpectSameBits(experiment.plan, LoadFederation(experiment).value().Participants());
  const Campaign campaign = RunCampaign({experiment}, 1, 1).value();
  for (const std::string& text : {ResultText(campaign), HtmlReport(campaign),
                                  ResultJson(experiment, campaign.shown.comparison)}) {
    EXPECT_THAT(text, AllOf(HasSubstr("hungarian: the AUC looks fine"),
                            HasSubstr("switzerland: the predictions are too low: 68.0"),
                            HasSubstr("va: the predictions are too extreme")));
  }
}

/// The example of another regression, validated: the keys behind "kind" are its own.
TEST_F(ValidateOverProtocolTest, TheOtherRegressionsGiveTheBitsOfPlainSums) {
  for (const std::string model : {"linear", "poisson"}) {
    const std::string name = "heart_" + model + ".toml";
    std::ostringstream text;
    text << std::ifstream(std::filesystem::path(CONSILIUM_SOURCE_FOLDER) / "examples" / name)
                .rdbuf();
    std::string plan = text.str();
    const std::string kind = "kind = \"" + model + "\"";
    ASSERT_NE(plan.find(kind), std::string::npos);
    plan.replace(plan.find(kind), kind.size(),
                 "kind = \"validate\"\nmodel = \"" + model + "\"\nfolds = 3");
    std::ofstream(folder_ / name) << plan;
    std::ofstream(folder_ / "trial.toml") << "[experiment]\nplan = \"" + name +
                                                 "\"\n[data]\ncsv = \"heart_pooled.csv\"\n"
                                                 "site_column = \"site\"\n";
    const Experiment experiment = ReadExperiment(folder_ / "trial.toml").value();
    ExpectSameBits(experiment.plan, LoadFederation(experiment).value().Participants());
    const Campaign campaign = RunCampaign({experiment}, 1, 1).value();
    const Json result = Json::parse(ResultJson(experiment, campaign.shown.comparison));
    EXPECT_EQ(result["validated"]["folds"], 3) << model;
    EXPECT_LT(campaign.shown.comparison.largest_difference.value_or(1), 1e-9) << model;
  }
}

/// A Cox regression keeps hospitals apart, and so does its validation.
TEST_F(ValidateOverProtocolTest, ACoxRegressionGivesTheBitsOfPlainSums) {
  REQUIRE_CLINICAL_DATA("multisite");
  for (const char* name : {"transplant_validate.toml", "transplant_validate_experiment.toml"}) {
    std::filesystem::copy_file(std::filesystem::path(CONSILIUM_SOURCE_FOLDER) / "examples" / name,
                               folder_ / name);
  }
  std::filesystem::copy_file(ClinicalData("multisite") / "csv/bmt.csv", folder_ / "bmt.csv");
  const Experiment experiment =
      ReadExperiment(folder_ / "transplant_validate_experiment.toml").value();
  ExpectSameBits(experiment.plan, LoadFederation(experiment).value().Participants());
  const Campaign campaign = RunCampaign({experiment}, 1, 1).value();
  const Json result = Json::parse(ResultJson(experiment, campaign.shown.comparison));
  EXPECT_EQ(result["validated"]["folds"], 3);
  EXPECT_LE(result["rounds"].get<int>(), 18);
  EXPECT_FALSE(campaign.shown.comparison.largest_difference.has_value());
  EXPECT_THAT(HtmlReport(campaign), AllOf(HasSubstr("Forest plot of concordance"),
                                          HasSubstr("one baseline for all hospitals")));
}

/// Each of the named sites is one of those that are tried, so that its models are counted.
TEST_F(ValidateOverProtocolTest, TheCostOfAStudyIsThatOfAllItsModels) {
  const Experiment experiment =
      ReadExperiment(folder_ / "heart_leave_one_out_experiment.toml").value();
  CostOptions options;
  options.sites = 4;
  const StudyCost cost = PredictCost(experiment.plan, options).value();
  std::uint64_t most = 0;
  for (const RoundCost& round : cost.rounds) most = std::max(most, round.asked.words);
  // Five models' counts of 2,309 numbers, of which some take two words.
  EXPECT_GT(most, 5u * 2'309u);
}

}  // namespace
}  // namespace consilium
