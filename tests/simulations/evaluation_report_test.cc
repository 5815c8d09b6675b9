// What the simulator shows of an evaluation, and whom it warns of.

#include "simulations/evaluation_report.h"

#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "simulations/campaign.h"
#include "simulations/html_report.h"
#include "simulations/report.h"
#include "tests/support/temporary_folder.h"

namespace consilium {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

std::string Measure(double estimate, double half) {
  return "{\"estimate\": " + std::to_string(estimate) +
         ", \"std_error\": " + std::to_string(half / 2) +
         ", \"conf_low\": " + std::to_string(estimate - half) +
         ", \"conf_high\": " + std::to_string(estimate + half) + "}";
}

/// 40 rows, of which 10 were expected to have the event.
PlainRun RunOf(double auc, double in_the_large, double slope, int events = 20) {
  PlainRun run;
  run.result.converged = true;
  run.result.json = R"({"kind": "evaluate", "rows": 40, "mean_predicted": 0.25, "events": )" +
                    std::to_string(events) + R"(, "auc": )" + Measure(auc, 0.05) +
                    R"(, "brier": )" + Measure(0.2, 0.01) + R"(, "log_loss": )" +
                    Measure(0.6, 0.01) + R"(, "observed_over_expected": )" + Measure(2, 0.1) +
                    R"(, "calibration_in_the_large": )" + Measure(in_the_large, 0.4) +
                    R"(, "calibration_intercept": null, "calibration_slope": )" +
                    Measure(slope, 0.3) +
                    R"(, "scaled_brier": 0.1, "calibration_curve": [], "decision_curve": [],
                     "subgroups": []})";
  return run;
}

Comparison ComparisonOf(std::vector<std::pair<std::string, PlainRun>> alone) {
  Comparison comparison;
  comparison.federated = RunOf(0.8, 0.1, 1);
  comparison.pooled.run = RunOf(0.8, 0.1, 1);
  for (auto& [name, run] : alone) comparison.alone.push_back({name, {std::move(run), {}}});
  return comparison;
}

TEST(EvaluationReportTest, NamesFirstTheHospitalsWhoseAucHidesThatCalibrationFails) {
  const Comparison comparison = ComparisonOf({{"north", RunOf(0.75, 0.9, 1)},
                                              {"east", RunOf(0.81, 0.2, 1.1)},
                                              {"south", RunOf(0.9, 4.3, 1)},
                                              {"west", RunOf(0.85, 0.1, 0.5)},
                                              {"far", RunOf(0.8, -0.9, 1.4, 4)}});
  const std::vector<std::string> warnings = EvaluationWarnings(comparison);
  EXPECT_THAT(
      warnings,
      ElementsAre(
          AllOf(StartsWith("south: the AUC looks fine (0.900, over all hospitals 0.800), but"),
                HasSubstr("too low: 10.0 events were expected and 20 happened"),
                HasSubstr("calibration in the large 4.300 [3.900, 4.700]")),
          AllOf(StartsWith("far: the AUC looks fine"), HasSubstr("too high: 10.0 events were"),
                HasSubstr("and they are not extreme enough")),
          AllOf(StartsWith("north: the predictions are too low"), Not(HasSubstr("AUC"))),
          AllOf(StartsWith("west: the predictions are too extreme"),
                HasSubstr("calibration slope 0.500 [0.200, 0.800]"))));
  EXPECT_THAT(EvaluationText(comparison),
              AllOf(HasSubstr("south: the AUC looks fine"), HasSubstr("0.810 [0.760, 0.860]")));
}

TEST(EvaluationReportTest, AnAucThatSaysNothingLooksNeitherFineNorBad) {
  Comparison comparison = ComparisonOf({{"west", RunOf(0.5, 0.9, 1)}});
  comparison.federated = RunOf(0.5, 0.1, 1);
  EXPECT_THAT(
      EvaluationWarnings(comparison),
      ElementsAre(AllOf(StartsWith("west: the predictions are too low"), Not(HasSubstr("AUC")))));
}

TEST(EvaluationReportTest, WarnsOfNobodyWithoutCause) {
  const Comparison comparison =
      ComparisonOf({{"north", RunOf(0.75, 0.3, 1.1)}, {"east", RunOf(0.9, -0.3, 0.8)}});
  EXPECT_THAT(EvaluationWarnings(comparison), IsEmpty());
  EXPECT_THAT(EvaluationSections(comparison), HasSubstr("At no hospital"));
}

TEST(EvaluationReportTest, AHospitalWithoutAResultIsALineWithoutNumbers) {
  Comparison comparison = ComparisonOf({});
  PlainRun all_ill = RunOf(0.5, 0, 1, 40);
  auto& json = all_ill.result.json;
  for (const char* field : {"\"auc\"", "\"calibration_in_the_large\"", "\"calibration_slope\""}) {
    const std::size_t at = json.find("{", json.find(field));
    json.replace(at, json.find("}", at) - at + 1, "null");
  }
  comparison.alone.push_back({"ill", {all_ill, {}}});
  comparison.alone.push_back({"empty", {{}, Error{ErrorCode::kNotEstimable, "no rows", ""}}});
  EXPECT_THAT(EvaluationWarnings(comparison), IsEmpty());
  EXPECT_THAT(EvaluationText(comparison), HasSubstr("empty"));
  EXPECT_THAT(EvaluationSections(comparison), HasSubstr("empty alone: no rows"));
}

TEST(EvaluationReportTest, OtherResultsAreNoEvaluation) {
  Comparison comparison;
  comparison.federated.result.json = R"({"kind": "logistic", "coefficients": []})";
  EXPECT_FALSE(IsEvaluation(comparison));
}

/// Patients from a known model, judged by that model and by one that expects far fewer events.
Campaign RunGenerated(const std::string& intercept,
                      const std::string& head = "",
                      const std::string& more = "") {
  const TemporaryFolder folder;
  std::ofstream(folder / "plan.toml")
      << "[study]\ntitle = \"T\"\nrequested_by = \"R\"\nexpires = 2090-01-01\n"
         "minimum_sites = 3\n[contract]\npatient = \"id\"\n"
         "[[contract.column]]\nname = \"ill\"\ntype = \"boolean\"\n"
         "[[contract.column]]\nname = \"dose\"\ntype = \"number\"\nrange = [-6, 6]\n"
         "[[contract.column]]\nname = \"old\"\ntype = \"boolean\"\n"
         "[analysis]\nkind = \"evaluate\"\noutcome = \"ill\"\nfeatures = [\"dose\"]\n"
         "subgroups = [\"old\"]\nintercept = " +
             intercept + "\ncoefficients = { dose = 1.0 }\n";
  std::ofstream(folder / "trial.toml") << "[experiment]\nplan = \"plan.toml\"\n" + head +
                                              "[generator]\nsites = 4\npatients = 400\n"
                                              "intercept = -0.5\ncoefficients = { dose = 1.0 }\n" +
                                              more;
  return RunCampaign(ReadExperiments(folder / "trial.toml").value(), 1, 1).value();
}

TEST(EvaluationReportTest, ThePageDrawsCurvesForestsAndSubgroups) {
  const Campaign campaign = RunGenerated("-0.5");
  const Comparison& comparison = campaign.shown.comparison;
  ASSERT_TRUE(IsEvaluation(comparison));
  // Sums of the same numbers in another order.
  ASSERT_TRUE(comparison.largest_difference.has_value());
  EXPECT_LT(*comparison.largest_difference, 1e-11);
  const std::string page = HtmlReport(campaign);
  for (const char* part :
       {"How good the predictions are", "Calibration: All hospitals", "Calibration: site-03",
        "Decision curve", "Forest plot of AUC", "Forest plot of calibration in the large",
        "Forest plot of calibration slope", "treat all", "old true", "site-04"}) {
    EXPECT_THAT(page, HasSubstr(part));
  }
  EXPECT_THAT(page, Not(HasSubstr("Coefficients: federated")));
  const std::string text = ResultText(campaign);
  EXPECT_THAT(text, AllOf(HasSubstr("calibration slope (ideal 1)"), HasSubstr("slope (1)"),
                          HasSubstr("Federated and pooled differ by at most")));
  EXPECT_THAT(text, Not(HasSubstr("standard errors), with all data")));
}

TEST(EvaluationReportTest, AModelThatExpectsTooFewIsNamedAtEveryHospital) {
  const Campaign campaign = RunGenerated("-2.5");
  const std::vector<std::string> warnings = EvaluationWarnings(campaign.shown.comparison);
  ASSERT_EQ(warnings.size(), 4u);
  for (const std::string& warning : warnings) EXPECT_THAT(warning, HasSubstr("too low"));
}

/// 40 rows with a time to an event, of which 20 had it.
PlainRun SurvivalRunOf(double concordance, double slope, const std::string& model) {
  PlainRun run;
  run.result.converged = true;
  run.result.json = R"({"kind": "evaluate", "rows": 40, "events": 20, "model": )" + model +
                    R"(, "concordance": )" + Measure(concordance, 0.05) +
                    R"(, "calibration_slope": )" + Measure(slope, 0.3) + R"(, "subgroups": []})";
  return run;
}

Comparison SurvivalComparison(double slope, const std::string& model) {
  Comparison comparison;
  comparison.federated = SurvivalRunOf(0.7, slope, model);
  comparison.pooled.run = SurvivalRunOf(0.7, slope, model);
  const std::pair<const char*, PlainRun> alone[] = {{"north", SurvivalRunOf(0.65, 0.6, model)},
                                                    {"east", SurvivalRunOf(0.7, 1.1, model)},
                                                    {"south", SurvivalRunOf(0.75, 1.4, model)},
                                                    {"west", SurvivalRunOf(0.4, -0.4, model)}};
  for (const auto& [name, run] : alone) comparison.alone.push_back({name, {run, {}}});
  comparison.alone.push_back({"empty", {{}, Error{ErrorCode::kNotEstimable, "no rows", ""}}});
  return comparison;
}

TEST(EvaluationReportTest, OfACoxModelTheHospitalsAreNamedWhoseSlopeMissesOne) {
  const Comparison comparison = SurvivalComparison(1, R"({"coefficients": {"age": 0.1}})");
  EXPECT_THAT(
      EvaluationWarnings(comparison),
      ElementsAre(
          "south: the C-index looks fine (0.750, over all hospitals 0.700), but the predictions "
          "are not extreme enough (slope 1.400 [1.100, 1.700]).",
          "north: the predictions are too extreme (slope 0.600 [0.300, 0.900]).",
          "west: patients with higher predictions have the event later (slope -0.400 [-0.700, "
          "-0.100])."));
  EXPECT_THAT(EvaluationText(comparison),
              AllOf(HasSubstr("C-index"), HasSubstr("slope (1)"), HasSubstr("empty"),
                    HasSubstr("0.750 [0.700, 0.800]"), Not(HasSubstr("AUC"))));
}

/// Nobody knows the unit of a column of scores.
TEST(EvaluationReportTest, OfAColumnOfScoresTheSlopeIsHeldAgainstThatOfAllHospitals) {
  const std::string column = R"({"column": "points"})";
  EXPECT_THAT(EvaluationWarnings(SurvivalComparison(0.5, column)),
              ElementsAre(AllOf(StartsWith("east: the C-index looks fine"),
                                HasSubstr("but hazards rise with the score by another slope"),
                                HasSubstr("1.100 [0.800, 1.400], 0.500 over all")),
                          StartsWith("south: the C-index looks fine"),
                          StartsWith("west: hazards rise with the score by another slope")));
  const std::string sections = EvaluationSections(SurvivalComparison(0.5, column));
  EXPECT_THAT(sections, AllOf(HasSubstr("slope (1 for log hazards)"), HasSubstr("no rows"),
                              Not(HasSubstr("Brier"))));
}

TEST(EvaluationReportTest, ATimeToAnEventHasForestsOfConcordanceAndSlope) {
  const TemporaryFolder folder;
  std::ofstream(folder / "plan.toml")
      << "[study]\ntitle = \"T\"\nrequested_by = \"R\"\nexpires = 2090-01-01\n"
         "minimum_sites = 3\n[contract]\npatient = \"id\"\n"
         "[[contract.column]]\nname = \"ill\"\ntype = \"boolean\"\n"
         "[[contract.column]]\nname = \"time\"\ntype = \"number\"\nrange = [0, 1000]\n"
         "[[contract.column]]\nname = \"dose\"\ntype = \"number\"\nrange = [-6, 6]\n"
         "[[contract.column]]\nname = \"old\"\ntype = \"boolean\"\n"
         "[analysis]\nkind = \"evaluate\"\nevent = \"ill\"\ntime = \"time\"\n"
         "features = [\"dose\"]\nsubgroups = [\"old\"]\ncoefficients = { dose = 1.0 }\n";
  std::ofstream(folder / "trial.toml")
      << "[experiment]\nplan = \"plan.toml\"\nrepetitions = 2\n[generator]\nsites = 4\n"
         "patients = 300\nintercept = -3\nfollow_up = 60\ncoefficients = { dose = 1.0 }\n";
  const Campaign campaign =
      RunCampaign(ReadExperiments(folder / "trial.toml").value(), 1, 1).value();
  const Comparison& comparison = campaign.shown.comparison;
  ASSERT_TRUE(IsEvaluation(comparison));
  // One baseline for all hospitals is another model.
  EXPECT_FALSE(comparison.largest_difference.has_value());
  for (const Trial& trial : campaign.trials) EXPECT_EQ(trial.federated.size(), 2u);
  const std::string page = HtmlReport(campaign);
  for (const char* part :
       {"How good the predictions are", "concordance (C-index), of pairs",
        "Forest plot of concordance (C-index)", "Forest plot of calibration slope", "old true",
        "C-index", "site-04", "which is another model than the federated one"}) {
    EXPECT_THAT(page, HasSubstr(part));
  }
  EXPECT_THAT(page, AllOf(Not(HasSubstr("Decision curve")), Not(HasSubstr("Forest plot of AUC"))));
  EXPECT_THAT(ResultText(campaign),
              AllOf(HasSubstr("calibration slope (ideal 1)"), HasSubstr("slope (1)"),
                    HasSubstr("which is another model")));
  // Four standard errors of the mean of two, 0.05 each.
  const std::vector<Spread> spreads = SpreadOf(FederatedFits(campaign, 0), {});
  EXPECT_EQ(spreads[1].name, "calibration slope");
  EXPECT_NEAR(spreads[1].mean, 1, 0.2);
}

TEST(EvaluationReportTest, RunsOfASweepAreSpreadsOfTheMeasures) {
  const Campaign campaign =
      RunGenerated("-0.5", "repetitions = 3\n", "[sweep]\ngenerator.intercept = [-0.5, 1.5]\n");
  for (const Trial& trial : campaign.trials) EXPECT_EQ(trial.federated.size(), 6u);
  const std::vector<Spread> right = SpreadOf(FederatedFits(campaign, 0), {});
  const std::vector<Spread> low = SpreadOf(FederatedFits(campaign, 1), {});
  ASSERT_EQ(low.size(), 6u);
  EXPECT_EQ(low[4].name, "calibration in the large");
  // Four standard errors, 0.06 each.
  EXPECT_NEAR(right[4].mean, 0, 0.24);
  EXPECT_NEAR(low[4].mean, 2, 0.24);
  EXPECT_FALSE(
      SpreadOf(FederatedFits(campaign, 0), campaign.experiments[0].generator)[0].truth.has_value());
  EXPECT_THAT(ResultText(campaign),
              AllOf(HasSubstr("area under the ROC curve"), Not(HasSubstr("held by"))));
  EXPECT_THAT(HtmlReport(campaign),
              AllOf(HasSubstr("Estimates of calibration slope"), Not(HasSubstr("Coverage:"))));
}

}  // namespace
}  // namespace consilium
