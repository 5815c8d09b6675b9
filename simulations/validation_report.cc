#include "simulations/validation_report.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "common/check.h"
#include "common/pages/html_page.h"
#include "common/pages/number_text.h"
#include "common/pages/svg_plot.h"

namespace consilium {
namespace {

using Json = nlohmann::json;

/// A measure as this page calls it.
struct Shown {
  const char* field;
  const char* name;
  const char* form;
};

/// What is shown of a validated regression. Each has a calibration slope, all but Cox's a
/// calibration in the large.
struct Presentation {
  std::string_view model;
  std::array<Shown, 2> sides;  ///< Of training and held-out rows.
  std::size_t plotted = 0;     ///< Of these, the one whose limits are drawn.
  bool has_events = true;
  bool has_in_the_large = true;
  const char* together = "";  ///< What is of all held-out rows.
};

constexpr Presentation kPresentations[] = {
    {.model = "logistic",
     .sides = {{{"auc", "AUC", "%.3f"}, {"brier", "Brier score", "%.3f"}}},
     .together = "the Brier score and the calibration are"},
    {.model = "linear",
     .sides = {{{"r_squared", "R squared", "%.3f"}, {"rmse", "root mean squared error", "%.4g"}}},
     .plotted = 1,
     .has_events = false,
     .together = "R squared and the root mean squared error are"},
    {.model = "poisson",
     .sides = {{{"d_squared", "D squared", "%.3f"}, {"deviance", "mean deviance", "%.4g"}}},
     .plotted = 1,
     .together = "D squared and the mean deviance are"},
    {.model = "cox",
     .sides = {{{"concordance", "concordance", "%.3f"},
                {"log_likelihood_gain", "gain an event", "%.3f"}}},
     .has_in_the_large = false,
     .together = "the gain in log partial likelihood is"}};

constexpr Shown kInTheLarge = {"calibration_in_the_large", "calibration in the large", "%.3f"};
constexpr Shown kSlope = {"calibration_slope", "calibration slope", "%.3f"};

const Presentation& PresentationOf(const Json& result) {
  const std::string model = result["model"].get<std::string>();
  const auto* found = std::find_if(std::begin(kPresentations), std::end(kPresentations),
                                   [&](const Presentation& one) { return one.model == model; });
  CHECK(found != std::end(kPresentations));
  return *found;
}

std::string Number(const Json& number, const char* form) {
  return number.is_number() ? NumberText(number.get<double>(), form) : std::string("-");
}

/// "0.847 [0.801, 0.893]"; of a number without limits that alone.
std::string Cell(const Json& measure, const char* form) {
  if (!measure.is_object()) return Number(measure, form);
  if (!measure["std_error"].is_number()) return Number(measure["estimate"], form);
  return Number(measure["estimate"], form) + " [" + Number(measure["conf_low"], form) + ", " +
         Number(measure["conf_high"], form) + "]";
}

/// A measure of a part; null where there is none.
Json MeasureOf(const Json& part, const char* field) {
  return part.is_object() && part.contains(field) ? part[field] : Json();
}

std::string NameOf(const Json& fold) {
  if (fold.contains("site")) return fold["site"].get<std::string>();
  return "fold " + std::to_string(fold["fold"].get<int>());
}

ForestRow RowOf(const std::string& label, Series series, const Json& measure) {
  ForestRow row{label, series, std::nullopt, 0, 0, "none"};
  if (!measure.is_object()) return row;
  row.estimate = measure["estimate"].get<double>();
  row.low = measure["conf_low"].is_number() ? measure["conf_low"].get<double>() : *row.estimate;
  row.high = measure["conf_high"].is_number() ? measure["conf_high"].get<double>() : *row.estimate;
  return row;
}

/// A measure over all folds, then of each on both sides, the training rows where they have it.
std::string Forest(const Json& result, const Shown& shown, std::optional<double> ideal) {
  const char* const field = shown.field;
  std::vector<ForestRow> rows = {
      RowOf("validated", Series::kFederated, MeasureOf(result["validated"], field))};
  if (!rows[0].estimate) return {};
  const auto add_training = [&](const std::string& label, const Json& part) {
    const Json measure = MeasureOf(part, field);
    if (!measure.is_null()) rows.push_back(RowOf(label, Series::kPooled, measure));
  };
  add_training("all rows", result["apparent"]);
  for (const Json& fold : result["folds"]) {
    if (!fold.contains("held_out")) continue;
    rows.push_back(RowOf(NameOf(fold), Series::kFederated, MeasureOf(fold["held_out"], field)));
    add_training("its training", fold["training"]);
  }
  const std::string name = shown.name;
  return Figure(name, ForestPlot("Forest plot of " + name, rows, ideal));
}

std::string Calibration(const Json& validated) {
  std::vector<CalibrationPoint> points;
  for (const Json& group : validated.value("calibration_curve", Json::array())) {
    points.push_back({Series::kFederated, group["predicted"].get<double>(),
                      group["observed"].get<double>(), group["conf_low"].get<double>(),
                      group["conf_high"].get<double>()});
  }
  if (points.empty()) return {};
  return Figure("calibration of all held-out rows",
                CalibrationPlot("Calibration of all held-out rows", points));
}

/// Cells of some rows: how many, events, the two measures.
std::vector<std::string> SideOf(const Json& part, const Presentation& shown) {
  std::vector<std::string> cells = {Number(MeasureOf(part, "rows"), "%.0f")};
  if (shown.has_events) cells.push_back(Number(MeasureOf(part, "events"), "%.0f"));
  for (const Shown& side : shown.sides) {
    cells.push_back(Cell(MeasureOf(part, side.field), side.form));
  }
  return cells;
}

HtmlTable EmptyTable(const Presentation& shown) {
  using enum CellKind;
  std::vector<std::pair<std::string, CellKind>> columns = {{"", kText}};
  for (const char* rows : {"rows", "held-out rows"}) {
    columns.push_back({rows, kNumber});
    if (shown.has_events) columns.push_back({"events", kNumber});
    for (const Shown& side : shown.sides) columns.push_back({side.name, kNumber});
  }
  if (shown.has_in_the_large) columns.push_back({"in the large (0)", kNumber});
  columns.push_back({"slope (1)", kNumber});
  return HtmlTable("Training rows beside held-out rows: estimates [limits]", std::move(columns));
}

std::string FoldTable(const Json& result) {
  const Presentation& shown = PresentationOf(result);
  HtmlTable table = EmptyTable(shown);
  const auto add = [&](const std::string& name, const Json& training, const Json& held_out) {
    std::vector<std::string> cells = {name};
    for (const Json& part : {training, held_out}) {
      for (std::string& cell : SideOf(part, shown)) cells.push_back(std::move(cell));
    }
    if (shown.has_in_the_large) {
      cells.push_back(Cell(MeasureOf(held_out, kInTheLarge.field), kInTheLarge.form));
    }
    cells.push_back(Cell(MeasureOf(held_out, kSlope.field), kSlope.form));
    table.Add(std::move(cells));
  };
  for (const Json& fold : result["folds"]) {
    add(NameOf(fold), fold.value("training", Json()), fold.value("held_out", Json()));
  }
  Json apparent = result["apparent"];
  if (apparent.is_object()) {
    apparent["rows"] = result["rows"];
    apparent["events"] = result.value("events", Json());
  }
  add("all rows", apparent, Json());
  add("validated", Json(), result["validated"]);
  return table.Html();
}

/// Of folds that were left out or have no estimate.
std::string Messages(const Json& folds) {
  std::string text;
  for (const Json& fold : folds) {
    if (fold.contains("message")) {
      text += Paragraph(NameOf(fold) + ": " + fold["message"].get<std::string>(), "muted");
    }
  }
  return text;
}

std::string Explanation(const Json& result) {
  const bool by_patient = result["method"] == "folds";
  const Presentation& shown = PresentationOf(result);
  std::string optimism;
  for (const Shown& measure : shown.sides) {
    if (!result["optimism"].contains(measure.field)) continue;
    optimism += (optimism.empty() ? "" : ", ") + std::string(measure.name) + " " +
                Number(result["optimism"][measure.field], "%.4f");
  }
  return Paragraph(
      "Circles: rows that the model has not seen. Diamonds: those that it was fitted to, where "
      "it looks better than it is. Validated are " +
          std::string(by_patient ? "means over folds" : "means over hospitals") + "; " +
          shown.together +
          " of all held-out rows, each predicted by the model that has not seen it. Optimism, "
          "all rows less validated: " +
          optimism + ".",
      "muted");
}

std::string NothingIsOff(const Json& result) {
  const bool in_the_large = PresentationOf(result).has_in_the_large;
  if (result["method"] == "folds") {
    return in_the_large ? "Neither the mean calibration in the large nor the mean slope is off."
                        : "The mean calibration slope is not off.";
  }
  return std::string("At no hospital that was left out is the calibration ") +
         (in_the_large ? "in the large or the slope off." : "slope off.");
}

}  // namespace

bool IsValidation(const Comparison& comparison) {
  return Json::parse(comparison.federated.result.json).value("kind", "") == "validate";
}

std::string ValidationSection(const Comparison& comparison) {
  const Json result = Json::parse(comparison.federated.result.json);
  const Json& validated = result["validated"];
  std::string body;
  for (const Json& warning : result["warnings"]) {
    body += Paragraph(warning.get<std::string>(), "bad");
  }
  if (validated.is_object()) {
    const Presentation& shown = PresentationOf(result);
    if (result["warnings"].empty()) body += Paragraph(NothingIsOff(result));
    body += Grid(Forest(result, shown.sides[shown.plotted], {}) + Forest(result, kSlope, 1.0) +
                 Forest(result, kInTheLarge, 0.0) + Calibration(validated));
    body += Explanation(result);
  } else {
    body += Paragraph("No fold could be judged.", "bad");
  }
  return Section("How the model does on rows that it has not seen",
                 body + FoldTable(result) + Messages(result["folds"]));
}

}  // namespace consilium
