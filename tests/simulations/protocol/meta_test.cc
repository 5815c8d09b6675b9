// The meta-analysis as a scientist runs it, in plain sums and with --mode protocol.

#include <algorithm>
#include <fstream>

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

std::filesystem::path Examples() {
  return std::filesystem::path(CONSILIUM_SOURCE_FOLDER) / "examples";
}

void ExpectTheMachinesAgree(const Experiment& experiment) {
  const VirtualFederation federation = LoadFederation(experiment).value();
  ExpectSameBits(experiment.plan, federation.Participants());
  EXPECT_TRUE(RunPlain(*experiment.plan.analysis, federation.Participants())->result.converged);
}

TEST(MetaOverProtocolTest, GeneratedHospitalsGiveTheSameBits) {
  ExpectTheMachinesAgree(
      ReadExperiment(Examples() / "heart_meta_generated_experiment.toml").value());
}

class HeartMetaTest : public ::testing::Test {
 protected:
  void SetUp() override {
    REQUIRE_CLINICAL_DATA("heart_disease");
    for (const char* name : {"heart_meta.toml", "heart.source.toml", "heart_meta_experiment.toml"})
      std::filesystem::copy_file(Examples() / name, folder_ / name);
    std::filesystem::copy_file(ClinicalData("heart_disease") / "csv/heart_pooled.csv",
                               folder_ / "heart_pooled.csv");
  }
  TemporaryFolder folder_;
};

TEST_F(HeartMetaTest, RealHospitalsGiveTheSameBits) {
  ExpectTheMachinesAgree(ReadExperiment(folder_ / "heart_meta_experiment.toml").value());
}

TEST_F(HeartMetaTest, TheReportHoldsItAgainstThePooledRegressionAndEachHospitalsOwn) {
  const Experiment experiment = ReadExperiment(folder_ / "heart_meta_experiment.toml").value();
  const Campaign campaign = RunCampaign({experiment}, 1, 1).value();
  EXPECT_FALSE(campaign.shown.comparison.largest_difference.has_value());
  const Json comparison = Json::parse(ComparisonJson(campaign));
  EXPECT_EQ(comparison["federated"]["kind"], "meta");
  EXPECT_EQ(comparison["pooled"]["kind"], "logistic");
  EXPECT_EQ(comparison["pooled"]["patients"], 857);
  ASSERT_EQ(comparison["alone"].size(), 4u);
  EXPECT_EQ(comparison["alone"][0]["result"]["kind"], "logistic");
  std::string text = ResultText(campaign);
  std::replace(text.begin(), text.end(), '\n', ' ');  // Lines may be broken anywhere.
  EXPECT_THAT(text,
              AllOf(HasSubstr("at the 3 of 4 sites that have an estimate of their own"),
                    HasSubstr("which is another estimate than the mean of the hospitals' own"),
                    Not(HasSubstr("Federated and pooled differ"))));
  EXPECT_THAT(HtmlReport(campaign),
              AllOf(HasSubstr("Between hospitals"), HasSubstr("Forest plot of oldpeak"),
                    HasSubstr("no estimate: separation")));
}

}  // namespace
}  // namespace consilium
