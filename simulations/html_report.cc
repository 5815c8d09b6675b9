#include "simulations/html_report.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "common/pages/html_page.h"
#include "common/pages/number_text.h"
#include "common/pages/svg_plot.h"
#include "simulations/calibration_report.h"
#include "simulations/draws.h"
#include "simulations/evaluation_report.h"
#include "simulations/html_report_runs.h"
#include "simulations/meta_report.h"
#include "simulations/report.h"
#include "simulations/summary_report.h"
#include "simulations/survival_report.h"
#include "simulations/training_report.h"
#include "simulations/validation_report.h"

namespace consilium {
namespace {

/// More hospitals than these would make plots and tables that nobody reads: comparison.json has
/// them all.
constexpr std::size_t kMostPlotted = 20;
constexpr std::size_t kMostListed = 200;

std::string Counted(std::uint64_t count, const std::string& one, const std::string& many) {
  return std::to_string(count) + " " + (count == 1 ? one : many);
}

std::string PValueText(double p) { return p < 1e-4 ? "< 0.0001" : NumberText(p, "%.4f"); }

std::string IntervalText(const Coefficient& line) {
  if (std::isnan(line.low)) return "-";
  return NumberText(line.low, "%.4g") + " to " + NumberText(line.high, "%.4g");
}

/// A few words in place of an interval.
std::string ShortTrouble(const Attempt& attempt) {
  const std::string trouble = TroubleOf(attempt);
  if (trouble.find("separation") != std::string::npos) return "no estimate: separation";
  return attempt.error && attempt.error->code != ErrorCode::kNotEstimable ? "no estimate: refused"
                                                                          : "no estimate";
}

/// Geometric mean over the coefficients of how many times wider an interval is.
double WidthRatio(const std::vector<Coefficient>& fit, const std::vector<Coefficient>& reference) {
  double sum = 0;
  double count = 0;
  for (std::size_t j = 0; j < fit.size(); ++j) {
    const double ratio = fit[j].std_error / reference[j].std_error;
    // A model without noise is fitted without error.
    if (!std::isnormal(ratio)) continue;
    sum += PortableLog(ratio);
    ++count;
  }
  return count > 0 ? PortableExp(sum / count) : 1;
}

/// The run that is shown in full, with what its sections need.
class Shown {
 public:
  explicit Shown(const Campaign& campaign)
      : campaign_(campaign),
        experiment_(campaign.ShownExperiment()),
        federation_(campaign.shown.federation),
        comparison_(campaign.shown.comparison),
        federated_(CoefficientsOf(comparison_.federated)),
        pooled_(CoefficientsOf(comparison_.pooled)) {
    for (const SiteAttempt& alone : comparison_.alone) {
      alone_.push_back(CoefficientsOf(alone.attempt));
    }
  }

  std::string Head() const;
  std::string Coefficients() const;
  std::string Alone() const;
  std::string Hospitals() const;
  std::string Rounds() const;

 private:
  std::optional<double> TruthOf(std::size_t coefficient) const {
    if (!experiment_.generator) return {};
    return experiment_.generator->truth.values[coefficient];
  }
  std::string Verdict() const;
  std::string AloneVerdict() const;
  std::string CoefficientTable() const;
  std::string AloneTable() const;
  std::string Forest(std::size_t coefficient) const;
  std::string Widths() const;
  std::string Troubles() const;

  const Campaign& campaign_;
  const Experiment& experiment_;
  const VirtualFederation& federation_;
  const Comparison& comparison_;
  std::vector<Coefficient> federated_;
  std::vector<Coefficient> pooled_;
  std::vector<std::vector<Coefficient>> alone_;
};

std::string Shown::Verdict() const {
  const std::string another_model = PooledInWords(*experiment_.plan.analysis);
  if (!another_model.empty()) return another_model;
  if (!comparison_.largest_difference) return "There is no federated estimate to compare.";
  if (*comparison_.largest_difference < 1e-9) {
    return "The federated result is the pooled one: no estimate or standard error differs by more "
           "than " +
           NumberText(*comparison_.largest_difference, "%.1e") + " (relative).";
  }
  return "The federated result differs from the pooled one by up to " +
         NumberText(*comparison_.largest_difference, "%.1e") +
         " (relative) in an estimate or standard error.";
}

std::string Shown::AloneVerdict() const {
  if (pooled_.empty() || alone_.empty()) return {};
  std::size_t solved = 0;
  double sum = 0;
  for (const std::vector<Coefficient>& fit : alone_) {
    if (fit.empty()) continue;
    ++solved;
    sum += PortableLog(WidthRatio(fit, pooled_));
  }
  std::string text = "Alone, " + std::to_string(solved) + " of " +
                     Counted(alone_.size(), "hospital gets", "hospitals get") + " an estimate";
  if (solved == 0) return text + ".";
  return text + ", with intervals " +
         NumberText(PortableExp(sum / static_cast<double>(solved)), "%.1f") +
         " times as wide on average.";
}

std::string Shown::Head() const {
  const Plan& plan = experiment_.plan;
  std::uint64_t moved = 0;
  for (const RoundRecord& round : comparison_.rounds) {
    moved += 2 * round.answer_bytes;
  }
  const PlainRun& run = comparison_.federated;
  std::string head = "<h1>" + Escaped(plan.title) + "</h1>\n";
  if (!plan.question.empty()) head += Paragraph(plan.question, "lead");
  head += Paragraph("Simulated " + plan.analysis->InWords() +
                        " over virtual hospitals: experiment " + experiment_.name +
                        (experiment_.swept.empty() ? "" : ", " + CombinationName(experiment_)) +
                        ", seed " + std::to_string(campaign_.trials[campaign_.shown.trial].seed) +
                        ". Study number " + plan.id.ToHex().substr(0, 16) + "….",
                    "muted");
  std::vector<std::pair<std::string, std::string>> tiles = {
      {std::to_string(run.result.sites), "hospitals in the sum"},
      {std::to_string(run.result.patients), "patients"},
      {std::to_string(run.rounds), "rounds"},
      {NumberText(static_cast<double>(moved) / 1024, "%.1f") + " KiB",
       "to and from each hospital, without the protocol's own"}};
  // A trained model is another one than that of pooled data, by design.
  if (IsTraining(comparison_)) return head + Tiles(tiles);
  tiles.emplace_back(comparison_.largest_difference
                         ? NumberText(*comparison_.largest_difference, "%.0e")
                         : std::string("none"),
                     "largest relative gap between federated and pooled");
  head += Tiles(tiles) + Paragraph(Verdict(), "lead");
  const std::string alone = AloneVerdict();
  return alone.empty() ? head : head + Paragraph(alone, "lead");
}

std::string Shown::Forest(std::size_t coefficient) const {
  const auto row = [coefficient](const std::string& label, Series series,
                                 const std::vector<Coefficient>& fit, const std::string& note) {
    ForestRow line{label, series, std::nullopt, 0, 0, note};
    if (!fit.empty()) {
      line.estimate = fit[coefficient].estimate;
      const bool exact = std::isnan(fit[coefficient].low);
      line.low = exact ? *line.estimate : fit[coefficient].low;
      line.high = exact ? *line.estimate : fit[coefficient].high;
    }
    return line;
  };
  std::vector<ForestRow> rows = {
      row("federated", Series::kFederated, federated_, ""),
      row("pooled", Series::kPooled, pooled_, ShortTrouble(comparison_.pooled))};
  for (std::size_t i = 0; i < alone_.size() && i < kMostPlotted; ++i) {
    const SiteAttempt& site = comparison_.alone[i];
    rows.push_back(row(site.site, Series::kAlone, alone_[i],
                       alone_[i].empty() ? ShortTrouble(site.attempt) : ""));
  }
  const std::string& name = federated_[coefficient].name;
  return Figure(name, ForestPlot("Forest plot of " + name, rows, TruthOf(coefficient)));
}

std::string Shown::CoefficientTable() const {
  using enum CellKind;
  std::vector<std::pair<std::string, CellKind>> heading = {
      {"term", kText}, {"federated", kNumber}, {"std. error", kNumber}, {"interval", kNumber},
      {"p", kNumber},  {"pooled", kNumber},    {"difference", kNumber}};
  if (experiment_.generator) heading.emplace_back("truth", kNumber);
  HtmlTable table("Coefficients with all hospitals, federated and pooled", heading);
  for (std::size_t j = 0; j < federated_.size(); ++j) {
    const Coefficient& line = federated_[j];
    std::vector<std::string> row = {line.name, NumberText(line.estimate, "%.6g"),
                                    NumberText(line.std_error, "%.4g"), IntervalText(line),
                                    PValueText(line.p_value)};
    row.push_back(pooled_.empty() ? "-" : NumberText(pooled_[j].estimate, "%.6g"));
    row.push_back(pooled_.empty() ? "-" : NumberText(line.estimate - pooled_[j].estimate, "%.1e"));
    if (const std::optional<double> truth = TruthOf(j)) row.push_back(NumberText(*truth, "%.6g"));
    table.Add(std::move(row));
  }
  return table.Html();
}

std::string Key(bool has_truth) {
  const auto entry = [](const std::string& mark, const std::string& text) {
    return "<span><svg viewBox=\"0 0 26 16\" aria-hidden=\"true\">" + mark + "</svg>" + text +
           "</span>";
  };
  std::string key =
      entry("<circle cx=\"13\" cy=\"8\" r=\"5\" class=\"mark fed\"/>", "federated") +
      entry("<path d=\"M13 2l6 6l-6 6l-6 -6z\" class=\"mark pool\"/>", "all data in one place") +
      entry("<rect x=\"9\" y=\"4\" width=\"8\" height=\"8\" class=\"mark alone\"/>",
            "one hospital alone");
  if (has_truth) {
    key += entry("<line x1=\"13\" y1=\"0\" x2=\"13\" y2=\"16\" class=\"truth\"/>", "truth");
  }
  return "<div class=\"key\">" + key + "</div>\n";
}

std::string Shown::Coefficients() const {
  if (federated_.empty()) {
    return Section("Coefficients", Paragraph(TroubleOf(Attempt{comparison_.federated, {}}), "bad"));
  }
  std::string forests;
  for (std::size_t j = 0; j < federated_.size(); ++j) {
    // An intercept is of interest only where there is nothing else.
    if (federated_[j].name != "(Intercept)" || federated_.size() == 1) forests += Forest(j);
  }
  std::string body = Key(experiment_.generator.has_value()) + Grid(forests);
  if (alone_.size() > kMostPlotted) {
    body += Paragraph("Plotted are the first " + std::to_string(kMostPlotted) + " of " +
                          std::to_string(alone_.size()) + " hospitals.",
                      "muted");
  }
  body += CoefficientTable();
  const std::string trouble = TroubleOf(Attempt{comparison_.federated, {}});
  if (!trouble.empty()) body += Paragraph(trouble, "bad");
  return Section("Coefficients: federated, pooled and each hospital alone", body);
}

std::string Shown::Widths() const {
  if (pooled_.empty() || federated_.empty()) return {};
  std::vector<Bar> bars;
  const auto add = [&](const std::string& label, Series series,
                       const std::vector<Coefficient>& fit) {
    if (fit.empty()) {
      bars.push_back({label, 0, "no estimate", series});
      return;
    }
    const double ratio = WidthRatio(fit, pooled_);
    bars.push_back({label, ratio, NumberText(ratio, "%.2f") + " x", series});
  };
  add("federated", Series::kFederated, federated_);
  for (std::size_t i = 0; i < alone_.size() && i < kMostPlotted; ++i) {
    add(comparison_.alone[i].site, Series::kAlone, alone_[i]);
  }
  return Figure("Width of the intervals against the pooled fit",
                BarPlot("Width of the intervals against the pooled fit", bars, 1.0));
}

std::string Shown::AloneTable() const {
  using enum CellKind;
  std::vector<std::pair<std::string, CellKind>> heading = {{"hospital", kText}};
  for (const Coefficient& line : federated_) heading.emplace_back(line.name, kNumber);
  HtmlTable table("Estimates (standard errors)", heading);
  const auto add = [&](const std::string& name, const std::vector<Coefficient>& fit) {
    std::vector<std::string> row = {name};
    for (std::size_t j = 0; j < federated_.size(); ++j) {
      row.push_back(fit.empty() ? "-"
                                : NumberText(fit[j].estimate, "%.4g") + " (" +
                                      NumberText(fit[j].std_error, "%.3g") + ")");
    }
    table.Add(std::move(row));
  };
  add("federated", federated_);
  add("pooled", pooled_);
  for (std::size_t i = 0; i < alone_.size() && i < kMostListed; ++i) {
    add(comparison_.alone[i].site, alone_[i]);
  }
  return table.Html();
}

std::string Shown::Troubles() const {
  std::string text;
  const auto add = [&text](const std::string& name, const Attempt& attempt) {
    const std::string trouble = TroubleOf(attempt);
    if (!trouble.empty()) text += Paragraph(name + ": " + trouble, "muted");
  };
  add("Pooled", comparison_.pooled);
  for (std::size_t i = 0; i < comparison_.alone.size() && i < kMostListed; ++i) {
    add(comparison_.alone[i].site + " alone", comparison_.alone[i].attempt);
  }
  return text;
}

std::string Shown::Alone() const {
  if (!ShowsSingleSites(federation_)) return Paragraph(SingleSitesLeftOut(), "muted");
  if (federated_.empty()) return {};
  return Section("What each hospital would have got alone", Widths() + AloneTable() + Troubles());
}

std::string Shown::Hospitals() const {
  using enum CellKind;
  HtmlTable table(
      "Virtual hospitals",
      {{"hospital", kText}, {"patients", kNumber}, {"rows", kNumber}, {"in the sum", kText}});
  std::vector<Bar> bars;
  const std::size_t listed = std::min(federation_.sites().size(), kMostListed);
  for (std::size_t i = 0; i < listed; ++i) {
    const VirtualSite& site = federation_.sites()[i];
    const CohortView& cohort = federation_.cohort(i);
    const std::string patients = std::to_string(cohort.patients);
    if (bars.size() < kMostPlotted) {
      bars.push_back({site.name, static_cast<double>(cohort.patients), patients, Series::kAlone,
                      !site.refusal.empty()});
    }
    table.Add({site.name, patients, std::to_string(cohort.values.rows()),
               site.refusal.empty() ? "yes" : "no: " + site.refusal});
  }
  std::string body =
      Grid(Figure("Patients with complete data", BarPlot("Patients", bars, {})) + table.Html());
  if (federation_.sites().size() > listed) {
    body += Paragraph("Listed are the first " + std::to_string(listed) + " of " +
                          std::to_string(federation_.sites().size()) + " hospitals." +
                          (ShowsSingleSites(federation_) ? " All are in comparison.json." : ""),
                      "muted");
  }
  return Section("Hospitals", body);
}

std::string Shown::Rounds() const {
  using enum CellKind;
  HtmlTable table(
      "Each round of the federated fit; bytes are those of the sum and of the masked "
      "words, without the protocol's own messages",
      {{"round", kNumber},
       {"hospitals", kNumber},
       {"bytes to each", kNumber},
       {"bytes from each", kNumber},
       {"deviance", kNumber}});
  std::vector<PlotPoint> deviance;
  std::vector<PlotPoint> bytes;
  double moved = 0;
  for (const RoundRecord& round : comparison_.rounds) {
    std::string found = "-";
    for (const auto& [name, value] : round.sums) {
      if (name != "deviance") continue;
      deviance.push_back({static_cast<double>(round.round), value});
      found = NumberText(value, "%.8g");
    }
    moved += static_cast<double>(2 * round.answer_bytes);
    bytes.push_back({static_cast<double>(round.round), moved / 1024});
    table.Add({std::to_string(round.round), std::to_string(round.sites),
               std::to_string(round.answer_bytes), std::to_string(round.answer_bytes), found});
  }
  std::string figures;
  if (deviance.size() > 1) {
    figures += Figure("Deviance (loss) by round", LinePlot("Deviance by round", "round",
                                                           "deviance over all patients", deviance));
  }
  figures += Figure("Bytes to and from each hospital, added up",
                    LinePlot("Bytes by round", "round", "KiB a hospital", bytes));
  std::string used;
  if (comparison_.protocol) used = Paragraph(ProtocolText(*comparison_.protocol));
  return Section("Rounds and bytes", used + Grid(figures) + table.Html());
}

}  // namespace

std::string HtmlReport(const Campaign& campaign) {
  const Shown shown(campaign);
  std::string body = shown.Head();
  if (campaign.trials.size() > 1) {
    body += IsTraining(campaign.shown.comparison) ? TrainingRunsSection(campaign)
                                                  : RunsSection(campaign);
    body +=
        Paragraph("What follows is the first run with a result: " +
                      (campaign.ShownExperiment().swept.empty()
                           ? ""
                           : CombinationName(campaign.ShownExperiment()) + ", ") +
                      "seed " + std::to_string(campaign.trials[campaign.shown.trial].seed) + ".",
                  "muted");
  }
  const Comparison& comparison = campaign.shown.comparison;
  if (IsTraining(comparison)) {
    body += TrainingSections(comparison);
  } else if (HasSurvivalCurves(comparison)) {
    body += SurvivalSections(comparison);
  } else if (IsSummary(comparison)) {
    body += SummarySection(comparison);
  } else if (IsEvaluation(comparison)) {
    body += EvaluationSections(comparison);
  } else {
    if (IsValidation(comparison)) body += ValidationSection(comparison);
    body += shown.Coefficients();
    if (IsMetaAnalysis(comparison)) body += BetweenHospitalsSection(comparison);
    body +=
        CalibrationSection(campaign.ShownExperiment().plan, campaign.shown.federation, comparison) +
        shown.Alone();
  }
  body += shown.Hospitals() + shown.Rounds();
  body += Paragraph(
      "All numbers at full precision are in result.json, comparison.json and "
      "rounds.csv beside this page.",
      "muted");
  return Page(campaign.ShownExperiment().plan.title, body);
}

}  // namespace consilium
