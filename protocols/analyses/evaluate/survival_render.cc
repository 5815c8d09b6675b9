#include "protocols/analyses/evaluate/survival_render.h"

#include <cstdint>
#include <string>
#include <utility>

#include <nlohmann/json.hpp>

#include "protocols/analyses/evaluate/measures_json.h"
#include "protocols/analyses/evaluate/measures_text.h"
#include "protocols/analyses/glm/tables.h"

namespace consilium::evaluate {
namespace {

using Json = nlohmann::ordered_json;

std::uint64_t Whole(double count) { return static_cast<std::uint64_t>(count); }

Json ModelJson(const SurvivalPlan& plan) {
  if (!plan.has_model()) return {{"column", plan.prediction()}};
  return {{"coefficients", CoefficientsJson(plan.design.terms, plan.coefficients)}};
}

Json LevelJson(const SurvivalLevel& level) {
  if (level.left_out) return {{"level", level.level}, {"left_out", true}};
  const SurvivalMeasures& measures = level.measures;
  return {{"level", level.level},
          {"rows", Whole(measures.rows)},
          {"events", Whole(measures.events)},
          {"concordance", MeasureJson(measures.concordance)},
          {"calibration_slope", MeasureJson(measures.slope)}};
}

Json PairsJson(const std::optional<cox::PairSums>& pairs) {
  if (!pairs) return {};
  return {
      {"concordant", pairs->concordant}, {"discordant", pairs->discordant}, {"tied", pairs->tied}};
}

Json ResultJson(const SurvivalEvaluation& evaluation, const SurvivalPlan& plan) {
  Json json;
  json["kind"] = "evaluate";
  json["event"] = plan.event();
  json["time"] = plan.time();
  json["model"] = ModelJson(plan);
  json["converged"] = evaluation.converged;
  json["iterations"] = evaluation.iterations;
  json["sites"] = evaluation.sites;
  json["patients"] = evaluation.patients;
  json["rows"] = Whole(evaluation.all.rows);
  json["events"] = Whole(evaluation.all.events);
  json["ties"] = std::string(cox::NameOf(plan.ties));
  json["baseline"] = "site";
  json["confidence"] = plan.confidence;
  json["minimum_count"] = plan.minimum_count;
  json["mean_score"] = evaluation.mean;
  json["score_sd"] = OrNull(evaluation.deviation);
  json["concordance"] = MeasureJson(evaluation.all.concordance);
  json["concordance_pairs"] = PairsJson(evaluation.pairs);
  json["calibration_slope"] = MeasureJson(evaluation.all.slope);
  json["subgroups"] = SubgroupsJson(plan.subgroups, [&](std::size_t i, std::size_t level) {
    return LevelJson(evaluation.subgroups[i][level]);
  });
  if (!evaluation.trouble.empty()) json["message"] = evaluation.trouble;
  return json;
}

/// What the slope means, where its interval leaves no doubt. Of a column nobody knows the scale.
std::string InWords(const SurvivalEvaluation& evaluation, const SurvivalPlan& plan) {
  const std::optional<Measure>& slope = evaluation.all.slope;
  if (!plan.has_model() || !slope || !(*slope->low > 1 || *slope->high < 1)) return {};
  if (*slope->high < 0) {
    return glm::Wrapped(
        "The model's order is wrong on the whole: patients with higher scores have "
        "the event later.");
  }
  return glm::Wrapped(slope->estimate < 1
                          ? "The predictions are too extreme on the whole: hazards differ by less "
                            "than the model says."
                          : "The predictions are not extreme enough on the whole: hazards differ "
                            "by more than the model says.");
}

std::string LevelLine(const std::string& name, const SurvivalLevel& level) {
  const std::string text = LevelCell(name);
  if (level.left_out) return text + "  left out: too few rows, events or others\n";
  const SurvivalMeasures& measures = level.measures;
  return text + glm::Right(NumberCell(measures.rows, "%.0f"), 8) +
         glm::Right(NumberCell(measures.events, "%.0f"), 8) +
         glm::Right(WithStandardError(measures.concordance), 18) +
         glm::Right(WithStandardError(measures.slope), 20) + "\n";
}

std::string SubgroupTable(const SurvivalEvaluation& evaluation, const SurvivalPlan& plan) {
  if (plan.subgroups.empty()) return {};
  std::string text = "\nsubgroup (standard errors)      " + glm::Right("rows", 8) +
                     glm::Right("events", 8) + glm::Right("concordance", 18) +
                     glm::Right("slope", 20) + "\n";
  for (std::size_t i = 0; i < plan.subgroups.size(); ++i) {
    for (const SurvivalLevel& level : evaluation.subgroups[i]) {
      text += LevelLine(plan.subgroups[i].column + " " + level.level, level);
    }
  }
  return text;
}

std::string Table(const SurvivalEvaluation& evaluation, const SurvivalPlan& plan) {
  const SurvivalMeasures& all = evaluation.all;
  const std::string what = plan.has_model()
                               ? "a Cox model with " + glm::Counted(plan.coefficients.size(),
                                                                    "given term", "given terms")
                               : "the scores in \"" + plan.prediction() + "\"";
  std::string text =
      glm::Wrapped("Evaluation of " + what + " for " + plan.event() + " by " + plan.time() +
                   ", each site's patients compared with each other: " +
                   CountsInWords(evaluation.patients, all.rows, all.events, evaluation.sites));
  text +=
      MeasureHead(plan.confidence) + MeasureLine("concordance (C-index)", all.concordance) +
      MeasureLine(plan.has_model() ? "calibration slope (ideal 1)" : "slope (1 for log hazards)",
                  all.slope);
  text += glm::Wrapped("Scores: mean " + NumberCell(evaluation.mean, "%.4g") +
                       ", standard deviation " + NumberCell(evaluation.deviation, "%.4g") + ".");
  text += InWords(evaluation, plan);
  if (!evaluation.trouble.empty()) text += glm::Wrapped(evaluation.trouble);
  return text + SubgroupTable(evaluation, plan);
}

}  // namespace

AnalysisResult RenderSurvival(const SurvivalEvaluation& evaluation, const SurvivalPlan& plan) {
  AnalysisResult result;
  result.converged = evaluation.converged;
  result.patients = evaluation.patients;
  result.sites = evaluation.sites;
  result.json = ResultJson(evaluation, plan).dump(2);
  result.table = Table(evaluation, plan);
  return result;
}

}  // namespace consilium::evaluate
