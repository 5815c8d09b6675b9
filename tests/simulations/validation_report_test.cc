// What the simulator shows of a validation.

#include "simulations/validation_report.h"

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <vector>

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

/// Hospitals drawn from another model than the logistic one.
Campaign RunModel(const std::string& model, const std::string& method, const std::string& more) {
  const TemporaryFolder folder;
  const auto column = [](const std::string& name, const std::string& type) {
    return "[[contract.column]]\nname = \"" + name + "\"\ntype = \"" + type + "\"\n";
  };
  const std::map<std::string, std::pair<std::string, std::string>> outcomes = {
      {"linear", {column("y", "number") + "range = [-100, 100]\n", "outcome = \"y\"\n"}},
      {"poisson", {column("y", "integer") + "range = [0, 1000]\n", "outcome = \"y\"\n"}},
      {"cox",
       {column("dead", "boolean") + column("time", "number") + "range = [0, 20]\n",
        "event = \"dead\"\ntime = \"time\"\n"}}};
  std::ofstream(folder / "plan.toml")
      << "[study]\ntitle = \"T\"\nrequested_by = \"R\"\nexpires = 2090-01-01\n"
         "minimum_sites = 3\n[contract]\npatient = \"id\"\n" +
             outcomes.at(model).first + column("dose", "number") +
             "range = [-6, 6]\n[analysis]\nkind = \"validate\"\nmodel = \"" + model + "\"\n" +
             outcomes.at(model).second + "features = [\"dose\"]\n" + method;
  std::ofstream(folder / "trial.toml") << "[experiment]\nplan = \"plan.toml\"\n"
                                          "[generator]\nsites = 4\npatients = 300\n"
                                          "intercept = -1\ncoefficients = { dose = 0.4 }\n" +
                                              more;
  return RunCampaign(ReadExperiments(folder / "trial.toml").value(), 1, 1).value();
}

TEST(ValidationReportTest, EachRegressionShowsItsOwnMeasures) {
  const std::map<std::string, std::vector<std::string>> shown = {
      {"linear", {"Forest plot of root mean squared error", "R squared", "in the large (0)"}},
      {"poisson", {"Forest plot of mean deviance", "D squared", "in the large (0)"}},
      {"cox", {"Forest plot of concordance", "gain an event"}}};
  for (const auto& [model, parts] : shown) {
    for (const std::string& method : {std::string("folds = 3\n"), kLeaveOut}) {
      const Campaign campaign = RunModel(model, method, "");
      const std::string page = HtmlReport(campaign);
      EXPECT_THAT(page, AllOf(HasSubstr("Forest plot of calibration slope"),
                              HasSubstr("Optimism, all rows less validated: "),
                              Not(HasSubstr("AUC")), Not(HasSubstr("Brier"))));
      for (const std::string& part : parts) EXPECT_THAT(page, HasSubstr(part));
      EXPECT_EQ(page.find("in the large") == std::string::npos, model == "cox");
      EXPECT_THAT(ResultText(campaign), HasSubstr("validated"));
      if (model == "cox") continue;
      EXPECT_LT(campaign.shown.comparison.largest_difference.value_or(1), 1e-9) << model;
    }
  }
}

TEST(ValidationReportTest, AHospitalWhereAnotherModelFailsIsNamedInWords) {
  const std::string far = HtmlReport(RunModel("linear", kLeaveOut, "intercept_spread = 3\n"));
  EXPECT_THAT(far, HasSubstr("on average (calibration in the large"));
  const std::string more = HtmlReport(RunModel("poisson", kLeaveOut, "intercept_spread = 1\n"));
  EXPECT_THAT(more, HasSubstr("events were expected and"));
}

TEST(ValidationReportTest, WhatIsLeftOutIsSaid) {
  const Campaign campaign =
      RunGenerated("method = \"leave-one-site-out\"\nsites = [\"site-01\", \"elsewhere\"]\n");
  EXPECT_THAT(HtmlReport(campaign), HasSubstr("elsewhere: No site of this name"));
}

}  // namespace
}  // namespace consilium
