// Validations by the machines on a virtual network: the very bits of plain sums. The examples.

#include <cstdlib>
#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "protocols/result_document.h"
#include "simulations/campaign.h"
#include "simulations/html_report.h"
#include "simulations/protocol/cost.h"
#include "simulations/protocol/protocol_run.h"
#include "simulations/report.h"
#include "tests/support/temporary_folder.h"

namespace consilium {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using Json = nlohmann::json;

void ExpectSameBits(const Plan& plan, std::span<const CohortView> cohorts) {
  const PlainRun plain = RunPlain(*plan.analysis, cohorts).value();
  for (const double trouble : {0.0, 0.004}) {
    ProtocolOptions options;
    options.network.latency = Duration(20);
    options.faults = {.cuts = trouble, .site_crashes = trouble, .coordinator_crashes = trouble / 4};
    const Result<RecordedRun> run = RunOverProtocol(plan, cohorts, options);
    ASSERT_TRUE(run.has_value()) << Describe(run.error());
    EXPECT_EQ(ResultDocument(plan, run->run.result, run->run.rounds),
              ResultDocument(plan, plain.result, plain.rounds));
    EXPECT_EQ(run->run.result.table, plain.result.table);
  }
}

std::filesystem::path HeartData() {
  const char* set = std::getenv("CONSILIUM_TEST_DATA");
  const std::filesystem::path folder =
      set != nullptr ? std::filesystem::path(set)
                     : std::filesystem::path(CONSILIUM_SOURCE_FOLDER) / "../shared/data";
  return folder / "heart_disease";
}

class ValidateOverProtocolTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(HeartData())) {
      GTEST_SKIP() << "no clinical test data at " << HeartData()
                   << "; set CONSILIUM_TEST_DATA to the folder that holds heart_disease/";
    }
    for (const char* name :
         {"heart_validate.toml", "heart_validate_experiment.toml", "heart_leave_one_out.toml",
          "heart_leave_one_out_experiment.toml", "heart.source.toml"}) {
      std::filesystem::copy_file(std::filesystem::path(CONSILIUM_SOURCE_FOLDER) / "examples" / name,
                                 folder_ / name);
    }
    std::filesystem::copy_file(HeartData() / "csv/heart_pooled.csv", folder_ / "heart_pooled.csv");
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
