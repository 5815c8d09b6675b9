#include "protocols/analyses/survival/render.h"

#include <cstdio>
#include <string>

#include <nlohmann/json.hpp>

#include "protocols/analyses/glm/tables.h"

namespace consilium::survival {
namespace {

using Json = nlohmann::ordered_json;

Json OrNull(const std::optional<double>& number) { return number ? Json(*number) : Json(); }

Json PointsJson(const Curve& curve) {
  Json points = Json::array();
  for (const CurvePoint& point : curve.points) {
    points.push_back({{"time", point.here.time},
                      {"at_risk", point.here.at_risk},
                      {"events", point.here.events},
                      {"survival", point.survival},
                      {"std_error", OrNull(point.std_error)},
                      {"conf_low", OrNull(point.low)},
                      {"conf_high", OrNull(point.high)},
                      {"cumulative_hazard", point.cumulative_hazard}});
  }
  return points;
}

Json CurvesJson(const SurvivalEstimate& estimate) {
  Json curves = Json::array();
  for (const Curve& curve : estimate.curves) {
    curves.push_back({{"group", curve.group},
                      {"rows", curve.rows},
                      {"events", curve.events},
                      {"median", OrNull(curve.median.estimate)},
                      {"median_low", OrNull(curve.median.low)},
                      {"median_high", OrNull(curve.median.high)},
                      {"bin_ends", curve.bin_ends},
                      {"points", PointsJson(curve)}});
  }
  return curves;
}

Json LogRankJson(const LogRankSums& sums, const SurvivalEstimate& estimate) {
  Json json;
  const std::optional<LogRankTest> test = TestOf(sums);
  json["statistic"] = test ? Json(test->statistic) : Json();
  json["df"] = test ? Json(test->df) : Json();
  json["p_value"] = test ? Json(test->p_value) : Json();
  json["groups"] = Json::array();
  for (std::size_t g = 0; g < estimate.curves.size(); ++g) {
    json["groups"].push_back({{"group", estimate.curves[g].group},
                              {"observed", sums.observed[g]},
                              {"expected", sums.expected[g]}});
  }
  return json;
}

Json ResultJson(const SurvivalEstimate& estimate, const SurvivalPlan& plan) {
  Json json;
  json["kind"] = "survival";
  json["event"] = plan.event();
  json["time"] = plan.time();
  if (plan.has_groups()) json["group"] = plan.design.columns[2];
  json["converged"] = true;
  json["sites"] = estimate.sites;
  json["patients"] = estimate.patients;
  json["rows"] = estimate.rows;
  json["events"] = estimate.events;
  json["bin_width"] = plan.bin_width;
  json["minimum_events"] = plan.minimum_events;
  json["bin_ends"] = estimate.bin_ends;
  json["confidence"] = plan.confidence;
  json["limits"] = std::string(NameOf(plan.scale));
  json["curves"] = CurvesJson(estimate);
  if (plan.has_groups()) {
    json["log_rank"] = LogRankJson(estimate.on_grid, estimate);
    json["stratified_log_rank"] = LogRankJson(estimate.by_site, estimate);
  }
  return json;
}

std::string Cell(const std::optional<double>& number, const char* form = "%.5g") {
  if (!number) return "-";
  char text[40];
  std::snprintf(text, sizeof text, form, *number);
  return text;
}

std::string Line(const std::string& group,
                 const std::string& rows,
                 const std::string& events,
                 const std::string& median,
                 const std::string& limits) {
  std::string text = group.substr(0, 30);
  text.resize(32, ' ');
  return text + glm::Right(rows, 8) + glm::Right(events, 9) + glm::Right(median, 12) +
         glm::Right(limits, 24) + "\n";
}

std::string TestLine(const char* name, const LogRankSums& sums) {
  const std::optional<LogRankTest> test = TestOf(sums);
  if (!test) return std::string(name) + ": there are no two groups to compare\n";
  char text[160];
  std::snprintf(text, sizeof text, "%s: chi-squared %.6g on %zu df, p ", name, test->statistic,
                test->df);
  return text + glm::PValue(test->p_value, 1) + "\n";
}

std::string Table(const SurvivalEstimate& estimate, const SurvivalPlan& plan) {
  std::string text =
      glm::Wrapped("Survival by Kaplan and Meier: " + plan.time() + " to " + plan.event() + ", " +
                   glm::Counted(estimate.patients, "patient", "patients") + " with " +
                   glm::Counted(estimate.events, "event", "events") + " from " +
                   glm::Counted(estimate.sites, "site", "sites"));
  text += "\n" + Line(plan.has_groups() ? plan.design.columns[2] : "", "rows", "events", "median",
                      "limits");
  for (const Curve& curve : estimate.curves) {
    text += Line(curve.group, Cell(curve.rows, "%.0f"), Cell(curve.events, "%.0f"),
                 Cell(curve.median.estimate),
                 Cell(curve.median.low) + " to " + Cell(curve.median.high));
  }
  if (plan.has_groups()) {
    text += "\n" + TestLine("log-rank", estimate.on_grid) +
            TestLine("log-rank stratified by site", estimate.by_site);
  }
  return text;
}

}  // namespace

AnalysisResult Render(const SurvivalEstimate& estimate, const SurvivalPlan& plan) {
  AnalysisResult result;
  result.converged = true;
  result.patients = estimate.patients;
  result.sites = estimate.sites;
  result.json = ResultJson(estimate, plan).dump(2);
  result.table = Table(estimate, plan);
  return result;
}

}  // namespace consilium::survival
