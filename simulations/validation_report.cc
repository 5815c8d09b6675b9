#include "simulations/validation_report.h"

#include <optional>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "simulations/html_page.h"
#include "simulations/number_text.h"
#include "simulations/svg_plot.h"

namespace consilium {
namespace {

using Json = nlohmann::json;

std::string Number(const Json& number, const char* form) {
  return number.is_number() ? NumberText(number.get<double>(), form) : std::string("-");
}

/// "0.847 [0.801, 0.893]"
std::string Cell(const Json& measure) {
  if (!measure.is_object()) return "-";
  if (!measure["std_error"].is_number()) return Number(measure["estimate"], "%.3f");
  return Number(measure["estimate"], "%.3f") + " [" + Number(measure["conf_low"], "%.3f") + ", " +
         Number(measure["conf_high"], "%.3f") + "]";
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
std::string Forest(const Json& result,
                   const char* field,
                   const std::string& name,
                   std::optional<double> ideal) {
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
  return Figure(name, ForestPlot("Forest plot of " + name, rows, ideal));
}

std::string Calibration(const Json& validated) {
  std::vector<CalibrationPoint> points;
  for (const Json& group : validated["calibration_curve"]) {
    points.push_back({Series::kFederated, group["predicted"].get<double>(),
                      group["observed"].get<double>(), group["conf_low"].get<double>(),
                      group["conf_high"].get<double>()});
  }
  if (points.empty()) return {};
  return Figure("calibration of all held-out rows",
                CalibrationPlot("Calibration of all held-out rows", points));
}

std::string FoldTable(const Json& result) {
  using enum CellKind;
  HtmlTable table("Training rows beside held-out rows: estimates [limits]",
                  {{"", kText},
                   {"rows", kNumber},
                   {"events", kNumber},
                   {"AUC", kNumber},
                   {"Brier score", kNumber},
                   {"held-out rows", kNumber},
                   {"events", kNumber},
                   {"AUC", kNumber},
                   {"Brier score", kNumber},
                   {"in the large (0)", kNumber},
                   {"slope (1)", kNumber}});
  const auto side = [](const Json& part, std::vector<std::string>& cells) {
    if (!part.is_object()) {
      cells.insert(cells.end(), 4, "-");
      return;
    }
    cells.insert(cells.end(), {Number(part["rows"], "%.0f"), Number(part["events"], "%.0f"),
                               Cell(MeasureOf(part, "auc")), Cell(MeasureOf(part, "brier"))});
  };
  const auto add = [&](const std::string& name, const Json& training, const Json& held_out) {
    std::vector<std::string> cells = {name};
    side(training, cells);
    side(held_out, cells);
    cells.push_back(Cell(MeasureOf(held_out, "calibration_in_the_large")));
    cells.push_back(Cell(MeasureOf(held_out, "calibration_slope")));
    table.Add(std::move(cells));
  };
  for (const Json& fold : result["folds"]) {
    add(NameOf(fold), fold.value("training", Json()), fold.value("held_out", Json()));
  }
  Json apparent = result["apparent"];
  if (apparent.is_object()) {
    apparent["rows"] = result["rows"];
    apparent["events"] = result["events"];
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
  return Paragraph(
      "Circles: rows that the model has not seen. Diamonds: those that it was fitted to, where "
      "it looks better than it is. Validated are " +
          std::string(by_patient ? "means over folds" : "means over hospitals") +
          "; the Brier score and the calibration are of all held-out rows, each predicted by the "
          "model that has not seen it. Optimism, all rows less validated: AUC " +
          Number(result["optimism"]["auc"], "%.4f") + ", Brier score " +
          Number(result["optimism"]["brier"], "%.4f") + ".",
      "muted");
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
    if (result["warnings"].empty()) {
      body += Paragraph(result["method"] == "folds"
                            ? "Neither the mean calibration in the large nor the mean slope is off."
                            : "At no hospital that was left out is the calibration in the large "
                              "or the slope off.");
    }
    body += Grid(Forest(result, "auc", "AUC", {}) +
                 Forest(result, "calibration_slope", "calibration slope", 1.0) +
                 Forest(result, "calibration_in_the_large", "calibration in the large", 0.0) +
                 Calibration(validated));
    body += Explanation(result);
  } else {
    body += Paragraph("No fold could be judged.", "bad");
  }
  return Section("How the model does on rows that it has not seen",
                 body + FoldTable(result) + Messages(result["folds"]));
}

}  // namespace consilium
