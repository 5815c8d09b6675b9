#include "simulations/report.h"

#include <algorithm>
#include <cstdio>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "common/command_errors.h"
#include "common/terminal.h"
#include "protocols/result_document.h"

namespace consilium {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kWidth = 100;

Json RunJson(const PlainRun& run) {
  Json json = Json::parse(run.result.json);
  json["rounds"] = run.rounds;
  return json;
}

Json AttemptJson(const Attempt& attempt) {
  if (attempt.run) return RunJson(*attempt.run);
  return {{"error",
           {{"code", std::string(Name(attempt.error->code))},
            {"message", attempt.error->message},
            {"remedy", attempt.error->remedy}}}};
}

Json SitesJson(const VirtualFederation& federation) {
  Json sites = Json::array();
  for (const VirtualSite& site : federation.sites) {
    Json json{{"site", site.name},
              {"patients", site.cohort.patients},
              {"rows", site.cohort.values.rows()},
              {"takes_part", site.refusal.empty()}};
    if (!site.refusal.empty()) json["reason"] = site.refusal;
    sites.push_back(std::move(json));
  }
  return sites;
}

std::string Number(double value, const char* form) {
  char text[40];
  std::snprintf(text, sizeof text, form, value);
  return text;
}

/// "0.0301 (0.0102)": estimate and standard error of each coefficient.
std::vector<std::string> Cells(const Attempt& attempt, std::size_t count) {
  std::vector<std::string> cells(count, "-");
  if (!attempt.run || !attempt.run->result.converged) return cells;
  const Json lines = Json::parse(attempt.run->result.json)["coefficients"];
  for (std::size_t j = 0; j < count; ++j) {
    cells[j] = Number(lines[j]["estimate"].get<double>(), "%.4g") + " (" +
               Number(lines[j]["std_error"].get<double>(), "%.3g") + ")";
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
std::string ComparisonTable(const Comparison& comparison) {
  const Json lines = Json::parse(comparison.federated.result.json)["coefficients"];
  Rows rows(lines.size() + 1);
  rows[0].push_back("term");
  for (std::size_t j = 0; j < lines.size(); ++j) {
    rows[j + 1].push_back(lines[j]["name"].get<std::string>());
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

/// Why an attempt has no column of numbers; empty if it has.
std::string Trouble(const Attempt& attempt) {
  if (attempt.error) return Describe(*attempt.error);
  if (attempt.run->result.converged) return {};
  const Json json = Json::parse(attempt.run->result.json);
  if (json.contains("separation")) return json["separation"]["message"].get<std::string>();
  return json.value("message", "no solution was found");
}

std::string Troubles(const Comparison& comparison) {
  std::string text;
  const auto add = [&text](const std::string& name, const Attempt& attempt) {
    const std::string trouble = Trouble(attempt);
    if (!trouble.empty()) text += Wrapped(Printable(name + ": " + trouble), kWidth, 2) + "\n";
  };
  add("Pooled", comparison.pooled);
  for (const SiteAttempt& alone : comparison.alone) add(alone.site + " alone", alone.attempt);
  return text;
}

std::string SitesText(const VirtualFederation& federation) {
  std::vector<std::vector<std::string>> rows = {{"site", "patients", ""}};
  for (const VirtualSite& site : federation.sites) {
    rows.push_back({Printable(site.name), std::to_string(site.cohort.patients),
                    site.refusal.empty() ? "takes part" : "left out"});
  }
  std::string text = AlignedTable(rows);
  for (const VirtualSite& site : federation.sites) {
    if (!site.refusal.empty()) {
      text +=
          Wrapped("Left out: " + Printable(site.name) + " " + site.refusal + ".", kWidth, 2) + "\n";
    }
  }
  return text;
}

std::string Agreement(const Comparison& comparison) {
  if (!comparison.largest_difference) return {};
  return "Federated and pooled differ by at most " +
         Number(*comparison.largest_difference, "%.1e") +
         " (relative) in any estimate or standard error.\n";
}

}  // namespace

std::string ResultJson(const Experiment& experiment, const Comparison& comparison) {
  return ResultDocument(experiment.plan, comparison.federated.result, comparison.federated.rounds);
}

std::string ComparisonJson(const Experiment& experiment,
                           const VirtualFederation& federation,
                           const Comparison& comparison,
                           std::uint64_t seed) {
  Json json;
  json["experiment"] = experiment.name;
  json["study"] = experiment.plan.id.ToHex();
  json["title"] = experiment.plan.title;
  json["mode"] = "plain";
  json["seed"] = seed;
  json["virtual_sites"] = SitesJson(federation);
  json["federated"] = RunJson(comparison.federated);
  json["pooled"] = AttemptJson(comparison.pooled);
  json["largest_relative_difference"] =
      comparison.largest_difference ? Json(*comparison.largest_difference) : Json(nullptr);
  json["alone"] = Json::array();
  for (const SiteAttempt& alone : comparison.alone) {
    json["alone"].push_back({{"site", alone.site}, {"result", AttemptJson(alone.attempt)}});
  }
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string ResultText(const Experiment& experiment,
                       const VirtualFederation& federation,
                       const Comparison& comparison) {
  std::string text = Printable(experiment.plan.title) + "\n\n" + SitesText(federation) + "\n" +
                     comparison.federated.result.table + "\n" +
                     "Estimates (standard errors), with all data in one place and alone\n" +
                     ComparisonTable(comparison);
  return text + Agreement(comparison) + Troubles(comparison);
}

}  // namespace consilium
