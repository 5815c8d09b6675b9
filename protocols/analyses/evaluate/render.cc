#include "protocols/analyses/evaluate/render.h"

#include <cmath>
#include <string>

#include <nlohmann/json.hpp>

#include "protocols/analyses/evaluate/measures_json.h"
#include "protocols/analyses/evaluate/measures_text.h"
#include "protocols/analyses/glm/tables.h"

namespace consilium::evaluate {
namespace {

using Json = nlohmann::ordered_json;

std::uint64_t Whole(double count) { return static_cast<std::uint64_t>(count); }

Json ModelJson(const EvaluatePlan& plan) {
  if (!plan.has_model()) return {{"column", plan.prediction()}};
  return {{"intercept", plan.intercept},
          {"coefficients", CoefficientsJson(plan.design.terms, plan.coefficients)}};
}

Json LevelJson(const LevelMeasures& level) {
  if (level.left_out) return {{"level", level.level}, {"left_out", true}};
  const GroupMeasures& measures = level.measures;
  const bool any = measures.rows > 0;
  return {{"level", level.level},
          {"rows", Whole(measures.rows)},
          {"events", Whole(measures.events)},
          {"mean_predicted", any ? Json(measures.predicted) : Json()},
          {"auc", AucJson(measures.discrimination)},
          {"brier", any ? Json(measures.brier) : Json()},
          {"log_loss", any ? Json(measures.log_loss) : Json()},
          {"observed_over_expected", MeasureJson(measures.observed_over_expected)},
          {"calibration_in_the_large", MeasureJson(measures.in_the_large)}};
}

bool IsSmall(double count, const EvaluatePlan& plan) {
  return count > 0 && count < static_cast<double>(plan.minimum_count);
}

Json ResultJson(const Evaluation& evaluation, const EvaluatePlan& plan) {
  const GroupMeasures& all = evaluation.all;
  Json json;
  json["kind"] = "evaluate";
  json["outcome"] = plan.design.outcome.name;
  json["model"] = ModelJson(plan);
  json["converged"] = evaluation.recalibration.converged;
  json["iterations"] = evaluation.recalibration.iterations;
  json["sites"] = evaluation.sites;
  json["patients"] = evaluation.patients;
  json["rows"] = Whole(all.rows);
  json["events"] = Whole(all.events);
  json["confidence"] = plan.confidence;
  json["minimum_count"] = plan.minimum_count;
  json["mean_predicted"] = all.predicted;
  json["auc"] = AucJson(all.discrimination);
  json["brier"] = MeasureJson(evaluation.brier);
  json["scaled_brier"] = OrNull(evaluation.scaled_brier);
  json["log_loss"] = MeasureJson(evaluation.log_loss);
  json["observed_over_expected"] = MeasureJson(all.observed_over_expected);
  json["calibration_in_the_large"] = MeasureJson(all.in_the_large);
  json["calibration_intercept"] = MeasureJson(evaluation.recalibration.intercept);
  json["calibration_slope"] = MeasureJson(evaluation.recalibration.slope);
  json["extreme_predictions"] =
      IsSmall(evaluation.extreme, plan) ? Json() : Json(Whole(evaluation.extreme));
  const Curves curves = evaluation.curves.value_or(Curves{});
  json["calibration_curve"] = CalibrationJson(curves.calibration);
  json["decision_curve"] = DecisionJson(curves.decision);
  json["subgroups"] = SubgroupsJson(plan.subgroups, [&](std::size_t i, std::size_t level) {
    return LevelJson(evaluation.subgroups[i][level]);
  });
  if (!evaluation.recalibration.trouble.empty()) {
    json["message"] = evaluation.recalibration.trouble;
  }
  return json;
}

std::optional<Measure> AucOf(const GroupMeasures& measures) {
  if (!measures.discrimination) return {};
  return measures.discrimination->auc;
}

/// What calibration in the large means, where its interval leaves no doubt.
std::string InWords(const GroupMeasures& all) {
  if (!all.in_the_large || !(*all.in_the_large->low > 0 || *all.in_the_large->high < 0)) return {};
  const bool more = all.in_the_large->estimate > 0;
  return glm::Wrapped(std::string("The predictions are too ") + (more ? "low" : "high") +
                      " on the whole: " + NumberCell(all.predicted * all.rows, "%.1f") +
                      " events were expected and " + NumberCell(all.events, "%.0f") + " happened.");
}

std::string LevelLine(const std::string& name, const LevelMeasures& level) {
  const std::string text = LevelCell(name);
  if (level.left_out) return text + "  left out: too few rows, events or others\n";
  const GroupMeasures& measures = level.measures;
  return text + glm::Right(NumberCell(measures.rows, "%.0f"), 8) +
         glm::Right(NumberCell(measures.events, "%.0f"), 8) +
         glm::Right(WithStandardError(AucOf(measures)), 16) +
         glm::Right(WithStandardError(measures.observed_over_expected), 17) +
         glm::Right(WithStandardError(measures.in_the_large), 18) + "\n";
}

std::string SubgroupTable(const Evaluation& evaluation, const EvaluatePlan& plan) {
  if (plan.subgroups.empty()) return {};
  std::string text = "\nsubgroup (standard errors)      " + glm::Right("rows", 8) +
                     glm::Right("events", 8) + glm::Right("AUC", 16) +
                     glm::Right("observed/expected", 17) + glm::Right("in the large", 18) + "\n";
  for (std::size_t i = 0; i < plan.subgroups.size(); ++i) {
    for (const LevelMeasures& level : evaluation.subgroups[i]) {
      text += LevelLine(plan.subgroups[i].column + " " + level.level, level);
    }
  }
  return text;
}

std::string Table(const Evaluation& evaluation, const EvaluatePlan& plan) {
  const GroupMeasures& all = evaluation.all;
  const std::string what =
      plan.has_model() ? "a logistic model with " +
                             glm::Counted(plan.coefficients.size(), "given term", "given terms")
                       : "the predictions in \"" + plan.prediction() + "\"";
  std::string text =
      glm::Wrapped("Evaluation of " + what + " of " + plan.design.outcome.name + ": " +
                   CountsInWords(evaluation.patients, all.rows, all.events, evaluation.sites));
  text += MeasureHead(plan.confidence) + MeasureLine("AUC", AucOf(all)) +
          MeasureLine("Brier score", evaluation.brier) +
          MeasureLine("log-loss", evaluation.log_loss) +
          MeasureLine("observed / expected events", all.observed_over_expected) +
          MeasureLine("calibration in the large (ideal 0)", all.in_the_large) +
          MeasureLine("calibration slope (ideal 1)", evaluation.recalibration.slope);
  if (all.discrimination) {
    text += glm::Wrapped("The AUC is that of " + std::to_string(plan.score_bins) +
                         " bins of the predictions: their own lies within " +
                         NumberCell(all.discrimination->bin_error, "%.1e") +
                         " of it. Scaled Brier score " + NumberCell(evaluation.scaled_brier) + ".");
  }
  text += InWords(all);
  if (!evaluation.recalibration.trouble.empty()) {
    text += glm::Wrapped(evaluation.recalibration.trouble);
  }
  return text + SubgroupTable(evaluation, plan);
}

}  // namespace

AnalysisResult Render(const Evaluation& evaluation, const EvaluatePlan& plan) {
  AnalysisResult result;
  result.converged = evaluation.recalibration.converged;
  result.patients = evaluation.patients;
  result.sites = evaluation.sites;
  result.json = ResultJson(evaluation, plan).dump(2);
  result.table = Table(evaluation, plan);
  return result;
}

}  // namespace consilium::evaluate
