#include "protocols/analyses/validate/render.h"

#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>
#include <utility>

#include <nlohmann/json.hpp>

#include "protocols/analyses/evaluate/measures_json.h"
#include "protocols/analyses/glm/render.h"
#include "protocols/analyses/glm/tables.h"
#include "protocols/analyses/validate/warnings.h"

namespace consilium::validate {
namespace {

using evaluate::AucJson;
using evaluate::Measure;
using evaluate::MeasureJson;
using evaluate::OrNull;
using Json = nlohmann::ordered_json;

Json SizesJson(const Sizes& sizes) {
  return {{"patients", static_cast<std::uint64_t>(sizes.patients)},
          {"rows", static_cast<std::uint64_t>(sizes.rows)},
          {"events", static_cast<std::uint64_t>(sizes.events)}};
}

/// What counts tell of some rows.
void AddMeasures(const evaluate::Evaluation& evaluation, Json& json) {
  json["mean_predicted"] = evaluation.all.predicted;
  json["auc"] = AucJson(evaluation.all.discrimination);
  json["brier"] = MeasureJson(evaluation.brier);
  json["scaled_brier"] = OrNull(evaluation.scaled_brier);
  json["log_loss"] = MeasureJson(evaluation.log_loss);
  json["observed_over_expected"] = MeasureJson(evaluation.all.observed_over_expected);
}

void AddCalibration(const evaluate::Evaluation& evaluation, Json& json) {
  json["calibration_in_the_large"] = MeasureJson(evaluation.all.in_the_large);
  json["calibration_intercept"] = MeasureJson(evaluation.recalibration.intercept);
  json["calibration_slope"] = MeasureJson(evaluation.recalibration.slope);
  if (!evaluation.recalibration.trouble.empty()) {
    json["message"] = evaluation.recalibration.trouble;
  }
}

Json EstimatesJson(const glm::Fit& fit, const ValidatePlan& plan) {
  Json list = Json::array();
  for (std::size_t j = 0; j < fit.coefficients.size(); ++j) {
    const std::string name =
        j == 0 ? std::string(glm::kIntercept) : plan.design().terms[j - 1].name;
    list.push_back({{"name", name}, {"estimate", fit.coefficients[j]}});
  }
  return list;
}

Json FoldJson(const Validation& validation, const ValidatePlan& plan, Fold number) {
  const FoldResult& fold = validation.folds[number - 1];
  Json json;
  if (plan.method == Method::kFolds) {
    json["fold"] = number;
  } else {
    json["site"] = NameOf(plan, number);
  }
  if (!fold.left_out.empty()) {
    json["left_out"] = true;
    json["message"] = fold.left_out;
    return json;
  }
  if (!fold.trouble.empty()) json["message"] = fold.trouble;
  Json training = SizesJson(fold.training);
  if (fold.on_training) AddMeasures(*fold.on_training, training);
  Json held_out = SizesJson(fold.held_out);
  if (fold.on_held_out) {
    AddMeasures(*fold.on_held_out, held_out);
    AddCalibration(*fold.on_held_out, held_out);
    json["coefficients"] = EstimatesJson(*fold.fit, plan);
  }
  json["training"] = std::move(training);
  json["held_out"] = std::move(held_out);
  return json;
}

Json ValidatedJson(const std::optional<Validated>& validated) {
  if (!validated) return {};
  const evaluate::Evaluation& pooled = validated->pooled;
  Json json = {{"folds", validated->folds},
               {"patients", pooled.patients},
               {"rows", static_cast<std::uint64_t>(pooled.all.rows)},
               {"events", static_cast<std::uint64_t>(pooled.all.events)}};
  AddMeasures(pooled, json);
  json["auc"] = MeasureJson(validated->auc);
  json["calibration_in_the_large"] = MeasureJson(validated->in_the_large);
  json["calibration_slope"] = MeasureJson(validated->slope);
  const evaluate::Curves curves = pooled.curves.value_or(evaluate::Curves{});
  json["calibration_curve"] = evaluate::CalibrationJson(curves.calibration);
  json["decision_curve"] = evaluate::DecisionJson(curves.decision);
  return json;
}

/// The regression of all rows as a study of its own would give it, and the validation behind.
Json ResultJson(const Validation& validation,
                const ValidatePlan& plan,
                const std::string& regression,
                const std::vector<std::string>& warnings) {
  Json json = {{"kind", "validate"}, {"model", std::string(plan.family->kind())}};
  const bool by_patient = plan.method == Method::kFolds;
  json["method"] = by_patient ? "folds" : "leave-one-site-out";
  if (by_patient) json["seed"] = plan.seed;
  const Json fitted = Json::parse(regression);
  for (const auto& [key, value] : fitted.items()) {
    if (key != "kind") json[key] = value;
  }
  json["events"] = static_cast<std::uint64_t>(validation.apparent.training.events);
  json["minimum_count"] = plan.judge.minimum_count;
  Json apparent;
  if (validation.apparent.on_training) AddMeasures(*validation.apparent.on_training, apparent);
  json["apparent"] = std::move(apparent);
  json["folds"] = Json::array();
  for (Fold fold = 1; fold <= plan.folds; ++fold) {
    json["folds"].push_back(FoldJson(validation, plan, fold));
  }
  json["validated"] = ValidatedJson(validation.validated);
  json["optimism"] = {{"auc", OrNull(OptimismOfAuc(validation))},
                      {"brier", OrNull(OptimismOfBrier(validation))}};
  json["warnings"] = warnings;
  return json;
}

std::string Number(const std::optional<double>& number, const char* form) {
  if (!number) return "-";
  char text[64];
  std::snprintf(text, sizeof text, form, *number);
  // What rounds to 0 has no sign.
  const std::string_view digits(text);
  const bool nothing = digits.find_first_not_of("-0.") == std::string_view::npos;
  return std::string(nothing && digits[0] == '-' ? digits.substr(1) : digits);
}

/// "-0.14 (0.13)"
std::string Cell(const std::optional<Measure>& measure) {
  if (!measure) return "-";
  std::string text = Number(measure->estimate, "%.2f");
  if (measure->std_error) text += " (" + Number(measure->std_error, "%.2f") + ")";
  return text;
}

constexpr std::size_t kNameWidth = 15;

std::string NameCell(std::string name) {
  if (name.size() > kNameWidth) name = name.substr(0, kNameWidth - 2) + "..";
  name.resize(kNameWidth, ' ');
  return name;
}

/// What a line of the table shows of some rows; nothing where there are none.
struct Side {
  std::optional<Sizes> sizes;
  std::optional<double> auc;
  std::optional<double> brier;
};

Side SideOf(const Sizes& sizes, const std::optional<evaluate::Evaluation>& evaluation) {
  Side side{sizes, {}, {}};
  if (!evaluation) return side;
  side.brier = evaluation->brier.estimate;
  if (evaluation->all.discrimination) side.auc = evaluation->all.discrimination->auc.estimate;
  return side;
}

std::string SideCells(const Side& side) {
  const auto count = [&side](double Sizes::*field) {
    return side.sizes ? Number((*side.sizes).*field, "%.0f") : std::string("-");
  };
  return glm::Right(count(&Sizes::rows), 7) + glm::Right(count(&Sizes::events), 7) +
         glm::Right(Number(side.auc, "%.3f"), 7) + glm::Right(Number(side.brier, "%.3f"), 7);
}

std::string Line(const std::string& name,
                 const Side& training,
                 const Side& held_out,
                 const std::optional<Measure>& in_the_large,
                 const std::optional<Measure>& slope) {
  return NameCell(name) + SideCells(training) + SideCells(held_out) +
         glm::Right(Cell(in_the_large), 14) + glm::Right(Cell(slope), 13) + "\n";
}

std::string Heading() {
  const std::string side = glm::Right("rows", 7) + glm::Right("events", 7) + glm::Right("AUC", 7) +
                           glm::Right("Brier", 7);
  return std::string(kNameWidth, ' ') + glm::Right("training rows", 28) +
         glm::Right("held-out rows", 28) + "\n" + NameCell("") + side + side +
         glm::Right("in the large", 14) + glm::Right("slope", 13) + "\n";
}

std::string FoldLine(const Validation& validation, const ValidatePlan& plan, Fold number) {
  const FoldResult& fold = validation.folds[number - 1];
  const std::string name = NameOf(plan, number);
  if (!fold.left_out.empty()) return Line(name, {}, {}, {}, {});
  const Side training = SideOf(fold.training, fold.on_training);
  const Side held_out = SideOf(fold.held_out, fold.on_held_out);
  if (!fold.on_held_out) return Line(name, training, held_out, {}, {});
  return Line(name, training, held_out, fold.on_held_out->all.in_the_large,
              fold.on_held_out->recalibration.slope);
}

std::string SummaryLines(const Validation& validation, const ValidatePlan& plan) {
  std::string text =
      Line("all rows", SideOf(validation.apparent.training, validation.apparent.on_training), {},
           {}, {});
  if (!validation.validated) return text;
  const Validated& validated = *validation.validated;
  const evaluate::Evaluation& pooled = validated.pooled;
  Side side{
      Sizes{pooled.all.rows, static_cast<double>(pooled.patients), pooled.all.events}, {}, {}};
  side.brier = pooled.brier.estimate;
  if (validated.auc) side.auc = validated.auc->estimate;
  return text + Line("validated", {}, side, validated.in_the_large, validated.slope) +
         glm::Wrapped("Validated: AUC, calibration in the large and slope are means over " +
                      (plan.method == Method::kFolds
                           ? glm::Counted(validated.folds, "fold", "folds")
                           : glm::Counted(validated.folds, "site", "sites")) +
                      ", the Brier score is of all held-out rows. Ideal are 0 in the large and a "
                      "slope of 1; in brackets standard errors. Optimism, which is all rows less "
                      "validated: AUC " +
                      Number(OptimismOfAuc(validation), "%.4f") + ", Brier score " +
                      Number(OptimismOfBrier(validation), "%.4f") + ".");
}

std::string MethodInWords(const ValidatePlan& plan) {
  if (plan.method == Method::kFolds) {
    return "Validation by " + glm::Counted(plan.folds, "fold", "folds") + " of patients (seed " +
           std::to_string(plan.seed) + ")";
  }
  return "Validation by leaving out one site at a time";
}

std::string Table(const Validation& validation,
                  const ValidatePlan& plan,
                  const std::string& regression,
                  const std::vector<std::string>& warnings) {
  std::string text = regression + "\n" + MethodInWords(plan) + "\n" + Heading();
  for (Fold fold = 1; fold <= plan.folds; ++fold) text += FoldLine(validation, plan, fold);
  text += SummaryLines(validation, plan);
  for (Fold fold = 1; fold <= plan.folds; ++fold) {
    const FoldResult& result = validation.folds[fold - 1];
    const std::string name = NameOf(plan, fold);
    if (!result.left_out.empty()) text += glm::Wrapped(name + " is left out. " + result.left_out);
    if (!result.trouble.empty()) text += glm::Wrapped(name + ": " + result.trouble);
  }
  for (const std::string& warning : warnings) text += glm::Wrapped(warning);
  return text;
}

}  // namespace

AnalysisResult Render(const Validation& validation, const ValidatePlan& plan) {
  AnalysisResult result =
      glm::Render(*validation.apparent.fit, plan.design(), *plan.family, plan.regression.render);
  const std::vector<std::string> warnings = WarningsOf(validation, plan);
  result.json = ResultJson(validation, plan, result.json, warnings).dump(2);
  result.table = Table(validation, plan, result.table, warnings);
  return result;
}

}  // namespace consilium::validate
