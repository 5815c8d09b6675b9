#include "simulations/training_report.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <utility>

#include <nlohmann/json.hpp>

#include "common/command_errors.h"
#include "common/pages/html_page.h"
#include "common/pages/number_text.h"
#include "common/pages/svg_plot.h"
#include "common/terminal.h"
#include "simulations/course_figures.h"

namespace consilium {
namespace {

using Json = nlohmann::json;
using Row = std::vector<std::string>;

/// More hospitals than these make tables that nobody reads: comparison.json has them all.
constexpr std::size_t kMostListed = 200;

/// Names first, then numbers.
using Heading = std::array<const char*, 6>;

/// What stands beside the loss: of a time to an event, whose result names the time, no row is right
/// or wrong.
bool IsOfTimes(const Json& result) { return result.contains("time"); }

Heading ModelsHeading(const Json& result) {
  const char* const beside = IsOfTimes(result) ? "C-index" : "accuracy";
  return {"model trained on", "rounds", "training loss", beside, "held-out loss", beside};
}

std::string NumberOf(const Json& point, const char* field, const char* form) {
  const auto found = point.find(field);
  if (found == point.end() || !found->is_number()) return "-";
  return NumberText(found->get<double>(), form);
}

/// Losses of the model that a run released: of the line of its curve that begins with it.
Row RowOf(const std::string& name, const Attempt& attempt) {
  if (attempt.error) return {name, "-", "none: " + attempt.error->message};
  const Json result = Json::parse(attempt.run->result.json);
  const Json& curve = result["curve"];
  const std::size_t best = std::min(result["best_round"].get<std::size_t>(), curve.size() - 1);
  const Json& point = curve[best];
  const bool times = IsOfTimes(result);
  return {name,
          std::to_string(result["training_rounds"].get<std::uint32_t>()),
          NumberOf(point, "training_loss", "%.5f"),
          NumberOf(point, times ? "training_concordance" : "training_accuracy", "%.4f"),
          NumberOf(point, "validation_loss", "%.5f"),
          NumberOf(point, times ? "validation_concordance" : "validation_accuracy", "%.4f")};
}

std::vector<Row> RowsOf(const Comparison& comparison) {
  std::vector<Row> rows;
  rows.push_back(RowOf("all hospitals, federated", Attempt{comparison.federated, {}}));
  rows.push_back(RowOf("all data in one place", comparison.pooled));
  for (const SiteAttempt& alone : comparison.alone) {
    if (rows.size() == kMostListed) break;
    rows.push_back(RowOf(alone.site + " alone", alone.attempt));
  }
  return rows;
}

/// The points of a curve that have this field.
std::vector<PlotPoint> PointsOf(const Json& curve, const char* field) {
  std::vector<PlotPoint> points;
  for (const Json& point : curve) {
    if (point[field].is_number()) {
      points.push_back({point["round"].get<double>(), point[field].get<double>()});
    }
  }
  return points;
}

void AddFigure(const Json& curve,
               const char* field,
               const std::string& heading,
               const std::string& unit,
               std::string& figures) {
  const std::vector<PlotPoint> points = PointsOf(curve, field);
  if (points.size() > 1) figures += Figure(heading, LinePlot(heading, "round", unit, points));
}

/// In words, whether the model learned its rows by heart.
std::string Verdict(const Json& result) {
  const Json& curve = result["curve"];
  if (result.contains("privacy")) {
    return "With noise no loss leaves a hospital: look at the model's predictions for patients "
           "that "
           "it has not seen.";
  }
  if (!curve.back()["validation_loss"].is_number()) {
    return "No rows were held out, so that nothing shows whether the model fits new patients: set "
           "validation in the plan.";
  }
  const double training = curve.back()["training_loss"].get<double>();
  const double held_out = curve.back()["validation_loss"].get<double>();
  const auto best = result["best_round"].get<std::size_t>();
  std::string text = "At the end the mean loss is " + NumberText(training, "%.4g") +
                     " on rows that were learned from and " + NumberText(held_out, "%.4g") +
                     " on rows that were held out.";
  if (IsOfTimes(result)) {
    text +=
        " (Fewer held-out rows are at risk beside each other, so the two are not to be compared; "
        "concordances are.)";
  }
  const Json& chosen = curve[std::min(best, curve.size() - 1)];
  const double smallest = chosen["validation_loss"].get<double>();
  if (held_out > smallest && training < chosen["training_loss"].get<double>()) {
    text += " From round " + std::to_string(best) +
            " on it grew on held-out rows while it went on falling on the others: the model began "
            "to learn its rows by heart (overfitting). The model of that round is released.";
  }
  return text;
}

/// Mean and standard deviation over those trials of a combination that have the number.
std::string MeanOf(const Campaign& campaign,
                   std::size_t combination,
                   const char* of,
                   const char* over) {
  std::vector<double> found;
  for (const Trial& trial : campaign.trials) {
    if (trial.combination != combination || trial.error || trial.rounds.empty()) continue;
    const std::optional<double> ratio = RatioOf(trial.rounds.back(), of, over);
    if (ratio) found.push_back(*ratio);
  }
  if (found.empty()) return "-";
  double mean = 0;
  double squares = 0;
  const auto count = static_cast<double>(found.size());
  for (const double one : found) mean += one / count;
  for (const double one : found) squares += (one - mean) * (one - mean);
  std::string text = NumberText(mean, "%.4f");
  if (found.size() > 1) text += " (" + NumberText(std::sqrt(squares / (count - 1)), "%.4f") + ")";
  return text;
}

bool IsOfTimes(const Campaign& campaign) {
  return IsOfTimes(Json::parse(campaign.shown.comparison.federated.result.json));
}

Heading RunsHeading(const Campaign& campaign) {
  const bool times = IsOfTimes(campaign);
  return {"combination",   "runs",
          "training loss", times ? "training C-index" : "training accuracy",
          "held-out loss", times ? "held-out C-index" : "held-out accuracy"};
}

/// For the terminal.
std::string TextTable(const Heading& heading, std::vector<Row> rows) {
  for (Row& row : rows) row.front() = Printable(row.front());
  rows.insert(rows.begin(), Row(heading.begin(), heading.end()));
  return AlignedTable(rows);
}

/// For the page.
std::string PageTable(const std::string& caption, const Heading& heading, std::vector<Row> rows) {
  std::vector<std::pair<std::string, CellKind>> columns;
  for (const char* name : heading) {
    columns.emplace_back(name, columns.empty() ? CellKind::kText : CellKind::kNumber);
  }
  HtmlTable table(caption, std::move(columns));
  for (Row& row : rows) table.Add(std::move(row));
  return table.Html();
}

std::vector<Row> RunsRows(const Campaign& campaign) {
  const bool times = IsOfTimes(campaign);
  const auto beside = [&](std::size_t i, const std::string& whose, const std::string& all) {
    return times ? MeanOf(campaign, i, (whose + " pairs in order").c_str(),
                          (whose + " pairs").c_str())
                 : MeanOf(campaign, i, (whose + " hits").c_str(), all.c_str());
  };
  std::vector<Row> rows;
  for (std::size_t i = 0; i < campaign.experiments.size(); ++i) {
    std::size_t runs = 0;
    for (const Trial& trial : campaign.trials) {
      runs += trial.combination == i && !trial.error ? 1U : 0U;
    }
    rows.push_back({CombinationName(campaign.experiments[i]), std::to_string(runs),
                    MeanOf(campaign, i, "training loss", "rows in the loss"),
                    beside(i, "training", "rows in the loss"),
                    MeanOf(campaign, i, "held-out loss", "held-out rows"),
                    beside(i, "held-out", "held-out rows")});
  }
  return rows;
}

/// "; 2 runs failed, the first: ..."
std::string FailuresOf(const Campaign& campaign) {
  std::size_t failed = 0;
  const Error* first = nullptr;
  for (const Trial& trial : campaign.trials) {
    if (!trial.error) continue;
    ++failed;
    if (first == nullptr) first = &*trial.error;
  }
  if (first == nullptr) return {};
  return std::to_string(failed) + (failed == 1 ? " run" : " runs") +
         " failed, the first: " + Describe(*first);
}

constexpr const char* kLastRound =
    "Means over seeds, and standard deviations between them, of what the last round found.";

}  // namespace

std::string TrainingRunsText(const Campaign& campaign) {
  const std::string failures = FailuresOf(campaign);
  return std::to_string(campaign.trials.size()) + " runs. " + kLastRound + "\n" +
         TextTable(RunsHeading(campaign), RunsRows(campaign)) +
         (failures.empty() ? "" : Wrapped(Printable(failures), 100, 0) + "\n");
}

std::string TrainingRunsSection(const Campaign& campaign) {
  const std::string failures = FailuresOf(campaign);
  return Section("All runs", CourseFigures(campaign) +
                                 PageTable(kLastRound, RunsHeading(campaign), RunsRows(campaign)) +
                                 (failures.empty() ? "" : Paragraph(failures, "bad")));
}

bool IsTraining(const Comparison& comparison) {
  return Json::parse(comparison.federated.result.json).contains("curve");
}

std::string TrainingText(const Comparison& comparison) {
  const Json result = Json::parse(comparison.federated.result.json);
  return "Released models, with all data in one place and alone\n" +
         TextTable(ModelsHeading(result), RowsOf(comparison)) + Wrapped(Verdict(result), 100, 0) +
         "\n";
}

std::string TrainingSections(const Comparison& comparison) {
  const Json result = Json::parse(comparison.federated.result.json);
  const Json& curve = result["curve"];
  std::string figures;
  AddFigure(curve, "training_loss", "Loss on rows that are learned from", "mean loss", figures);
  AddFigure(curve, "validation_loss", "Loss on held-out rows", "mean loss", figures);
  AddFigure(curve, "validation_accuracy", "Accuracy on held-out rows", "share right", figures);
  if (IsOfTimes(result)) {
    AddFigure(curve, "training_concordance", "Concordance on rows that are learned from", "C-index",
              figures);
    AddFigure(curve, "validation_concordance", "Concordance on held-out rows", "C-index", figures);
  }
  AddFigure(curve, "clipped_share", "Hospitals whose update was clipped", "share", figures);
  const std::string table =
      PageTable("Released models; losses are means over the rows that each run had",
                ModelsHeading(result), RowsOf(comparison));
  return Section("Training", Paragraph(Verdict(result)) + Grid(figures) + table);
}

}  // namespace consilium
