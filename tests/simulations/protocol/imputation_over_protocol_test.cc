// Derived columns and filled gaps by the machines on a virtual network: the very bits of plain
// sums.

#include <filesystem>
#include <fstream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "simulations/campaign.h"
#include "simulations/html_report.h"
#include "simulations/protocol/protocol_run.h"
#include "simulations/report.h"
#include "tests/simulations/protocol/same_bits.h"
#include "tests/support/clinical_data.h"
#include "tests/support/temporary_folder.h"

namespace consilium {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using Json = nlohmann::json;

const std::filesystem::path kExamples = std::filesystem::path(CONSILIUM_SOURCE_FOLDER) / "examples";

const std::string kContract =
    "[study]\ntitle = \"T\"\nrequested_by = \"R\"\nexpires = 2090-06-30\nminimum_sites = 3\n"
    "[contract]\npatient = \"id\"\n"
    "[[contract.column]]\nname = \"ill\"\ntype = \"boolean\"\n"
    "[[contract.column]]\nname = \"age\"\ntype = \"number\"\nrange = [18, 110]\n"
    "[[contract.column]]\nname = \"crp\"\ntype = \"number\"\nrange = [0.1, 500]\n"
    "[[contract.column]]\nname = \"stage\"\ntype = \"category\"\nlevels = [\"I\", \"II\", "
    "\"III\"]\n"
    "[[contract.derived]]\nname = \"log_crp\"\nlog = \"crp\"\n"
    "[[contract.derived]]\nname = \"age_curve\"\nspline = \"age\"\nknots = [40, 60, 80]\n"
    "[[contract.derived]]\nname = \"stage_age\"\nproduct = [\"stage\", \"age\"]\n"
    "[[contract.derived]]\nname = \"crp_unknown\"\nmissing = \"crp\"\n";

const std::string kFeatures =
    "outcome = \"ill\"\nfeatures = [\"age\", \"age_curve\", \"log_crp\", \"stage\", \"stage_age\", "
    "\"crp_unknown\"]\n[impute]\nlog_crp = \"median\"\nstage = \"mode\"\n"
    "stage_age = \"mean\"\n"
    "[privacy]\nminimum_patients = 5\n[round]\non_loss = \"wait\"\n";

void ExpectTheMachinesAgree(const std::string& analysis) {
  TemporaryFolder folder;
  std::ofstream(folder / "plan.toml") << kContract << "[analysis]\n" << analysis << kFeatures;
  std::ofstream(folder / "trial.toml")
      << "[experiment]\nplan = \"plan.toml\"\n[generator]\nsites = 4\npatients = 90\n"
         "missing = 0.15\nintercept = -4\ncoefficients = { log_crp = 1.0, age = 0.02 }\n"
         "[[generator.column]]\nname = \"crp\"\nmean = 20\nsd = 30\n";
  const Result<Experiment> experiment = ReadExperiment(folder / "trial.toml");
  ASSERT_TRUE(experiment.has_value()) << Describe(experiment.error());
  const VirtualFederation federation = LoadFederation(*experiment).value();
  ExpectSameBits(experiment->plan, federation.Participants());
  const PlainRun plain = RunPlain(*experiment->plan.analysis, federation.Participants()).value();
  const Json imputed = Json::parse(plain.result.json)["imputed"];
  ASSERT_EQ(imputed.size(), 4u);
  EXPECT_GT(imputed[0]["missing"], 10);
}

TEST(ImputationOverProtocolTest, ARegressionGivesTheBitsOfPlainSums) {
  ExpectTheMachinesAgree("kind = \"logistic\"\n");
}

TEST(ImputationOverProtocolTest, ATrainingWhoseSitesHaveAStateGivesTheBitsOfPlainSums) {
  ExpectTheMachinesAgree(
      "kind = \"train\"\nmodel = \"mlp\"\nhidden = [4]\nrounds = 4\nstrategy = \"scaffold\"\n");
}

TEST(ImputationOverProtocolTest, TheHeartReportShowsWhatWasFilledInAndCalibrationWithIt) {
  REQUIRE_CLINICAL_DATA("heart_disease");
  TemporaryFolder folder;
  for (const char* name :
       {"heart_derived.toml", "heart.source.toml", "heart_derived_experiment.toml"}) {
    std::filesystem::copy_file(kExamples / name, folder / name);
  }
  std::filesystem::copy_file(ClinicalData("heart_disease") / "csv/heart_pooled.csv",
                             folder / "heart_pooled.csv");
  const Experiment experiment = ReadExperiment(folder / "heart_derived_experiment.toml").value();
  const Campaign campaign = RunCampaign({experiment}, 1, 1).value();
  const Json comparison = Json::parse(ComparisonJson(campaign));
  const Json& federated = comparison["federated"];
  EXPECT_EQ(federated["imputed"][0]["name"], "oldpeak");
  EXPECT_EQ(federated["imputed"][0]["missing"], comparison["pooled"]["imputed"][0]["missing"]);
  ASSERT_TRUE(campaign.shown.comparison.largest_difference.has_value());
  EXPECT_LT(*campaign.shown.comparison.largest_difference, 1e-8);
  EXPECT_THAT(ResultText(campaign), HasSubstr("Imputed: oldpeak median"));
  EXPECT_THAT(HtmlReport(campaign),
              AllOf(HasSubstr("Calibration"), Not(HasSubstr("nan")), HasSubstr("age_curve_1")));
}

}  // namespace
}  // namespace consilium
