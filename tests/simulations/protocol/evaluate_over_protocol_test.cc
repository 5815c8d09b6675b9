// An evaluation by the machines on a virtual network: the very bits of plain sums.

#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "simulations/campaign.h"
#include "simulations/draws.h"
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
using Json = nlohmann::json;

TEST(EvaluateOverProtocolTest, AColumnOfPredictionsGivesTheBitsOfPlainSums) {
  const Plan plan = ParsePlan(
                        "[study]\ntitle = \"T\"\nrequested_by = \"R\"\nexpires = 2090-06-30\n"
                        "minimum_sites = 3\n[contract]\npatient = \"id\"\n"
                        "[[contract.column]]\nname = \"ill\"\ntype = \"boolean\"\n"
                        "[[contract.column]]\nname = \"risk\"\ntype = \"number\"\nrange = [0, 1]\n"
                        "[[contract.column]]\nname = \"old\"\ntype = \"boolean\"\n"
                        "[analysis]\nkind = \"evaluate\"\noutcome = \"ill\"\nprediction = "
                        "\"risk\"\nsubgroups = [\"old\"]\n[privacy]\nminimum_patients = 5\n",
                        "plan.toml")
                        .value();
  SeededRandom random = StreamOf(5, "evaluate over protocol");
  std::vector<Cohort> cohorts(5);
  for (Cohort& cohort : cohorts) {
    cohort.columns = plan.analysis->columns();
    cohort.patients = 60;
    cohort.values.resize(60, 3);
    for (Eigen::Index row = 0; row < 60; ++row) {
      const double risk = random.Unit();
      cohort.values.row(row) << (random.Unit() < risk * risk ? 1 : 0), risk,
          (random.Unit() < 0.4 ? 1 : 0);
    }
  }
  const std::vector<CohortView> views(cohorts.begin(), cohorts.end());
  ExpectSameBits(plan, views);
}

TEST(EvaluateOverProtocolTest, TimesToAnEventGiveTheBitsOfPlainSums) {
  const Plan plan =
      ParsePlan(
          "[study]\ntitle = \"T\"\nrequested_by = \"R\"\nexpires = 2090-06-30\n"
          "minimum_sites = 3\n[contract]\npatient = \"id\"\n"
          "[[contract.column]]\nname = \"death\"\ntype = \"boolean\"\n"
          "[[contract.column]]\nname = \"time\"\ntype = \"number\"\nrange = [0, 100]\n"
          "[[contract.column]]\nname = \"old\"\ntype = \"boolean\"\n"
          "[[contract.column]]\nname = \"dose\"\ntype = \"number\"\nrange = [0, 1]\n"
          "[analysis]\nkind = \"evaluate\"\nevent = \"death\"\ntime = \"time\"\n"
          "features = [\"dose\"]\ncoefficients = { dose = 1.5 }\nsubgroups = [\"old\"]\n"
          "[privacy]\nminimum_patients = 5\n",
          "plan.toml")
          .value();
  SeededRandom random = StreamOf(6, "evaluate over protocol");
  std::vector<Cohort> cohorts(5);
  for (Cohort& cohort : cohorts) {
    cohort.columns = plan.analysis->columns();
    cohort.patients = 60;
    cohort.values.resize(60, 4);
    for (Eigen::Index row = 0; row < 60; ++row) {
      const double dose = random.Unit();
      cohort.values.row(row) << (random.Unit() < 0.7 ? 1 : 0), 100 * random.Unit() * (1 - dose / 2),
          (random.Unit() < 0.4 ? 1 : 0), dose;
    }
  }
  const std::vector<CohortView> views(cohorts.begin(), cohorts.end());
  ExpectSameBits(plan, views);
}

/// The example: a model that was fitted at Ohio State, at four transplant centres. Numbers are R's
/// (survival 3.5-3): concordance and coxph with strata(hospital).
TEST(EvaluateOverProtocolTest, TheTransplantExampleGivesTheNumbersOfR) {
  REQUIRE_CLINICAL_DATA("multisite");
  const TemporaryFolder folder;
  for (const char* name : {"transplant_evaluate.toml", "transplant_evaluate_experiment.toml"}) {
    std::filesystem::copy_file(std::filesystem::path(CONSILIUM_SOURCE_FOLDER) / "examples" / name,
                               folder / name);
  }
  std::filesystem::copy_file(ClinicalData("multisite") / "csv/bmt.csv", folder / "bmt.csv");
  const Experiment experiment =
      ReadExperiment(folder / "transplant_evaluate_experiment.toml").value();
  ExpectSameBits(experiment.plan, LoadFederation(experiment).value().Participants());
  const Campaign campaign = RunCampaign({experiment}, 1, 1).value();
  const Json result = Json::parse(campaign.shown.comparison.federated.result.json);
  EXPECT_NEAR(result["concordance"]["estimate"].get<double>(), 0.689059829059829, 1e-8);
  EXPECT_NEAR(result["concordance"]["std_error"].get<double>(), 0.0335142893536589, 1e-8);
  EXPECT_NEAR(result["calibration_slope"]["estimate"].get<double>(), 0.640297058074243, 1e-8);
  EXPECT_NEAR(result["calibration_slope"]["std_error"].get<double>(), 0.139015017596636, 1e-8);
  EXPECT_THAT(
      ResultText(campaign),
      AllOf(HasSubstr("C-index"), HasSubstr("alfred_melbourne: the predictions are too extreme"),
            HasSubstr("too extreme on the whole")));
  EXPECT_THAT(HtmlReport(campaign), HasSubstr("Forest plot of concordance (C-index)"));
}

/// The example: a model that was fitted in Cleveland, at four hospitals.
TEST(EvaluateOverProtocolTest, TheExampleGivesTheBitsOfPlainSumsAndNamesWhereTheModelFails) {
  REQUIRE_CLINICAL_DATA("heart_disease");
  const TemporaryFolder folder;
  for (const char* name :
       {"heart_evaluate.toml", "heart_evaluate_experiment.toml", "heart.source.toml"}) {
    std::filesystem::copy_file(std::filesystem::path(CONSILIUM_SOURCE_FOLDER) / "examples" / name,
                               folder / name);
  }
  std::filesystem::copy_file(ClinicalData("heart_disease") / "csv/heart_pooled.csv",
                             folder / "heart_pooled.csv");
  const Experiment experiment = ReadExperiment(folder / "heart_evaluate_experiment.toml").value();
  ExpectSameBits(experiment.plan, LoadFederation(experiment).value().Participants());
  const Campaign campaign = RunCampaign({experiment}, 1, 1).value();
  const std::string text = ResultText(campaign);
  EXPECT_THAT(text, AllOf(HasSubstr("hungarian: the AUC looks fine"),
                          HasSubstr("switzerland: the predictions are too low: 74.7 events were "
                                    "expected and 109 happened"),
                          HasSubstr("va: the predictions are too extreme")));
  EXPECT_THAT(HtmlReport(campaign), HasSubstr("Forest plot of calibration slope"));
  // The coefficients are those of Cleveland's own fit, to four digits.
  const Json cleveland = Json::parse(campaign.shown.comparison.alone[0].attempt.run->result.json);
  EXPECT_NEAR(cleveland["calibration_in_the_large"]["estimate"].get<double>(), 0, 1e-3);
  EXPECT_NEAR(cleveland["calibration_slope"]["estimate"].get<double>(), 1, 1e-3);
}

}  // namespace
}  // namespace consilium
