// What the simulator shows of a validation.

#include "simulations/validation_report.h"

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "simulations/campaign.h"
#include "simulations/html_report.h"
#include "simulations/report.h"
#include "tests/support/temporary_folder.h"

namespace consilium {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using Json = nlohmann::json;

/// Hospitals drawn from a model, each with an intercept of its own.
Campaign RunGenerated(const std::string& method,
                      const std::string& more = "",
                      std::uint64_t seed = 1) {
  const TemporaryFolder folder;
  std::ofstream(folder / "plan.toml")
      << "[study]\ntitle = \"T\"\nrequested_by = \"R\"\nexpires = 2090-01-01\n"
         "minimum_sites = 3\n[contract]\npatient = \"id\"\n"
         "[[contract.column]]\nname = \"ill\"\ntype = \"boolean\"\n"
         "[[contract.column]]\nname = \"dose\"\ntype = \"number\"\nrange = [-6, 6]\n"
         "[analysis]\nkind = \"validate\"\nmodel = \"logistic\"\noutcome = \"ill\"\n"
         "features = [\"dose\"]\n" +
             method;
  std::ofstream(folder / "trial.toml") << "[experiment]\nplan = \"plan.toml\"\n"
                                          "[generator]\nsites = 4\npatients = 400\n"
                                          "intercept = -0.5\ncoefficients = { dose = 1.0 }\n" +
                                              more;
  return RunCampaign(ReadExperiments(folder / "trial.toml").value(), seed, 1).value();
}

const std::string kLeaveOut =
    "method = \"leave-one-site-out\"\nsites = [\"site-01\", \"site-02\", \"site-03\", "
    "\"site-04\"]\n";

TEST(ValidationReportTest, OtherResultsAreNoValidation) {
  Comparison comparison;
  comparison.federated.result.json = R"({"kind": "logistic", "coefficients": []})";
  EXPECT_FALSE(IsValidation(comparison));
}

TEST(ValidationReportTest, FoldsOnPooledRowsAreTheFederatedOnes) {
  const Campaign campaign = RunGenerated("folds = 4\n");
  const Comparison& comparison = campaign.shown.comparison;
  ASSERT_TRUE(IsValidation(comparison));
  ASSERT_TRUE(comparison.largest_difference.has_value());
  EXPECT_LT(*comparison.largest_difference, 1e-10);
  const Json ours = Json::parse(comparison.federated.result.json);
  const Json pooled = Json::parse(comparison.pooled.run->result.json);
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(ours["folds"][i]["held_out"]["rows"], pooled["folds"][i]["held_out"]["rows"]);
  }
  for (const SiteAttempt& alone : comparison.alone) {
    EXPECT_TRUE(Json::parse(alone.attempt.run->result.json)["validated"].is_object());
  }
}

TEST(ValidationReportTest, ThePageShowsTrainingBesideHeldOutRows) {
  const std::string page = HtmlReport(RunGenerated("folds = 3\n"));
  for (const char* part : {"How the model does on rows that it has not seen", "Forest plot of AUC",
                           "Forest plot of calibration slope", "Calibration of all held-out rows",
                           "fold 3", "its training", "all rows", "validated", "Optimism",
                           "Coefficients: federated", "The federated result is the pooled one"}) {
    EXPECT_THAT(page, HasSubstr(part));
  }
}

TEST(ValidationReportTest, AHospitalWhereTheModelFailsIsNamedInWords) {
  const Campaign campaign = RunGenerated(kLeaveOut, "intercept_spread = 1.5\n");
  const Comparison& comparison = campaign.shown.comparison;
  const Json result = Json::parse(comparison.federated.result.json);
  ASSERT_FALSE(result["warnings"].empty());
  const std::string page = HtmlReport(campaign);
  const std::string text = ResultText(campaign);
  EXPECT_THAT(page, HasSubstr("events were expected and"));
  EXPECT_THAT(text, HasSubstr("events were expected and"));
  // Rows in one place are fitted, not validated: the coefficients are compared.
  EXPECT_LT(comparison.largest_difference.value_or(1), 1e-10);
  EXPECT_EQ(Json::parse(comparison.pooled.run->result.json)["kind"], "logistic");
}

TEST(ValidationReportTest, WarnsOfNobodyWithoutCause) {
  // Four hospitals alike; with other draws one may miss its mark by chance.
  const Campaign campaign = RunGenerated(kLeaveOut, "", /*seed=*/2);
  EXPECT_THAT(HtmlReport(campaign), AllOf(HasSubstr("At no hospital that was left out"),
                                          Not(HasSubstr("events were expected"))));
}

TEST(ValidationReportTest, WhatIsLeftOutIsSaid) {
  const Campaign campaign =
      RunGenerated("method = \"leave-one-site-out\"\nsites = [\"site-01\", \"elsewhere\"]\n");
  EXPECT_THAT(HtmlReport(campaign), HasSubstr("elsewhere: No site of this name"));
}

}  // namespace
}  // namespace consilium
