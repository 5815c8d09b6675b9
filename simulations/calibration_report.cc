#include "simulations/calibration_report.h"

#include <algorithm>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "common/pages/html_page.h"
#include "common/pages/number_text.h"
#include "common/pages/svg_plot.h"
#include "protocols/analyses/distributions.h"
#include "protocols/analyses/imputation/imputation.h"
#include "simulations/calibration.h"

namespace consilium {
namespace {

constexpr std::size_t kMostPlotted = 6;
constexpr std::size_t kMostListed = 200;

/// Tenths where there are rows for them; never fewer than three groups.
std::size_t GroupsFor(const CohortView& cohort) {
  constexpr Eigen::Index kRowsOfGroup = 20;
  return static_cast<std::size_t>(
      std::clamp<Eigen::Index>(cohort.values.rows() / kRowsOfGroup, 3, 10));
}

std::vector<CalibrationPoint> PointsOf(const Calibration& calibration, Series series) {
  std::vector<CalibrationPoint> points;
  for (const CalibrationGroup& group : calibration.groups) {
    const ShareLimits limits =
        WilsonLimits(static_cast<double>(group.events), static_cast<double>(group.rows), 0.95);
    points.push_back({series, group.predicted, group.observed(), limits.low, limits.high});
  }
  return points;
}

std::string NumberCell(const std::optional<CalibrationNumber>& number) {
  if (!number) return "-";
  return NumberText(number->estimate, "%.2f") + " [" + NumberText(number->limits.low, "%.2f") +
         ", " + NumberText(number->limits.high, "%.2f") + "]";
}

void AddRow(const std::string& name, const Calibration& calibration, HtmlTable& table) {
  const bool any = calibration.rows > 0;
  table.Add({name, std::to_string(calibration.rows), std::to_string(calibration.events),
             any ? NumberText(calibration.predicted, "%.3f") : "-",
             any ? NumberText(static_cast<double>(calibration.events) /
                                  static_cast<double>(calibration.rows),
                              "%.3f")
                 : "-",
             NumberCell(calibration.intercept), NumberCell(calibration.slope)});
}

HtmlTable EmptyTable() {
  using enum CellKind;
  return HtmlTable(
      "Calibration of the federated model; intercept and slope with 95 % limits, - where the "
      "rows do not tell",
      {{"rows of", kText},
       {"rows", kNumber},
       {"events", kNumber},
       {"mean predicted", kNumber},
       {"observed", kNumber},
       {"intercept (ideal 0)", kNumber},
       {"slope (ideal 1)", kNumber}});
}

/// The plot of all rows. Both models say nearly the same, so that of the pooled one lies below.
std::string Overall(const Plan& plan,
                    const CohortView& rows,
                    const Calibration& federated,
                    const std::vector<Coefficient>& pooled) {
  std::vector<CalibrationPoint> points;
  if (!pooled.empty()) {
    const Result<Calibration> other = CalibrationOf(plan, pooled, rows, GroupsFor(rows));
    if (other) points = PointsOf(*other, Series::kPooled);
    // One interval a group is enough where the marks coincide.
    for (CalibrationPoint& point : points) point.low = point.high = point.observed;
  }
  for (const CalibrationPoint& point : PointsOf(federated, Series::kFederated)) {
    points.push_back(point);
  }
  return Figure("All hospitals", CalibrationPlot("Calibration over all hospitals", points));
}

/// With the values that the result puts into gaps.
Cohort WithoutGaps(const CohortView& cohort, const nlohmann::json& result) {
  Cohort whole = CopyOf(cohort);
  const auto imputed = result.find("imputed");
  if (imputed == result.end()) return whole;
  for (const auto& line : *imputed) {
    const auto name = std::find(whole.columns.begin(), whole.columns.end(), line["name"]);
    imputation::FillGaps(whole, static_cast<std::size_t>(name - whole.columns.begin()),
                         line["value"]);
  }
  return whole;
}

}  // namespace

std::string CalibrationSection(const Plan& plan,
                               const VirtualFederation& federation,
                               const Comparison& comparison) {
  const std::vector<Coefficient> fitted = CoefficientsOf(comparison.federated);
  const auto result = nlohmann::json::parse(comparison.federated.result.json);
  if (fitted.empty() || result.value("kind", "") != "logistic") return {};
  if (!ShowsSingleSites(federation)) return {};
  const Cohort all = WithoutGaps(federation.Pooled(), result);
  const Result<Calibration> overall = CalibrationOf(plan, fitted, all, GroupsFor(all));
  if (!overall) return {};
  HtmlTable table = EmptyTable();
  AddRow("all hospitals", *overall, table);
  std::string figures = Overall(plan, all, *overall, CoefficientsOf(comparison.pooled));
  std::size_t seen = 0;
  for (std::size_t i = 0; i < federation.sites().size() && seen < kMostListed; ++i) {
    const VirtualSite& site = federation.sites()[i];
    if (!site.refusal.empty()) continue;
    const Cohort cohort = WithoutGaps(federation.cohort(i), result);
    const Result<Calibration> here = CalibrationOf(plan, fitted, cohort, GroupsFor(cohort));
    if (!here) continue;
    AddRow(site.name, *here, table);
    if (++seen > kMostPlotted) continue;
    figures += Figure(site.name, CalibrationPlot("Calibration at " + site.name,
                                                 PointsOf(*here, Series::kFederated)));
  }
  const std::size_t participants = federation.Participants().size();
  std::string text = Paragraph(
      "Groups of rows by the probability that the model predicts: its mean against the share of "
      "events, with 95 % limits (Wilson). Circles are the federated model, diamonds the one of all "
      "data in one place; on the line as many events happen as predicted. The models are judged on "
      "the rows that they were fitted to, so over all hospitals they fit by construction, and new "
      "patients may show them less well calibrated: look at the single hospitals.",
      "muted");
  if (participants > kMostPlotted) {
    text += Paragraph(
        "Plotted are the first " + std::to_string(kMostPlotted) + " of " +
            std::to_string(participants) + " hospitals" +
            (participants > kMostListed ? ", listed the first " + std::to_string(kMostListed)
                                        : std::string()) +
            ".",
        "muted");
  }
  return Section("Calibration", text + Grid(figures) + table.Html());
}

}  // namespace consilium
