#include "simulations/evaluation_report.h"

#include <algorithm>
#include <utility>

#include <nlohmann/json.hpp>

#include "common/terminal.h"
#include "simulations/html_page.h"
#include "simulations/number_text.h"
#include "simulations/svg_plot.h"

namespace consilium {
namespace {

using Json = nlohmann::json;
using Cells = std::vector<std::vector<std::string>>;

constexpr std::size_t kWidth = 100;
/// More hospitals than these make tables and plots that nobody reads: comparison.json has them all.
constexpr std::size_t kMostListed = 50;
constexpr std::size_t kMostSitesPlotted = 20;

/// Fields of a result, with their names for people and what they are where predictions are right.
struct Shown {
  const char* field;
  const char* name;
  std::optional<double> ideal;
};
const Shown kAuc = {"auc", "AUC", {}};
const Shown kInTheLarge = {"calibration_in_the_large", "calibration in the large", 0.0};
const Shown kSlope = {"calibration_slope", "calibration slope", 1.0};

std::string Number(const Json& number, const char* form = "%.3f") {
  return number.is_number() ? NumberText(number.get<double>(), form) : std::string("-");
}

/// "0.847 [0.801, 0.893]"
std::string Cell(const Json& measure) {
  if (!measure.is_object()) return "-";
  if (!measure["std_error"].is_number()) return Number(measure["estimate"]);
  return Number(measure["estimate"]) + " [" + Number(measure["conf_low"]) + ", " +
         Number(measure["conf_high"]) + "]";
}

/// A result by whom it is of; null where there is none.
struct Judged {
  std::string name;
  Series series = Series::kAlone;
  Json result;
};

Judged JudgedOf(const std::string& name, Series series, const Attempt& attempt) {
  return {name, series, attempt.run ? Json::parse(attempt.run->result.json) : Json()};
}

std::vector<Judged> AllOf(const Comparison& comparison) {
  std::vector<Judged> all = {
      JudgedOf("federated", Series::kFederated, Attempt{comparison.federated, {}}),
      JudgedOf("pooled", Series::kPooled, comparison.pooled)};
  for (const SiteAttempt& alone : comparison.alone) {
    all.push_back(JudgedOf(alone.site, Series::kAlone, alone.attempt));
  }
  return all;
}

Cells SiteCells(const std::vector<Judged>& all) {
  Cells rows = {{"rows of", "rows", "events", kAuc.name, "in the large (0)", "slope (1)"}};
  for (const Judged& one : all) {
    if (rows.size() > kMostListed + 2) break;
    if (one.result.is_null()) {
      rows.push_back({one.name, "-", "-", "-", "-", "-"});
      continue;
    }
    rows.push_back({one.name, Number(one.result["rows"], "%.0f"),
                    Number(one.result["events"], "%.0f"), Cell(one.result[kAuc.field]),
                    Cell(one.result[kInTheLarge.field]), Cell(one.result[kSlope.field])});
  }
  return rows;
}

std::string NotListed(const Comparison& comparison) {
  if (comparison.alone.size() <= kMostListed) return {};
  return "Listed are the first " + std::to_string(kMostListed) + " of " +
         std::to_string(comparison.alone.size()) + " hospitals; all are in comparison.json.";
}

/// Whether an interval does not hold what is ideal.
bool Misses(const Json& result, const Shown& shown) {
  const Json& measure = result[shown.field];
  return measure.is_object() && measure["std_error"].is_number() &&
         (measure["conf_low"].get<double>() > *shown.ideal ||
          measure["conf_high"].get<double>() < *shown.ideal);
}

/// Whether an AUC says that predictions rank patients better than chance.
bool IsBetterThanChance(const Json& auc) {
  return auc.is_object() && auc["conf_low"].is_number() && auc["conf_low"].get<double>() > 0.5;
}

std::string Expected(const Json& result) {
  const double rows = result["rows"].get<double>();
  return NumberText(result["mean_predicted"].get<double>() * rows, "%.1f") +
         " events were expected and " + Number(result["events"], "%.0f") + " happened";
}

/// What is wrong at one hospital.
std::string Failure(const Json& result) {
  std::string text;
  if (Misses(result, kInTheLarge)) {
    const Json& measure = result[kInTheLarge.field];
    text += std::string("the predictions are too ") +
            (measure["estimate"].get<double>() > 0 ? "low" : "high") + ": " + Expected(result) +
            " (calibration in the large " + Cell(measure) + ")";
  }
  if (Misses(result, kSlope)) {
    const Json& measure = result[kSlope.field];
    text += std::string(text.empty() ? "the predictions are" : "; and they are") +
            (measure["estimate"].get<double>() < 1 ? " too extreme" : " not extreme enough") +
            " (calibration slope " + Cell(measure) + ")";
  }
  return text;
}

ForestRow RowOf(const Judged& one, const Shown& shown) {
  ForestRow row{one.name, one.series, std::nullopt, 0, 0, "none"};
  if (one.result.is_null() || !one.result[shown.field].is_object()) return row;
  const Json& measure = one.result[shown.field];
  row.estimate = measure["estimate"].get<double>();
  row.low = measure["conf_low"].is_number() ? measure["conf_low"].get<double>() : *row.estimate;
  row.high = measure["conf_high"].is_number() ? measure["conf_high"].get<double>() : *row.estimate;
  return row;
}

std::string Forest(const std::vector<Judged>& all, const Shown& shown) {
  std::vector<ForestRow> rows;
  bool any = false;
  for (const Judged& one : all) {
    if (rows.size() >= kMostSitesPlotted + 2) break;
    rows.push_back(RowOf(one, shown));
    any = any || rows.back().estimate;
  }
  if (!any) return {};
  return Figure(shown.name,
                ForestPlot(std::string("Forest plot of ") + shown.name, rows, shown.ideal));
}

HtmlTable TableOf(std::string caption, const Cells& rows) {
  std::vector<std::pair<std::string, CellKind>> heading;
  for (const std::string& name : rows[0]) {
    heading.emplace_back(name, heading.empty() ? CellKind::kText : CellKind::kNumber);
  }
  HtmlTable table(std::move(caption), std::move(heading));
  for (std::size_t i = 1; i < rows.size(); ++i) table.Add(rows[i]);
  return table;
}

std::string MeasureTable(const Json& result) {
  constexpr std::pair<const char*, const char*> kNames[] = {
      {"AUC", "auc"},
      {"Brier score", "brier"},
      {"log-loss", "log_loss"},
      {"observed / expected events", "observed_over_expected"},
      {"calibration in the large (ideal 0)", "calibration_in_the_large"},
      {"calibration intercept, beside the slope", "calibration_intercept"},
      {"calibration slope (ideal 1)", "calibration_slope"}};
  Cells rows = {{"measure", "estimate", "std. error", "limits"}};
  for (const auto& [name, field] : kNames) {
    const Json& measure = result[field];
    if (!measure.is_object()) {
      rows.push_back({name, "-", "-", "-"});
      continue;
    }
    rows.push_back(
        {name, Number(measure["estimate"], "%.5f"), Number(measure["std_error"], "%.4g"),
         Number(measure["conf_low"], "%.4f") + " to " + Number(measure["conf_high"], "%.4f")});
  }
  rows.push_back({"scaled Brier score", Number(result["scaled_brier"], "%.5f"), "-", "-"});
  return TableOf("Over all hospitals", rows).Html();
}

std::string CalibrationFigure(const std::string& heading, Series series, const Json& curve) {
  std::vector<CalibrationPoint> points;
  for (const Json& group : curve) {
    points.push_back({series, group["predicted"].get<double>(), group["observed"].get<double>(),
                      group["conf_low"].get<double>(), group["conf_high"].get<double>()});
  }
  return points.empty() ? std::string()
                        : Figure(heading, CalibrationPlot("Calibration: " + heading, points));
}

/// Of each hospital alone.
std::string SiteCalibration(const std::vector<Judged>& all) {
  std::string figures;
  for (std::size_t i = 2; i < std::min(all.size(), kMostSitesPlotted + 2); ++i) {
    if (all[i].result.is_null()) continue;
    figures += CalibrationFigure(all[i].name, Series::kAlone, all[i].result["calibration_curve"]);
  }
  return figures;
}

/// Net benefit in events a hundred patients over thresholds in percent.
std::string DecisionFigure(const Json& curve) {
  // To treat all becomes as bad as one likes, and would flatten the rest.
  constexpr double kLowest = -2;
  BandCurve model{"by the model", {}};
  BandCurve all{"treat all", {}};
  BandCurve none{"treat none", {}};
  const auto add = [](BandCurve& line, double x, double y) {
    if (y >= kLowest) line.points.push_back({x, y, y, y});
  };
  for (const Json& point : curve) {
    const double threshold = 100 * point["threshold"].get<double>();
    add(model, threshold, 100 * point["net_benefit"].get<double>());
    add(all, threshold, 100 * point["treat_all"].get<double>());
    add(none, threshold, 0);
  }
  const std::string plot = BandPlot("Decision curve", "threshold (%)",
                                    "net benefit (events in 100 patients)", {model, all, none});
  return plot.empty() ? plot : Figure("Net benefit", plot);
}

std::string SubgroupSection(const Json& result) {
  Cells rows = {{"subgroup", "rows", "events", "AUC", "observed / expected", "in the large (0)",
                 "Brier score"}};
  for (const Json& subgroup : result["subgroups"]) {
    for (const Json& level : subgroup["levels"]) {
      const std::string name =
          subgroup["column"].get<std::string>() + " " + level["level"].get<std::string>();
      if (level.contains("left_out")) {
        rows.push_back({name, "left out: too few rows, events or others"});
        continue;
      }
      rows.push_back({name, Number(level["rows"], "%.0f"), Number(level["events"], "%.0f"),
                      Cell(level["auc"]), Cell(level["observed_over_expected"]),
                      Cell(level[kInTheLarge.field]), Number(level["brier"], "%.4f")});
    }
  }
  if (rows.size() == 1) return {};
  return Section("Subgroups", TableOf("Over all hospitals, by level", rows).Html());
}

}  // namespace

bool IsEvaluation(const Comparison& comparison) {
  return Json::parse(comparison.federated.result.json).value("kind", "") == "evaluate";
}

std::vector<std::string> EvaluationWarnings(const Comparison& comparison) {
  const std::vector<Judged> all = AllOf(comparison);
  const Json& federated = all.front().result;
  std::vector<std::string> hidden;
  std::vector<std::string> open;
  for (std::size_t i = 2; i < all.size(); ++i) {
    const Json& result = all[i].result;
    if (result.is_null() || !result[kAuc.field].is_object()) continue;
    const std::string failure = Failure(result);
    if (failure.empty()) continue;
    const Json& auc = result[kAuc.field];
    const Json& overall = federated[kAuc.field];
    const bool looks_fine = IsBetterThanChance(auc) && IsBetterThanChance(overall) &&
                            auc["estimate"].get<double>() >= overall["estimate"].get<double>();
    if (looks_fine && Misses(result, kInTheLarge)) {
      hidden.push_back(all[i].name + ": the AUC looks fine (" + Number(auc["estimate"]) +
                       ", over all hospitals " + Number(overall["estimate"]) + "), but " + failure +
                       ".");
    } else {
      open.push_back(all[i].name + ": " + failure + ".");
    }
  }
  hidden.insert(hidden.end(), open.begin(), open.end());
  return hidden;
}

std::string EvaluationText(const Comparison& comparison) {
  Cells rows = SiteCells(AllOf(comparison));
  for (std::vector<std::string>& row : rows) {
    for (std::string& cell : row) cell = Printable(cell);
  }
  std::string text = AlignedTable(rows);
  if (const std::string rest = NotListed(comparison); !rest.empty()) text += rest + "\n";
  std::vector<std::string> warnings = EvaluationWarnings(comparison);
  if (warnings.size() > kMostListed) warnings.resize(kMostListed);
  for (const std::string& warning : warnings) {
    text += Wrapped(Printable(warning), kWidth, 2) + "\n";
  }
  return text;
}

std::string EvaluationSections(const Comparison& comparison) {
  const std::vector<Judged> all = AllOf(comparison);
  const Json& result = all.front().result;
  std::string quality = MeasureTable(result);
  if (result.contains("message")) quality += Paragraph(result["message"], "bad");
  if (!result["calibration_curve"].empty()) {
    quality +=
        Grid(CalibrationFigure("All hospitals", Series::kFederated, result["calibration_curve"]) +
             DecisionFigure(result["decision_curve"]));
    quality += Paragraph(
        "Calibration: groups of rows by predicted probability, their mean prediction against the "
        "share of events with its limits (Wilson); on the line as many events happen as predicted. "
        "Net benefit: what treating those above a threshold gains over treating nobody.",
        "muted");
  }
  std::string sites;
  std::vector<std::string> warnings = EvaluationWarnings(comparison);
  if (warnings.size() > kMostListed) warnings.resize(kMostListed);
  for (const std::string& warning : warnings) sites += Paragraph(warning, "bad");
  if (warnings.empty() && !comparison.alone.empty()) {
    sites += Paragraph(
        "At no hospital does the interval of the calibration in the large miss 0 or that of the "
        "slope miss 1.");
  }
  sites += Grid(Forest(all, kAuc) + Forest(all, kInTheLarge) + Forest(all, kSlope));
  sites += Grid(SiteCalibration(all));
  sites += TableOf("Estimates [limits]; - where the rows do not tell", SiteCells(all)).Html();
  if (const std::string rest = NotListed(comparison); !rest.empty()) {
    sites += Paragraph(rest, "muted");
  }
  sites += Paragraph(
      "Only a simulation, which has all rows, can show single hospitals: in a study their tables "
      "stay at the hospitals.",
      "muted");
  for (std::size_t i = 0; i < comparison.alone.size() && i < kMostListed; ++i) {
    const SiteAttempt& alone = comparison.alone[i];
    const std::string trouble = TroubleOf(alone.attempt);
    if (!trouble.empty()) sites += Paragraph(alone.site + " alone: " + trouble, "muted");
  }
  return Section("How good the predictions are", quality) + SubgroupSection(result) +
         Section("Federated, pooled and at each hospital alone", sites);
}

}  // namespace consilium
