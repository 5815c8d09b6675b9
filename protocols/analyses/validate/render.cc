#include "protocols/analyses/validate/render.h"

#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "common/names.h"
#include "protocols/analyses/evaluate/measures_json.h"
#include "protocols/analyses/glm/tables.h"
#include "protocols/analyses/validate/warnings.h"

namespace consilium::validate {
namespace {

using evaluate::MeasureJson;
using evaluate::OrNull;
using Json = nlohmann::ordered_json;

enum class Rows { kTraining, kHeldOut, kValidated };

Json SizesJson(const Sizes& sizes, const Layout& layout) {
  Json json = {{"patients", static_cast<std::uint64_t>(sizes.patients)},
               {"rows", static_cast<std::uint64_t>(sizes.rows)}};
  if (layout.has_events) json["events"] = static_cast<std::uint64_t>(sizes.events);
  return json;
}

/// Whether a result tells a measure of these rows.
bool IsTold(const MeasureKind& kind, Rows rows) {
  if (rows == Rows::kValidated) return kind.validated != Over::kNothing;
  return rows == Rows::kHeldOut || !kind.held_out_only;
}

void AddMeasures(const Judged& judged, Rows rows, const Layout& layout, Json& json) {
  for (std::size_t k = 0; k < layout.measures.size(); ++k) {
    const MeasureKind& kind = layout.measures[k];
    if (!IsTold(kind, rows)) continue;
    const std::optional<Measure>& measure = judged.measures[k];
    if (kind.has_limits) {
      json[kind.field] = MeasureJson(measure);
    } else {
      json[kind.field] = measure ? Json(measure->estimate) : Json();
    }
  }
  if (judged.bin_error) {
    json[layout.measures[layout.discrimination].field]["bin_error"] = *judged.bin_error;
  }
  if (rows == Rows::kHeldOut && !judged.trouble.empty()) json["message"] = judged.trouble;
}

Json EstimatesJson(const Fitted& fit, const ValidatePlan& plan) {
  Json list = Json::array();
  const std::vector<std::string> names = plan.model->Names();
  for (std::size_t j = 0; j < names.size(); ++j) {
    list.push_back({{"name", names[j]}, {"estimate", fit.coefficients[j]}});
  }
  return list;
}

Json FoldJson(const Validation& validation, const ValidatePlan& plan, Fold number) {
  const FoldResult& fold = validation.folds[number - 1];
  const Layout& layout = plan.model->layout();
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
  Json training = SizesJson(fold.training, layout);
  if (fold.on_training) AddMeasures(*fold.on_training, Rows::kTraining, layout, training);
  Json held_out = SizesJson(fold.held_out, layout);
  if (fold.on_held_out) {
    AddMeasures(*fold.on_held_out, Rows::kHeldOut, layout, held_out);
    json["coefficients"] = EstimatesJson(*fold.fit, plan);
  }
  json["training"] = std::move(training);
  json["held_out"] = std::move(held_out);
  return json;
}

Json ValidatedJson(const std::optional<Validated>& validated, const ValidatePlan& plan) {
  if (!validated) return {};
  const Layout& layout = plan.model->layout();
  Json json = {{"folds", validated->folds}};
  json.update(SizesJson(validated->sizes, layout));
  AddMeasures(validated->judged, Rows::kValidated, layout, json);
  plan.model->AddCurves(validated->judged, json);
  return json;
}

Json OptimismJson(const Validation& validation, const Layout& layout) {
  Json json = Json::object();
  for (std::size_t k = 0; k < layout.measures.size(); ++k) {
    if (!layout.measures[k].has_optimism) continue;
    json[layout.measures[k].field] = OrNull(OptimismOf(validation, k));
  }
  return json;
}

/// The regression of all rows as a study of its own would give it, and the validation behind.
Json ResultJson(const Validation& validation,
                const ValidatePlan& plan,
                const std::string& regression,
                const std::vector<std::string>& warnings) {
  const Layout& layout = plan.model->layout();
  Json json = {{"kind", "validate"}, {"model", std::string(plan.model->regression().kind())}};
  const bool by_patient = plan.method == Method::kFolds;
  json["method"] = by_patient ? "folds" : "leave-one-site-out";
  if (by_patient) json["seed"] = plan.seed;
  const Json fitted = Json::parse(regression);
  for (const auto& [key, value] : fitted.items()) {
    if (key != "kind") json[key] = value;
  }
  if (layout.has_events) {
    json["events"] = static_cast<std::uint64_t>(validation.apparent.training.events);
  }
  json["minimum_count"] = plan.minimum_count;
  Json apparent;
  if (validation.apparent.on_training) {
    AddMeasures(*validation.apparent.on_training, Rows::kTraining, layout, apparent);
  }
  json["apparent"] = std::move(apparent);
  json["folds"] = Json::array();
  for (Fold fold = 1; fold <= plan.folds; ++fold) {
    json["folds"].push_back(FoldJson(validation, plan, fold));
  }
  json["validated"] = ValidatedJson(validation.validated, plan);
  json["optimism"] = OptimismJson(validation, layout);
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
std::string Cell(const std::optional<Measure>& measure, const char* form) {
  if (!measure) return "-";
  std::string text = Number(measure->estimate, form);
  if (measure->std_error) text += " (" + Number(measure->std_error, form) + ")";
  return text;
}

constexpr std::size_t kNameWidth = 15;
constexpr std::size_t kCountWidth = 7;
constexpr std::size_t kSlopeWidth = 13;

std::string NameCell(std::string name) {
  if (name.size() > kNameWidth) name = name.substr(0, kNameWidth - 2) + "..";
  name.resize(kNameWidth, ' ');
  return name;
}

/// The lines about each fold and all of them.
class FoldTable {
 public:
  FoldTable(const Validation& validation, const ValidatePlan& plan)
      : validation_(validation), plan_(plan), layout_(plan.model->layout()) {}

  std::string Text() const {
    std::string text = Heading();
    for (Fold fold = 1; fold <= plan_.folds; ++fold) text += FoldLine(fold);
    text += Line("all rows",
                 {validation_.apparent.training, PointerTo(validation_.apparent.on_training)}, {});
    if (!validation_.validated) return text;
    const Validated& validated = *validation_.validated;
    return text + Line("validated", {}, {validated.sizes, &validated.judged}) +
           glm::Wrapped(Explanation());
  }

 private:
  /// What a line shows of some rows; nothing where there are none.
  struct Side {
    std::optional<Sizes> sizes;
    const Judged* judged = nullptr;
  };

  static const Judged* PointerTo(const std::optional<Judged>& judged) {
    return judged ? &*judged : nullptr;
  }

  std::size_t SideWidth() const {
    const std::size_t counts = layout_.has_events ? 2 : 1;
    std::size_t width = counts * kCountWidth;
    for (const std::size_t k : layout_.shown) width += layout_.measures[k].width;
    return width;
  }

  std::string Heading() const {
    std::string side = glm::Right("rows", kCountWidth);
    if (layout_.has_events) side += glm::Right("events", kCountWidth);
    for (const std::size_t k : layout_.shown) {
      side += glm::Right(layout_.measures[k].name, layout_.measures[k].width);
    }
    std::string text = NameCell("") + glm::Right("training rows", SideWidth()) +
                       glm::Right("held-out rows", SideWidth()) + "\n" + NameCell("") + side + side;
    if (layout_.in_the_large) text += glm::Right("in the large", layout_.in_the_large_width);
    return text + glm::Right("slope", kSlopeWidth) + "\n";
  }

  std::string SideCells(const Side& side) const {
    const auto count = [&side](double Sizes::*field) {
      return glm::Right(side.sizes ? Number((*side.sizes).*field, "%.0f") : std::string("-"),
                        kCountWidth);
    };
    std::string text = count(&Sizes::rows);
    if (layout_.has_events) text += count(&Sizes::events);
    for (const std::size_t k : layout_.shown) {
      std::optional<double> number;
      if (side.judged && side.judged->measures[k]) number = side.judged->measures[k]->estimate;
      text += glm::Right(Number(number, layout_.measures[k].form), layout_.measures[k].width);
    }
    return text;
  }

  std::string Line(const std::string& name, const Side& training, const Side& held_out) const {
    std::string text = NameCell(name) + SideCells(training) + SideCells(held_out);
    const auto calibration = [&](std::size_t k, std::size_t width) {
      std::optional<Measure> measure;
      if (held_out.judged) measure = held_out.judged->measures[k];
      text += glm::Right(Cell(measure, layout_.measures[k].form), width);
    };
    if (layout_.in_the_large) calibration(*layout_.in_the_large, layout_.in_the_large_width);
    calibration(layout_.slope, kSlopeWidth);
    return text + "\n";
  }

  std::string FoldLine(Fold number) const {
    const FoldResult& fold = validation_.folds[number - 1];
    const std::string name = NameOf(plan_, number);
    if (!fold.left_out.empty()) return Line(name, {}, {});
    return Line(name, {fold.training, PointerTo(fold.on_training)},
                {fold.held_out, PointerTo(fold.on_held_out)});
  }

  /// Names of the columns that are validated in this way: "AUC, calibration in the large".
  std::vector<std::string> Columns(Over over) const {
    std::vector<std::size_t> columns = layout_.shown;
    if (layout_.in_the_large) columns.push_back(*layout_.in_the_large);
    columns.push_back(layout_.slope);
    std::vector<std::string> names;
    for (const std::size_t k : columns) {
      if (layout_.measures[k].validated == over) names.emplace_back(layout_.measures[k].name);
    }
    return names;
  }

  std::string Explanation() const {
    const std::uint32_t folds = validation_.validated->folds;
    const std::vector<std::string> means = Columns(Over::kFolds);
    const std::vector<std::string> together = Columns(Over::kRows);
    std::string text = "Validated: " + JoinNames(means) +
                       (means.size() == 1 ? " is the mean" : " are means") + " over " +
                       (plan_.method == Method::kFolds ? glm::Counted(folds, "fold", "folds")
                                                       : glm::Counted(folds, "site", "sites"));
    if (!together.empty()) {
      text += "; " + JoinNames(together) + (together.size() == 1 ? " is" : " are") +
              " of all held-out rows";
    }
    text += ". Ideal " + std::string(layout_.in_the_large ? "are 0 in the large and" : "is") +
            " a slope of 1; in brackets standard errors.";
    std::string optimism;
    for (std::size_t k = 0; k < layout_.measures.size(); ++k) {
      if (!layout_.measures[k].has_optimism) continue;
      optimism += (optimism.empty() ? " " : ", ") + std::string(layout_.measures[k].name) + " " +
                  Number(OptimismOf(validation_, k), "%.4g");
    }
    return text + " Optimism, which is all rows less validated:" + optimism + ".";
  }

  const Validation& validation_;
  const ValidatePlan& plan_;
  const Layout& layout_;
};

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
  std::string text = regression + "\n" + MethodInWords(plan) + "\n";
  text += FoldTable(validation, plan).Text();
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
  AnalysisResult result = validation.apparent.fit->render();
  const std::vector<std::string> warnings = WarningsOf(validation, plan);
  result.json = ResultJson(validation, plan, result.json, warnings).dump(2);
  result.table = Table(validation, plan, result.table, warnings);
  return result;
}

}  // namespace consilium::validate
