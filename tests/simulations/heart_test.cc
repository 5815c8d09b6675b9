// The example experiment on four real hospitals, against R.

#include <cmath>
#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "simulations/campaign.h"
#include "simulations/html_report.h"
#include "simulations/report.h"
#include "tests/support/clinical_data.h"
#include "tests/support/temporary_folder.h"

namespace consilium {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using Json = nlohmann::json;

/// What the project promises for every coefficient and standard error.
constexpr double kPromised = 1e-8;

void ExpectClose(const Json& ours, const Json& theirs, const std::string& what) {
  const double expected = theirs.get<double>();
  EXPECT_LE(std::abs(ours.get<double>() - expected), kPromised * std::abs(expected)) << what;
}

void ExpectEqualsR(const Json& result, const Json& reference) {
  ASSERT_TRUE(result["converged"].get<bool>());
  EXPECT_EQ(result["patients"], reference["n"]);
  const Json& ours = result["coefficients"];
  const Json& theirs = reference["coef"];
  ASSERT_EQ(ours.size(), theirs.size());
  for (std::size_t j = 0; j < theirs.size(); ++j) {
    ASSERT_EQ(ours[j]["name"], theirs[j]["term"]);
    ExpectClose(ours[j]["estimate"], theirs[j]["Estimate"], ours[j]["name"]);
    ExpectClose(ours[j]["std_error"], theirs[j]["Std_Error"], ours[j]["name"]);
  }
}

/// examples/heart_experiment.toml as a scientist runs it: with the table beside it.
class HeartTest : public ::testing::Test {
 protected:
  void SetUp() override {
    REQUIRE_CLINICAL_DATA("heart_disease");
    const std::filesystem::path examples =
        std::filesystem::path(CONSILIUM_SOURCE_FOLDER) / "examples";
    for (const char* name : {"heart.toml", "heart.source.toml", "heart_experiment.toml",
                             "heart_skewed_experiment.toml"}) {
      std::filesystem::copy_file(examples / name, folder_ / name);
    }
    std::filesystem::copy_file(ClinicalData("heart_disease") / "csv/heart_pooled.csv",
                               folder_ / "heart_pooled.csv");
    std::ifstream(ClinicalData("heart_disease") / "reference/heart_models.json") >> reference_;
    const Experiment experiment = ReadExperiment(folder_ / "heart_experiment.toml").value();
    const Campaign campaign = RunCampaign({experiment}, 1, 2).value();
    result_ = Json::parse(ResultJson(experiment, campaign.shown.comparison));
    comparison_ = Json::parse(ComparisonJson(campaign));
    text_ = ResultText(campaign);
    page_ = HtmlReport(campaign);
  }

  Json Alone(const std::string& site) const {
    for (const Json& alone : comparison_["alone"]) {
      if (alone["site"] == site) return alone["result"];
    }
    return {};
  }

  TemporaryFolder folder_;
  Json reference_;
  Json result_;
  Json comparison_;
  std::string text_;
  std::string page_;
};

TEST_F(HeartTest, FederatedAndPooledEqualThePooledFitOfR) {
  const Json& pooled = reference_["logistic_basic5_pooled"];
  EXPECT_EQ(result_["sites"], 4);
  ExpectEqualsR(result_, pooled);
  ExpectClose(result_["log_likelihood"], pooled["loglik"], "log-likelihood");
  ExpectEqualsR(comparison_["federated"], pooled);
  ExpectEqualsR(comparison_["pooled"], pooled);
  EXPECT_LT(comparison_["largest_relative_difference"].get<double>(), 1e-12);
}

TEST_F(HeartTest, HospitalsAloneEqualTheirOwnFitsOfR) {
  for (const char* site : {"cleveland", "hungarian", "va"}) {
    ExpectEqualsR(Alone(site), reference_["logistic_basic5_by_site"][site]);
  }
}

TEST_F(HeartTest, TheReportShowsThatNothingIsLostAndWhatEachHospitalAloneWouldHaveGot) {
  EXPECT_THAT(page_, AllOf(HasSubstr("The federated result is the pooled one"),
                           HasSubstr("Alone, 3 of 4 hospitals get an estimate"),
                           HasSubstr(">switzerland<"), HasSubstr("no estimate: separation")));
}

TEST_F(HeartTest, TheSkewedExampleComparesDegreesOfUnevenness) {
  std::vector<Experiment> experiments =
      ReadExperiments(folder_ / "heart_skewed_experiment.toml").value();
  ASSERT_EQ(experiments.size(), 3u);
  for (Experiment& experiment : experiments) experiment.repetitions = 2;
  const Campaign campaign = RunCampaign(experiments, 1, 1).value();
  for (const Trial& trial : campaign.trials) {
    EXPECT_FALSE(trial.error.has_value()) << Describe(*trial.error);
    EXPECT_LT(trial.largest_difference.value_or(1), 1e-9);
  }
}

TEST_F(HeartTest, SwitzerlandAloneIsSaidToSeparateOnSex) {
  const Json alone = Alone("switzerland");
  EXPECT_EQ(alone["converged"], false);
  EXPECT_EQ(alone["separation"]["terms"], Json({"sex"}));
  EXPECT_THAT(alone.dump(), Not(HasSubstr("std_error")));
  EXPECT_THAT(text_, AllOf(HasSubstr("switzerland alone: There is no estimate for \"sex\""),
                           HasSubstr("(separation)")));
  EXPECT_THAT(text_, Not(HasSubstr("cleveland alone:")));
}

class GeneratedExampleTest : public ::testing::TestWithParam<const char*> {};

TEST_P(GeneratedExampleTest, NeedsNoDataAndFindsItsTruth) {
  Experiment experiment =
      ReadExperiments(std::filesystem::path(CONSILIUM_SOURCE_FOLDER) / "examples" / GetParam())
          .value()
          .front();
  experiment.repetitions = 5;
  const Campaign campaign = RunCampaign({experiment}, 1, 1).value();
  for (const Spread& spread : SpreadOf(FederatedFits(campaign, 0), experiment.generator)) {
    EXPECT_EQ(spread.runs, 5u);
    EXPECT_NEAR(spread.mean, *spread.truth, 4 * spread.mean_std_error) << spread.name;
  }
}

INSTANTIATE_TEST_SUITE_P(Examples,
                         GeneratedExampleTest,
                         ::testing::Values("heart_generated_experiment.toml",
                                           "heart_meta_generated_experiment.toml",
                                           "transplant_generated_experiment.toml"),
                         [](const auto& one) {
                           const std::string name = one.param;
                           return name.substr(0, name.find("_generated"));
                         });

}  // namespace
}  // namespace consilium
