#include "simulations/survival_report.h"

#include <algorithm>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "common/pages/html_page.h"
#include "common/pages/number_text.h"
#include "common/pages/svg_plot.h"
#include "common/terminal.h"

namespace consilium {
namespace {

using Json = nlohmann::json;
using Cells = std::vector<std::vector<std::string>>;

/// More hospitals than these make a table that nobody reads: comparison.json has them all.
constexpr std::size_t kMostListed = 50;

std::string Number(const Json& number, const char* form = "%.5g") {
  return number.is_number() ? NumberText(number.get<double>(), form) : std::string("-");
}

/// "310 (285 to 363)", or why there is no curve.
std::vector<std::string> MedianCells(const Attempt& attempt, std::size_t curves) {
  if (!attempt.run) return std::vector<std::string>(curves, "no curve");
  std::vector<std::string> cells;
  const Json result = Json::parse(attempt.run->result.json);
  for (const Json& curve : result["curves"]) {
    cells.push_back(Number(curve["median"]) + " (" + Number(curve["median_low"]) + " to " +
                    Number(curve["median_high"]) + ")");
  }
  return cells;
}

/// A row a run, a column a group.
Cells MedianRows(const Comparison& comparison) {
  const Json result = Json::parse(comparison.federated.result.json);
  Cells rows = {{"median (limits)"}};
  for (const Json& curve : result["curves"]) rows[0].push_back(curve["group"].get<std::string>());
  const auto add = [&rows](const std::string& name, const Attempt& attempt) {
    rows.push_back({name});
    const std::vector<std::string> cells = MedianCells(attempt, rows[0].size() - 1);
    rows.back().insert(rows.back().end(), cells.begin(), cells.end());
  };
  add("federated", Attempt{comparison.federated, {}});
  add("pooled", comparison.pooled);
  for (std::size_t i = 0; i < comparison.alone.size() && i < kMostListed; ++i) {
    add(comparison.alone[i].site + " alone", comparison.alone[i].attempt);
  }
  return rows;
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

std::vector<PlotPoint> PointsOf(const Json& curve, const char* field) {
  std::vector<PlotPoint> points;
  for (const Json& point : curve["points"]) {
    if (!point[field].is_number()) break;
    points.push_back({point["time"].get<double>(), point[field].get<double>()});
  }
  return points;
}

std::string Plot(const Json& result) {
  // Limits of many curves hide the curves.
  constexpr std::size_t kMostWithLimits = 3;
  const Json& groups = result["curves"];
  std::vector<StepCurve> curves;
  double last = 0;
  for (const Json& curve : groups) {
    StepCurve drawn{curve["group"].get<std::string>(), PointsOf(curve, "survival"), {}, {}};
    if (groups.size() <= kMostWithLimits) {
      drawn.low = PointsOf(curve, "conf_low");
      drawn.high = PointsOf(curve, "conf_high");
    }
    if (!drawn.steps.empty()) last = std::max(last, drawn.steps.back().x);
    curves.push_back(std::move(drawn));
  }
  const std::string title = "Share without " + result["event"].get<std::string>();
  return Figure(title,
                StepPlot(title, result["time"].get<std::string>(), curves, last > 0 ? last : 1));
}

std::string TestTable(const Json& result) {
  if (!result.contains("log_rank")) return {};
  Cells rows = {{"test", "chi-squared", "df", "p"}};
  for (const auto& [name, field] :
       {std::pair{"log-rank", "log_rank"},
        std::pair{"log-rank, stratified by hospital", "stratified_log_rank"}}) {
    const Json& test = result[field];
    rows.push_back({name, Number(test["statistic"], "%.6g"), Number(test["df"], "%.0f"),
                    Number(test["p_value"], "%.4g")});
  }
  return TableOf("Whether groups differ", rows).Html();
}

}  // namespace

bool HasSurvivalCurves(const Comparison& comparison) {
  return Json::parse(comparison.federated.result.json).contains("curves");
}

std::string SurvivalText(const Comparison& comparison) {
  Cells rows = MedianRows(comparison);
  for (std::vector<std::string>& row : rows) {
    for (std::string& cell : row) cell = Printable(cell);
  }
  return AlignedTable(rows);
}

std::string SurvivalSections(const Comparison& comparison) {
  const Json result = Json::parse(comparison.federated.result.json);
  Cells steps = {{"group", "time", "at risk", "events", "survival", "std. error", "limits"}};
  for (const Json& curve : result["curves"]) {
    for (const Json& point : curve["points"]) {
      steps.push_back(
          {curve["group"].get<std::string>(), Number(point["time"], "%.6g"),
           Number(point["at_risk"], "%.0f"), Number(point["events"], "%.0f"),
           Number(point["survival"]), Number(point["std_error"], "%.3g"),
           Number(point["conf_low"], "%.4g") + " to " + Number(point["conf_high"], "%.4g")});
    }
  }
  return Section("Survival", Plot(result) + TestTable(result)) +
         Section("Medians: federated, pooled and each hospital alone",
                 TableOf("Where half of the patients are left", MedianRows(comparison)).Html()) +
         Section("Steps", TableOf("Each step of the federated curves", steps).Html());
}

}  // namespace consilium
