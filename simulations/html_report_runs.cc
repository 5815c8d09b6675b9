#include "simulations/html_report_runs.h"

#include <algorithm>
#include <functional>

#include "common/pages/html_page.h"
#include "common/pages/number_text.h"
#include "common/pages/svg_plot.h"
#include "simulations/course_figures.h"
#include "simulations/evaluation_report.h"

namespace consilium {
namespace {

std::vector<double> EstimatesOf(const std::vector<const std::vector<Coefficient>*>& fits,
                                std::size_t coefficient) {
  std::vector<double> values;
  for (const std::vector<Coefficient>* fit : fits) {
    if (coefficient < fit->size()) values.push_back((*fit)[coefficient].estimate);
  }
  return values;
}

/// The terms of the first combination that has an estimate; others with other terms are in the
/// table only.
const std::vector<Coefficient>* FirstFit(const Campaign& campaign) {
  for (const Trial& trial : campaign.trials) {
    if (!trial.federated.empty()) return &trial.federated;
  }
  return nullptr;
}

bool HasTerms(const std::vector<const std::vector<Coefficient>*>& fits,
              const std::vector<Coefficient>& terms) {
  for (const std::vector<Coefficient>* fit : fits) {
    if (fit->empty()) continue;
    if (fit->size() != terms.size()) return false;
    for (std::size_t j = 0; j < terms.size(); ++j) {
      if ((*fit)[j].name != terms[j].name) return false;
    }
  }
  return true;
}

/// The truth of a coefficient when all combinations have the same.
std::optional<double> CommonTruth(const Campaign& campaign, const std::string& name) {
  std::optional<double> common;
  for (const Experiment& experiment : campaign.experiments) {
    if (!experiment.generator) return {};
    const std::optional<double> truth = experiment.generator->truth.Of(name);
    if (!truth || (common && common != truth)) return {};
    common = truth;
  }
  return common;
}

std::string Strips(const Campaign& campaign) {
  const std::vector<Coefficient>* terms = FirstFit(campaign);
  if (terms == nullptr) return {};
  const bool swept = campaign.experiments.size() > 1;
  std::string figures;
  for (std::size_t j = 0; j < terms->size(); ++j) {
    // An intercept is of interest only where there is nothing else.
    if ((*terms)[j].name == "(Intercept)" && terms->size() > 1) continue;
    std::vector<StripRow> rows;
    for (std::size_t i = 0; i < campaign.experiments.size() && i < kMostPlotted; ++i) {
      const auto federated = FederatedFits(campaign, i);
      if (!HasTerms(federated, *terms)) continue;
      rows.push_back(
          {ShortName(campaign.experiments[i]), Series::kFederated, EstimatesOf(federated, j)});
      if (!swept) {
        rows.push_back(
            {"one hospital alone", Series::kAlone, EstimatesOf(AloneFits(campaign, i), j)});
      }
    }
    figures += Figure((*terms)[j].name, StripPlot("Estimates of " + (*terms)[j].name, rows,
                                                  CommonTruth(campaign, (*terms)[j].name)));
  }
  return Grid(figures);
}

std::vector<std::string> SpreadRow(const Spread& spread) {
  std::vector<std::string> row = {
      spread.name,
      std::to_string(spread.runs),
      NumberText(spread.mean, "%.5g"),
      spread.runs > 1 ? NumberText(spread.deviation, "%.3g") : "-",
      NumberText(spread.mean_std_error, "%.3g"),
      NumberText(spread.smallest, "%.4g") + " to " + NumberText(spread.largest, "%.4g")};
  if (spread.truth) {
    row.push_back(NumberText(*spread.truth, "%.5g"));
    row.push_back(NumberText(spread.mean - *spread.truth, "%.2g"));
    row.push_back(NumberText(spread.root_mean_square_error, "%.3g"));
    row.push_back(NumberText(100 * spread.coverage, "%.0f %%"));
  }
  return row;
}

/// What the estimates of one kind of fit say over all seeds: a line a coefficient, or a combination
/// and coefficient.
std::string SpreadTable(
    const Campaign& campaign,
    const std::string& caption,
    const std::function<std::vector<const std::vector<Coefficient>*>(const Campaign&, std::size_t)>&
        fits_of) {
  using enum CellKind;
  const bool has_truth =
      campaign.ShownExperiment().generator && !IsEvaluation(campaign.shown.comparison);
  const bool swept = campaign.experiments.size() > 1;
  std::vector<std::pair<std::string, CellKind>> heading;
  if (swept) heading.emplace_back("combination", kText);
  heading.insert(heading.end(), {{"term", kText},
                                 {"fits", kNumber},
                                 {"mean", kNumber},
                                 {"sd", kNumber},
                                 {"mean std. error", kNumber},
                                 {"range", kNumber}});
  if (has_truth) {
    heading.insert(
        heading.end(),
        {{"truth", kNumber}, {"bias", kNumber}, {"RMSE", kNumber}, {"coverage", kNumber}});
  }
  HtmlTable table(caption, heading);
  for (std::size_t i = 0; i < campaign.experiments.size(); ++i) {
    const Experiment& experiment = campaign.experiments[i];
    for (const Spread& spread : SpreadOf(fits_of(campaign, i), experiment.generator)) {
      std::vector<std::string> row = SpreadRow(spread);
      if (swept) row.insert(row.begin(), CombinationName(experiment));
      table.Add(std::move(row));
    }
  }
  return table.Html();
}

/// One line a combination: how many runs came to a result, and why not.
std::string CombinationTable(const Campaign& campaign) {
  using enum CellKind;
  HtmlTable table("Runs", {{"combination", kText},
                           {"runs", kNumber},
                           {"with an estimate", kNumber},
                           {"hospitals", kNumber},
                           {"patients", kNumber},
                           {"rounds", kNumber},
                           {"largest gap to pooled", kNumber},
                           {"why not", kText}});
  for (std::size_t i = 0; i < campaign.experiments.size(); ++i) {
    std::size_t runs = 0;
    std::size_t solved = 0;
    double sites = 0;
    double patients = 0;
    double rounds = 0;
    double gap = 0;
    std::string why = "-";
    for (const Trial& trial : campaign.trials) {
      if (trial.combination != i) continue;
      ++runs;
      if (trial.error && why == "-") why = Describe(*trial.error);
      if (!trial.trouble.empty() && why == "-") why = trial.trouble;
      if (trial.federated.empty()) continue;
      ++solved;
      sites += trial.sites;
      patients += static_cast<double>(trial.patients);
      rounds += trial.rounds_used;
      gap = std::max(gap, trial.largest_difference.value_or(0));
    }
    const auto mean = [&](double sum) {
      return solved == 0 ? std::string("-") : NumberText(sum / static_cast<double>(solved), "%.4g");
    };
    table.Add({CombinationName(campaign.experiments[i]), std::to_string(runs),
               std::to_string(solved), mean(sites), mean(patients), mean(rounds),
               solved == 0 ? "-" : NumberText(gap, "%.0e"), why});
  }
  return table.Html();
}

}  // namespace

std::string RunsSection(const Campaign& campaign) {
  std::string text = std::to_string(campaign.trials.size()) + " runs";
  const std::uint64_t seeds = campaign.experiments.front().repetitions;
  if (campaign.experiments.size() > 1) {
    text += ": " + std::to_string(campaign.experiments.size()) + " combinations";
    text += seeds > 1 ? " with " + std::to_string(seeds) + " seeds each" : " with one seed";
  } else {
    text += " with seeds from " + std::to_string(campaign.seed) + " on";
  }
  std::string body =
      Paragraph(text + ". A dot is a fit, a bar their mean, a dashed line the truth.");
  if (campaign.experiments.size() > kMostPlotted) {
    body += Paragraph("Plotted are the first " + std::to_string(kMostPlotted) +
                          " combinations; the tables have all.",
                      "muted");
  }
  body += Strips(campaign) + CourseFigures(campaign) + CombinationTable(campaign);
  body += SpreadTable(campaign, "Federated estimates over all seeds", FederatedFits);
  body += SpreadTable(campaign, "Estimates of one hospital alone, over all hospitals and seeds",
                      AloneFits);
  if (campaign.ShownExperiment().generator && !IsEvaluation(campaign.shown.comparison)) {
    body += Paragraph(
        "sd: standard deviation between fits, which the mean standard error should equal. RMSE: "
        "root mean square distance from the truth. Coverage: share of intervals that hold the "
        "truth.",
        "muted");
  }
  return Section("All runs", body);
}

}  // namespace consilium
