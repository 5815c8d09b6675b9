#include "simulations/report.h"

#include <algorithm>
#include <set>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "common/command_errors.h"
#include "common/pages/number_text.h"
#include "common/terminal.h"
#include "protocols/result_document.h"
#include "simulations/evaluation_report.h"
#include "simulations/summary_report.h"
#include "simulations/survival_report.h"
#include "simulations/training_report.h"

namespace consilium {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kWidth = 100;

Json RunJson(const PlainRun& run) {
  Json json = Json::parse(run.result.json);
  json["rounds"] = run.rounds;
  return json;
}

Json ErrorJson(const Error& error) {
  return {{"code", std::string(Name(error.code))},
          {"message", error.message},
          {"remedy", error.remedy}};
}

Json AttemptJson(const Attempt& attempt) {
  if (attempt.run) return RunJson(*attempt.run);
  return {{"error", ErrorJson(*attempt.error)}};
}

Json SitesJson(const VirtualFederation& federation) {
  Json sites = Json::array();
  for (std::size_t i = 0; i < federation.sites().size() && ShowsSingleSites(federation); ++i) {
    const VirtualSite& site = federation.sites()[i];
    Json json{{"site", site.name},
              {"patients", federation.cohort(i).patients},
              {"rows", federation.cohort(i).values.rows()},
              {"takes_part", site.refusal.empty()}};
    if (!site.refusal.empty()) json["reason"] = site.refusal;
    sites.push_back(std::move(json));
  }
  return sites;
}

/// "0.0301 (0.0102)": estimate and standard error of each coefficient.
std::vector<std::string> Cells(const Attempt& attempt, std::size_t count) {
  std::vector<std::string> cells(count, "-");
  const std::vector<Coefficient> lines = CoefficientsOf(attempt);
  for (std::size_t j = 0; j < lines.size() && j < count; ++j) {
    cells[j] =
        NumberText(lines[j].estimate, "%.4g") + " (" + NumberText(lines[j].std_error, "%.3g") + ")";
  }
  return cells;
}

using Rows = std::vector<std::vector<std::string>>;

void AddColumn(const std::string& name, const Attempt& attempt, Rows& rows) {
  rows[0].push_back(name);
  const std::vector<std::string> cells = Cells(attempt, rows.size() - 1);
  for (std::size_t j = 0; j < cells.size(); ++j) rows[j + 1].push_back(cells[j]);
}

std::size_t WidthOf(const std::string& table) {
  std::size_t widest = 0;
  std::size_t at = 0;
  while (at < table.size()) {
    const std::size_t end = std::min(table.find('\n', at), table.size());
    widest = std::max(widest, ColumnsOf(std::string_view(table).substr(at, end - at)));
    at = end + 1;
  }
  return widest;
}

/// As many hospitals as fit the width; the others are in comparison.json.
std::string ComparisonTable(const Campaign& campaign) {
  const Comparison& comparison = campaign.shown.comparison;
  const Json lines = Json::parse(comparison.federated.result.json)["coefficients"];
  Rows rows(lines.size() + 1);
  rows[0].push_back("term");
  for (std::size_t j = 0; j < lines.size(); ++j) {
    rows[j + 1].push_back(lines[j]["name"].get<std::string>());
  }
  if (const auto& generator = campaign.ShownExperiment().generator) {
    rows[0].push_back("truth");
    for (std::size_t j = 0; j < lines.size(); ++j) {
      rows[j + 1].push_back(NumberText(generator->truth.values[j], "%.4g"));
    }
  }
  AddColumn("federated", Attempt{comparison.federated, {}}, rows);
  AddColumn("pooled", comparison.pooled, rows);
  std::string table = AlignedTable(rows);
  std::size_t shown = 0;
  for (const SiteAttempt& alone : comparison.alone) {
    AddColumn(Printable(alone.site), alone.attempt, rows);
    const std::string wider = AlignedTable(rows);
    if (WidthOf(wider) > kWidth) break;
    table = wider;
    ++shown;
  }
  const std::size_t hidden = comparison.alone.size() - shown;
  if (hidden > 0) {
    table += (hidden == 1 ? std::string("One more site") : std::to_string(hidden) + " more sites") +
             " alone: see comparison.json.\n";
  }
  return table;
}

std::string Troubles(const Comparison& comparison) {
  std::string text;
  const auto add = [&text](const std::string& name, const Attempt& attempt) {
    const std::string trouble = TroubleOf(attempt);
    if (!trouble.empty()) text += Wrapped(Printable(name + ": " + trouble), kWidth, 2) + "\n";
  };
  add("Pooled", comparison.pooled);
  for (const SiteAttempt& alone : comparison.alone) add(alone.site + " alone", alone.attempt);
  return text;
}

std::string SitesText(const VirtualFederation& federation) {
  constexpr std::size_t kMostShown = 100;
  const std::vector<VirtualSite>& sites = federation.sites();
  Rows rows = {{"site", "patients", ""}};
  std::string reasons;
  std::size_t left_out = 0;
  for (std::size_t i = 0; i < sites.size(); ++i) {
    const VirtualSite& site = sites[i];
    const bool takes_part = site.refusal.empty();
    if (i < kMostShown) {
      rows.push_back({Printable(site.name), std::to_string(federation.cohort(i).patients),
                      takes_part ? "takes part" : "left out"});
    }
    if (takes_part || ++left_out > kMostShown) continue;
    reasons +=
        Wrapped("Left out: " + Printable(site.name) + " " + site.refusal + ".", kWidth, 2) + "\n";
  }
  std::string text = AlignedTable(rows) + reasons;
  if (sites.size() > kMostShown) {
    text += std::to_string(sites.size()) + " sites in all, " + std::to_string(left_out) +
            " of them left out.\n";
  }
  return text;
}

Json Optional(std::optional<double> value) { return value ? Json(*value) : Json(nullptr); }

Json SweptJson(const Experiment& experiment) {
  Json json = Json::object();
  for (const SweptValue& swept : experiment.swept) json[swept.key] = swept.value;
  return json;
}

Json TruthJson(const Truth& truth) {
  Json json = Json::array();
  for (std::size_t j = 0; j < truth.names.size(); ++j) {
    json.push_back({{"name", truth.names[j]}, {"value", truth.values[j]}});
  }
  return json;
}

Json TrialJson(const Campaign& campaign, const Trial& trial) {
  const Experiment& experiment = campaign.experiments[trial.combination];
  Json json{{"seed", trial.seed}};
  if (!experiment.swept.empty()) json["swept"] = SweptJson(experiment);
  json["study"] = experiment.plan.id.ToHex();
  if (trial.error) {
    json["error"] = ErrorJson(*trial.error);
    return json;
  }
  json["sites"] = trial.sites;
  json["patients"] = trial.patients;
  json["rounds"] = trial.rounds_used;
  json["converged"] = !trial.federated.empty();
  if (!trial.trouble.empty()) json["message"] = trial.trouble;
  json["largest_relative_difference"] = Optional(trial.largest_difference);
  json["coefficients"] = Json::array();
  for (const Coefficient& line : trial.federated) {
    json["coefficients"].push_back({{"name", line.name},
                                    {"estimate", line.estimate},
                                    {"std_error", line.std_error},
                                    {"conf_low", line.low},
                                    {"conf_high", line.high}});
  }
  return json;
}

Json SpreadLines(const std::vector<Spread>& spreads) {
  Json lines = Json::array();
  for (const Spread& spread : spreads) {
    Json line{{"name", spread.name},
              {"fits", spread.runs},
              {"mean", spread.mean},
              {"sd", spread.deviation},
              {"mean_std_error", spread.mean_std_error},
              {"smallest", spread.smallest},
              {"largest", spread.largest}};
    if (spread.truth) {
      line["truth"] = *spread.truth;
      line["root_mean_square_error"] = spread.root_mean_square_error;
      line["coverage"] = spread.coverage;
    }
    lines.push_back(std::move(line));
  }
  return lines;
}

Json SpreadJson(const Campaign& campaign, std::size_t combination) {
  const Experiment& experiment = campaign.experiments[combination];
  Json json = Json::object();
  if (!experiment.swept.empty()) json["swept"] = SweptJson(experiment);
  json["federated"] =
      SpreadLines(SpreadOf(FederatedFits(campaign, combination), experiment.generator));
  json["alone"] = SpreadLines(SpreadOf(AloneFits(campaign, combination), experiment.generator));
  return json;
}

/// A field of a CSV file, in quotes where it needs them.
std::string Field(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + "\"";
}

/// Empty in a round that has no such sum.
std::string SumNamed(const RoundRecord& round, const std::string& name) {
  for (const auto& [known, value] : round.sums) {
    if (known == name) return NumberText(value, "%.17g");
  }
  return {};
}

/// One line a combination and coefficient.
std::string RunsText(const Campaign& campaign) {
  constexpr std::size_t kMostShown = 40;
  const bool swept = campaign.experiments.size() > 1;
  // Of an evaluation's measures no truth is known.
  const bool has_truth =
      campaign.ShownExperiment().generator && !IsEvaluation(campaign.shown.comparison);
  Rows rows = {{"combination", "term", "runs", "mean", "sd", "mean s.e."}};
  if (has_truth) rows[0].insert(rows[0].end(), {"truth", "held by"});
  std::size_t hidden = 0;
  for (std::size_t i = 0; i < campaign.experiments.size(); ++i) {
    const Experiment& experiment = campaign.experiments[i];
    for (const Spread& spread : SpreadOf(FederatedFits(campaign, i), experiment.generator)) {
      if (rows.size() > kMostShown) {
        ++hidden;
        continue;
      }
      std::vector<std::string> row = {Printable(CombinationName(experiment)).substr(0, 40),
                                      spread.name,
                                      std::to_string(spread.runs),
                                      NumberText(spread.mean, "%.4g"),
                                      spread.runs > 1 ? NumberText(spread.deviation, "%.3g") : "-",
                                      NumberText(spread.mean_std_error, "%.3g")};
      if (spread.truth) {
        row.push_back(NumberText(*spread.truth, "%.4g"));
        row.push_back(NumberText(100 * spread.coverage, "%.0f %%"));
      }
      rows.push_back(std::move(row));
    }
  }
  if (!swept) {
    for (std::vector<std::string>& row : rows) row.erase(row.begin());
  }
  std::size_t failed = 0;
  const Error* first = nullptr;
  for (const Trial& trial : campaign.trials) {
    if (!trial.error) continue;
    if (failed++ == 0) first = &*trial.error;
  }
  std::string text = std::to_string(campaign.trials.size()) + " runs\n" + AlignedTable(rows);
  if (hidden > 0) text += std::to_string(hidden) + " more lines: see report.html.\n";
  if (failed > 0) {
    text += Wrapped(std::to_string(failed) + (failed == 1 ? " run has" : " runs have") +
                        " no result: " + Printable(Describe(*first)),
                    kWidth, 2) +
            "\n";
  }
  return text;
}

std::string Agreement(const Campaign& campaign) {
  const Comparison& comparison = campaign.shown.comparison;
  const std::string meaning = PooledInWords(*campaign.ShownExperiment().plan.analysis);
  if (!meaning.empty()) return Wrapped(meaning, kWidth, 0) + "\n";
  if (!comparison.largest_difference) return {};
  return "Federated and pooled differ by at most " +
         NumberText(*comparison.largest_difference, "%.1e") +
         " (relative) in any estimate or standard error.\n";
}

Json ProtocolJson(const ProtocolUse& use) {
  Json json = {{"messages", use.traffic.messages},
               {"bytes_to_sites", use.traffic.bytes_to_sites},
               {"bytes_from_sites", use.traffic.bytes_from_sites},
               {"seconds", SecondsOf(use.traffic.lasted)}};
  json["faults"] = Json::object();
  for (const auto& [name, times] : use.faults) json["faults"][name] = times;
  return json;
}

std::string TrafficFields(const RoundRecord& round) {
  if (!round.traffic) return ",,,,";
  return "," + std::to_string(round.traffic->messages) + "," +
         std::to_string(round.traffic->bytes_to_sites) + "," +
         std::to_string(round.traffic->bytes_from_sites) + "," +
         NumberText(SecondsOf(round.traffic->lasted), "%.3f");
}

}  // namespace

std::string ProtocolText(const ProtocolUse& use) {
  std::string text = "Over the protocol: " + std::to_string(use.traffic.messages) + " messages, " +
                     BytesText(use.traffic.bytes_to_sites) + " to and " +
                     BytesText(use.traffic.bytes_from_sites) +
                     " from the hospitals together (joining and approving included), " +
                     NumberText(SecondsOf(use.traffic.lasted), "%.4g") +
                     " s of virtual time from start to result.";
  std::string faults;
  for (const auto& [name, times] : use.faults) {
    faults += (faults.empty() ? "" : ", ") + std::to_string(times) + " x " + name;
  }
  if (!faults.empty()) text += " Injected: " + faults + ".";
  return text;
}

std::string SingleSitesLeftOut() {
  return "With more than " + std::to_string(kMostSingleSites) +
         " hospitals none is fitted alone or listed.";
}

std::string ResultJson(const Experiment& experiment, const Comparison& comparison) {
  return ResultDocument(experiment.plan, comparison.federated.result, comparison.federated.rounds);
}

std::string ComparisonJson(const Campaign& campaign) {
  const Experiment& experiment = campaign.ShownExperiment();
  const Comparison& comparison = campaign.shown.comparison;
  Json json;
  json["experiment"] = experiment.name;
  json["study"] = experiment.plan.id.ToHex();
  json["title"] = experiment.plan.title;
  json["mode"] = comparison.protocol ? "protocol" : "plain";
  json["seed"] = campaign.trials[campaign.shown.trial].seed;
  if (!experiment.swept.empty()) json["swept"] = SweptJson(experiment);
  if (experiment.generator) json["truth"] = TruthJson(experiment.generator->truth);
  const VirtualFederation& federation = campaign.shown.federation;
  json["virtual_sites"] = SitesJson(federation);
  if (!ShowsSingleSites(federation)) json["sites_not_listed"] = federation.sites().size();
  json["federated"] = RunJson(comparison.federated);
  if (comparison.protocol) json["protocol"] = ProtocolJson(*comparison.protocol);
  json["pooled"] = AttemptJson(comparison.pooled);
  json["largest_relative_difference"] = Optional(comparison.largest_difference);
  json["alone"] = Json::array();
  for (const SiteAttempt& alone : comparison.alone) {
    json["alone"].push_back({{"site", alone.site}, {"result", AttemptJson(alone.attempt)}});
  }
  if (campaign.trials.size() > 1) {
    json["runs"] = Json::array();
    for (const Trial& trial : campaign.trials) json["runs"].push_back(TrialJson(campaign, trial));
    json["spread"] = Json::array();
    for (std::size_t i = 0; i < campaign.experiments.size(); ++i) {
      json["spread"].push_back(SpreadJson(campaign, i));
    }
  }
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string RoundsCsv(const Campaign& campaign) {
  std::set<std::string> sums;
  for (const Trial& trial : campaign.trials) {
    for (const RoundRecord& round : trial.rounds) {
      for (const auto& [name, value] : round.sums) sums.insert(name);
    }
  }
  std::string csv = "run,seed";
  for (const SweptValue& swept : campaign.experiments.front().swept) csv += "," + Field(swept.key);
  csv += ",round,sites,bytes_to_each_site,bytes_from_each_site";
  const bool over_protocol = campaign.shown.comparison.protocol.has_value();
  if (over_protocol) csv += ",messages,bytes_to_sites,bytes_from_sites,seconds";
  for (const std::string& name : sums) csv += "," + Field("sum of " + name);
  csv += "\n";
  for (std::size_t i = 0; i < campaign.trials.size(); ++i) {
    const Trial& trial = campaign.trials[i];
    std::string start = std::to_string(i + 1) + "," + std::to_string(trial.seed);
    for (const SweptValue& swept : campaign.experiments[trial.combination].swept) {
      start += "," + Field(swept.value);
    }
    for (const RoundRecord& round : trial.rounds) {
      csv += start + "," + std::to_string(round.round) + "," + std::to_string(round.sites) + "," +
             std::to_string(round.answer_bytes) + "," + std::to_string(round.answer_bytes);
      if (over_protocol) csv += TrafficFields(round);
      for (const std::string& name : sums) csv += "," + SumNamed(round, name);
      csv += "\n";
    }
  }
  return csv;
}

std::string ResultText(const Campaign& campaign) {
  const Comparison& comparison = campaign.shown.comparison;
  const Experiment& experiment = campaign.ShownExperiment();
  std::string text = Printable(experiment.plan.title) + "\n\n";
  if (campaign.trials.size() > 1) {
    text += (IsTraining(comparison) ? TrainingRunsText(campaign) : RunsText(campaign)) +
            "\nThe first run with a result: " + Printable(CombinationName(experiment)) + ", seed " +
            std::to_string(campaign.trials[campaign.shown.trial].seed) + "\n\n";
  }
  text += SitesText(campaign.shown.federation) + "\n" + comparison.federated.result.table + "\n";
  if (IsTraining(comparison)) {
    text += TrainingText(comparison);
  } else if (HasSurvivalCurves(comparison)) {
    text += SurvivalText(comparison) + Agreement(campaign);
  } else if (IsSummary(comparison)) {
    text += SummaryText(comparison);
  } else if (IsEvaluation(comparison)) {
    text += EvaluationText(comparison) + Agreement(campaign);
  } else {
    text += "Estimates (standard errors), with all data in one place and alone\n" +
            ComparisonTable(campaign) + Agreement(campaign);
  }
  if (!ShowsSingleSites(campaign.shown.federation)) {
    text += Wrapped(SingleSitesLeftOut(), kWidth, 0) + "\n";
  }
  if (comparison.protocol) text += ProtocolText(*comparison.protocol) + "\n";
  return text + Troubles(comparison);
}

}  // namespace consilium
