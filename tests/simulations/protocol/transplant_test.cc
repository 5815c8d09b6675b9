// The Cox example as a scientist runs it with --mode protocol, against R.

#include <cmath>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "protocols/result_document.h"
#include "simulations/campaign.h"
#include "simulations/html_report.h"
#include "simulations/protocol/protocol_run.h"
#include "simulations/report.h"
#include "tests/support/clinical_data.h"
#include "tests/support/temporary_folder.h"

namespace consilium {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using Json = nlohmann::json;

class TransplantTest : public ::testing::Test {
 protected:
  void SetUp() override {
    REQUIRE_CLINICAL_DATA("multisite");
    for (const char* name : {"transplant.toml", "transplant_experiment.toml",
                             "transplant_survival.toml", "transplant_survival_experiment.toml"}) {
      std::filesystem::copy_file(std::filesystem::path(CONSILIUM_SOURCE_FOLDER) / "examples" / name,
                                 folder_ / name);
    }
    std::filesystem::copy_file(ClinicalData("multisite") / "csv/bmt.csv", folder_ / "bmt.csv");
  }
  Experiment Read(const std::string& name = "transplant_experiment.toml") const {
    return ReadExperiment(folder_ / name).value();
  }

  TemporaryFolder folder_;
};

TEST_F(TransplantTest, TheMachinesGiveTheStratifiedFitOfRInAnyWeather) {
  Json reference;
  std::ifstream(ClinicalData("multisite") / "reference/multisite_reference.json") >> reference;
  const Json& r = reference["bmt"]["cox_dfs_strata_hospital"]["efron"];
  const Experiment experiment = Read();
  const VirtualFederation federation = LoadFederation(experiment).value();
  const PlainRun plain = RunPlain(*experiment.plan.analysis, federation.Participants()).value();
  for (const double trouble : {0.0, 0.004}) {
    ProtocolOptions options;
    options.network.latency = Duration(20);
    options.faults = {.cuts = trouble, .site_crashes = trouble, .coordinator_crashes = trouble / 4};
    const Result<RecordedRun> run =
        RunOverProtocol(experiment.plan, federation.Participants(), options);
    ASSERT_TRUE(run.has_value()) << Describe(run.error());
    const std::string document = ResultDocument(experiment.plan, run->run.result, run->run.rounds);
    EXPECT_EQ(document, ResultDocument(experiment.plan, plain.result, plain.rounds));
    const Json result = Json::parse(document);
    EXPECT_EQ(result["sites"], 4);
    EXPECT_EQ(result["events"], r["events"]);
    for (std::size_t j = 0; j < r["coef"].size(); ++j) {
      const auto close = [&](const char* ours, const char* theirs) {
        const double expected = r["coef"][j][theirs];
        EXPECT_LE(std::abs(result["coefficients"][j][ours].get<double>() - expected),
                  1e-8 * std::abs(expected))
            << ours << " of " << result["coefficients"][j]["name"];
      };
      close("estimate", "coef");
      close("std_error", "se_coef_");
      close("hazard_ratio", "exp_coef_");
    }
    EXPECT_NEAR(result["concordance"].get<double>(), r["c_index"][0].get<double>(), 1e-12);
  }
}

/// R's fit without strata, coxph(Surv(time_dfs, dfs_event) ~ ...), is the one to look at beside it.
TEST_F(TransplantTest, ThePooledFitHasOneBaselineForAllAndTheReportSaysSo) {
  const Campaign campaign = RunCampaign({Read()}, 1, 1).value();
  const Comparison& comparison = campaign.shown.comparison;
  EXPECT_FALSE(comparison.largest_difference.has_value());
  const std::vector<Coefficient> stratified = CoefficientsOf(comparison.federated);
  const std::vector<Coefficient> pooled = CoefficientsOf(comparison.pooled);
  ASSERT_EQ(pooled.size(), stratified.size());
  for (std::size_t j = 0; j < pooled.size(); ++j) {
    EXPECT_NE(pooled[j].estimate, stratified[j].estimate) << pooled[j].name;
  }
  EXPECT_THAT(ResultText(campaign), AllOf(HasSubstr("one baseline for all"),
                                          Not(HasSubstr("Federated and pooled differ"))));
  EXPECT_THAT(HtmlReport(campaign),
              AllOf(HasSubstr("one baseline for all"), HasSubstr("Forest plot of group_2"),
                    HasSubstr("Deviance (loss) by round")));
}

TEST_F(TransplantTest, SurvivalCurvesOverTheMachinesAreThoseOfPlainSumsAndAreDrawn) {
  const Experiment experiment = Read("transplant_survival_experiment.toml");
  const VirtualFederation federation = LoadFederation(experiment).value();
  const PlainRun plain = RunPlain(*experiment.plan.analysis, federation.Participants()).value();
  ProtocolOptions options;
  options.faults = {.cuts = 0.004, .site_crashes = 0.004};
  const Result<RecordedRun> run =
      RunOverProtocol(experiment.plan, federation.Participants(), options);
  ASSERT_TRUE(run.has_value()) << Describe(run.error());
  EXPECT_EQ(ResultDocument(experiment.plan, run->run.result, run->run.rounds),
            ResultDocument(experiment.plan, plain.result, plain.rounds));
  const Json result = Json::parse(run->run.result.json);
  for (const Json& curve : result["curves"]) {
    EXPECT_GE(curve["points"].size(), 3u);
    for (const Json& point : curve["points"]) {
      EXPECT_GE(point["events"], 5);
    }
  }
  const Campaign campaign = RunCampaign({experiment}, 1, 1).value();
  EXPECT_EQ(campaign.shown.comparison.largest_difference, 0);
  EXPECT_THAT(ResultText(campaign), AllOf(HasSubstr("median (limits)"), HasSubstr("alone")));
  EXPECT_THAT(HtmlReport(campaign),
              AllOf(HasSubstr("Share without dfs_event"), HasSubstr("stratified by hospital"),
                    HasSubstr("The federated result is the pooled one")));
}

}  // namespace
}  // namespace consilium
