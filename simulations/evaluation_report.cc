#include "simulations/evaluation_report.h"

#include <algorithm>
#include <utility>

#include <nlohmann/json.hpp>

#include "common/pages/html_page.h"
#include "common/pages/number_text.h"
#include "common/pages/svg_plot.h"
#include "common/terminal.h"

namespace consilium {
namespace {

using Json = nlohmann::json;
using Cells = std::vector<std::vector<std::string>>;

constexpr std::size_t kWidth = 100;
/// More hospitals than these make tables and plots that nobody reads: comparison.json has them all.
constexpr std::size_t kMostListed = 50;
constexpr std::size_t kMostSitesPlotted = 20;

/// Fields of a result, with their names for people, in a table's head, and what they are where
/// predictions are right.
struct Shown {
  const char* field;
  const char* name;
  const char* head;
  std::optional<double> ideal;
  bool relative = false;  ///< What is ideal is what it is over all hospitals.
};
const Shown kAuc = {"auc", "AUC", "AUC", {}};
const Shown kInTheLarge = {"calibration_in_the_large", "calibration in the large",
                           "in the large (0)", 0.0};
const Shown kSlope = {"calibration_slope", "calibration slope", "slope (1)", 1.0};
const Shown kConcordance = {"concordance", "concordance (C-index)", "C-index", {}};

/// Whether a result is of a time to an event.
bool IsSurvival(const Json& result) { return result.contains("concordance"); }

/// The slope of a column of scores has their unit: of a hospital it is held against that over all
/// hospitals.
Shown SlopeOf(const Json& federated) {
  Shown slope = kSlope;
  if (!IsSurvival(federated) || !federated["model"].contains("column")) return slope;
  slope.ideal.reset();
  slope.relative = true;
  slope.head = "slope";
  const Json& measure = federated[slope.field];
  if (measure.is_object()) slope.ideal = measure["estimate"].get<double>();
  return slope;
}

/// What is shown of each hospital: first how well predictions rank patients.
std::vector<Shown> MeasuresOf(const Json& federated) {
  if (IsSurvival(federated)) return {kConcordance, SlopeOf(federated)};
  return {kAuc, kInTheLarge, kSlope};
}

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
  const std::vector<Shown> measures = MeasuresOf(all.front().result);
  Cells rows = {{"rows of", "rows", "events"}};
  for (const Shown& shown : measures) rows[0].push_back(shown.head);
  for (const Judged& one : all) {
    if (rows.size() > kMostListed + 2) break;
    std::vector<std::string> row(rows[0].size(), "-");
    row[0] = one.name;
    if (!one.result.is_null()) {
      row[1] = Number(one.result["rows"], "%.0f");
      row[2] = Number(one.result["events"], "%.0f");
      for (std::size_t i = 0; i < measures.size(); ++i) {
        row[3 + i] = Cell(one.result[measures[i].field]);
      }
    }
    rows.push_back(std::move(row));
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
  if (!shown.ideal) return false;
  const Json& measure = result[shown.field];
  return measure.is_object() && measure["std_error"].is_number() &&
         (measure["conf_low"].get<double>() > *shown.ideal ||
          measure["conf_high"].get<double>() < *shown.ideal);
}

/// Whether an AUC, or a concordance, says that predictions rank patients better than chance.
bool IsBetterThanChance(const Json& auc) {
  return auc.is_object() && auc["conf_low"].is_number() && auc["conf_low"].get<double>() > 0.5;
}

/// Whether a hospital's AUC, or concordance, alone would let one think that all is well there.
bool LooksFine(const Json& own, const Json& overall) {
  return IsBetterThanChance(own) && IsBetterThanChance(overall) &&
         own["estimate"].get<double>() >= overall["estimate"].get<double>();
}

std::string Expected(const Json& result) {
  const double rows = result["rows"].get<double>();
  return NumberText(result["mean_predicted"].get<double>() * rows, "%.1f") +
         " events were expected and " + Number(result["events"], "%.0f") + " happened";
}

/// What is wrong at one hospital with scores of a time to an event.
std::string SurvivalFailure(const Json& result, const Shown& slope) {
  if (!Misses(result, slope)) return {};
  const Json& measure = result[slope.field];
  const std::string found = " (slope " + Cell(measure);
  if (slope.relative) {
    return "hazards rise with the score by another slope than over all hospitals" + found + ", " +
           Number(*slope.ideal) + " over all)";
  }
  if (measure["conf_high"].get<double>() < 0) {
    return "patients with higher predictions have the event later" + found + ")";
  }
  return std::string("the predictions are") +
         (measure["estimate"].get<double>() < 1 ? " too extreme" : " not extreme enough") + found +
         ")";
}

/// What is wrong at one hospital with probabilities.
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

/// A measure's name for people, and its field.
using NamedField = std::pair<const char*, const char*>;

std::vector<NamedField> FieldsOf(const Json& result) {
  if (IsSurvival(result)) {
    return {{"concordance (C-index), of pairs of patients of one hospital", "concordance"},
            {result["model"].contains("column") ? "slope (1 for log hazards)"
                                                : "calibration slope (ideal 1)",
             "calibration_slope"}};
  }
  return {{"AUC", "auc"},
          {"Brier score", "brier"},
          {"log-loss", "log_loss"},
          {"observed / expected events", "observed_over_expected"},
          {"calibration in the large (ideal 0)", "calibration_in_the_large"},
          {"calibration intercept, beside the slope", "calibration_intercept"},
          {"calibration slope (ideal 1)", "calibration_slope"}};
}

std::string MeasureTable(const Json& result) {
  Cells rows = {{"measure", "estimate", "std. error", "limits"}};
  for (const auto& [name, field] : FieldsOf(result)) {
    const Json& measure = result[field];
    if (!measure.is_object()) {
      rows.push_back({name, "-", "-", "-"});
      continue;
    }
    rows.push_back(
        {name, Number(measure["estimate"], "%.5f"), Number(measure["std_error"], "%.4g"),
         Number(measure["conf_low"], "%.4f") + " to " + Number(measure["conf_high"], "%.4f")});
  }
  if (!IsSurvival(result)) {
    rows.push_back({"scaled Brier score", Number(result["scaled_brier"], "%.5f"), "-", "-"});
  }
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

std::vector<std::string> LevelCells(const Json& level, std::string name, bool survival) {
  if (level.contains("left_out")) {
    return {std::move(name), "left out: too few rows, events or others"};
  }
  std::vector<std::string> row = {std::move(name), Number(level["rows"], "%.0f"),
                                  Number(level["events"], "%.0f")};
  if (survival) {
    row.insert(row.end(), {Cell(level[kConcordance.field]), Cell(level[kSlope.field])});
  } else {
    row.insert(row.end(), {Cell(level["auc"]), Cell(level["observed_over_expected"]),
                           Cell(level[kInTheLarge.field]), Number(level["brier"], "%.4f")});
  }
  return row;
}

std::string SubgroupSection(const Json& result) {
  const bool survival = IsSurvival(result);
  Cells rows = {{"subgroup", "rows", "events", "AUC", "observed / expected", "in the large (0)",
                 "Brier score"}};
  if (survival) rows = {{"subgroup", "rows", "events", "C-index", SlopeOf(result).head}};
  for (const Json& subgroup : result["subgroups"]) {
    for (const Json& level : subgroup["levels"]) {
      const std::string name =
          subgroup["column"].get<std::string>() + " " + level["level"].get<std::string>();
      rows.push_back(LevelCells(level, name, survival));
    }
  }
  if (rows.size() == 1) return {};
  return Section("Subgroups", TableOf("Over all hospitals, by level", rows).Html());
}

/// Of a yes/no outcome, where there are any.
std::string CurvesOf(const Json& result) {
  if (IsSurvival(result) || result["calibration_curve"].empty()) return {};
  return Grid(CalibrationFigure("All hospitals", Series::kFederated, result["calibration_curve"]) +
              DecisionFigure(result["decision_curve"])) +
         Paragraph(
             "Calibration: groups of rows by predicted probability, their mean prediction against "
             "the share of events with its limits (Wilson); on the line as many events happen as "
             "predicted. Net benefit: what treating those above a threshold gains over treating "
             "nobody.",
             "muted");
}

/// What it means that there are no warnings.
std::string NoWarnings(const Json& federated) {
  if (!IsSurvival(federated)) {
    return "At no hospital does the interval of the calibration in the large miss 0 or that of the "
           "slope miss 1.";
  }
  return SlopeOf(federated).relative
             ? "At no hospital does the interval of the slope miss the slope over all hospitals."
             : "At no hospital does the interval of the slope miss 1.";
}

}  // namespace

bool IsEvaluation(const Comparison& comparison) {
  return Json::parse(comparison.federated.result.json).value("kind", "") == "evaluate";
}

std::vector<std::string> EvaluationWarnings(const Comparison& comparison) {
  const std::vector<Judged> all = AllOf(comparison);
  const Json& federated = all.front().result;
  const bool survival = IsSurvival(federated);
  const Shown& ranking = survival ? kConcordance : kAuc;
  const Shown failing = survival ? SlopeOf(federated) : kInTheLarge;
  std::vector<std::string> hidden;
  std::vector<std::string> open;
  for (std::size_t i = 2; i < all.size(); ++i) {
    const Json& result = all[i].result;
    if (result.is_null() || !result[ranking.field].is_object()) continue;
    const std::string failure = survival ? SurvivalFailure(result, failing) : Failure(result);
    if (failure.empty()) continue;
    const Json& own = result[ranking.field];
    const Json& overall = federated[ranking.field];
    if (LooksFine(own, overall) && Misses(result, failing)) {
      hidden.push_back(all[i].name + ": the " + std::string(ranking.head) + " looks fine (" +
                       Number(own["estimate"]) + ", over all hospitals " +
                       Number(overall["estimate"]) + "), but " + failure + ".");
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
  quality += CurvesOf(result);
  std::string sites;
  std::vector<std::string> warnings = EvaluationWarnings(comparison);
  if (warnings.size() > kMostListed) warnings.resize(kMostListed);
  for (const std::string& warning : warnings) sites += Paragraph(warning, "bad");
  if (warnings.empty() && !comparison.alone.empty()) {
    sites += Paragraph(NoWarnings(result));
  }
  std::string forests;
  for (const Shown& shown : MeasuresOf(result)) forests += Forest(all, shown);
  sites += Grid(forests);
  if (!IsSurvival(result)) sites += Grid(SiteCalibration(all));
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
