// A study's cost as text and as JSON.

#include <algorithm>

#include <nlohmann/json.hpp>

#include "common/pages/number_text.h"
#include "common/terminal.h"
#include "simulations/protocol/cost.h"

namespace consilium {
namespace {

using Json = nlohmann::json;

std::string SecondsText(Duration duration) {
  return NumberText(SecondsOf(duration), "%.4g") + " s";
}

std::string NetworkText(const NetworkModel& network) {
  return "latency " + std::to_string(network.latency.count()) + " ms one way; each site " +
         BandwidthText(network.site_bandwidth) + "; the coordinator " +
         BandwidthText(network.coordinator_bandwidth) + "; computing an answer " +
         SecondsText(network.computing.value_or(Duration(0)));
}

/// The round that takes longest, step by step.
const RoundCost& LongestRound(const StudyCost& cost) {
  return *std::max_element(
      cost.rounds.begin(), cost.rounds.end(),
      [](const RoundCost& a, const RoundCost& b) { return a.takes < b.takes; });
}

}  // namespace

std::string CostText(const Plan& plan, const CostOptions& options, const StudyCost& cost) {
  const RoundCost& longest = LongestRound(cost);
  std::vector<std::vector<std::string>> steps = {{"step", "from", "bytes a site", "takes"}};
  for (const CostStep& step : longest.steps) {
    const bool silent = step.bytes == 0;
    steps.push_back({step.name,
                     silent          ? ""
                     : step.to_sites ? "coordinator"
                                     : "sites",
                     silent ? "" : std::to_string(step.bytes), SecondsText(step.takes)});
  }
  const std::string rounds =
      std::to_string(cost.rounds.size()) +
      (cost.rounds_given ? " as given"
                         : " on random data; real data may take a few more, at most " +
                               std::to_string(plan.analysis->maximum_rounds()));
  return Printable(plan.title) + ", " + std::to_string(cost.sites) + " sites\n" +
         NetworkText(options.network) + "\n\n" +
         AlignedTable(
             {{"rounds", rounds},
              {"to each site", BytesText(cost.bytes_to_site)},
              {"from each site", BytesText(cost.bytes_from_site)},
              {"at the coordinator", BytesText(cost.sites * cost.bytes_to_site) + " out, " +
                                         BytesText(cost.sites * cost.bytes_from_site) + " in"},
              {"from start to result", SecondsText(cost.takes)}}) +
         "\nThe longest round, " + std::to_string(longest.asked.words) + " words in the sum:\n" +
         AlignedTable(steps);
}

std::string CostJson(const Plan& plan, const CostOptions& options, const StudyCost& cost) {
  Json json;
  json["study"] = plan.id.ToHex();
  json["title"] = plan.title;
  json["sites"] = cost.sites;
  json["network"] = {
      {"latency_seconds", SecondsOf(options.network.latency)},
      {"site_bits_per_second", options.network.site_bandwidth},
      {"coordinator_bits_per_second", options.network.coordinator_bandwidth},
      {"computing_seconds", SecondsOf(options.network.computing.value_or(Duration(0)))}};
  json["rounds_given"] = cost.rounds_given;
  json["rounds_at_most"] = plan.analysis->maximum_rounds();
  json["bytes_to_each_site"] = cost.bytes_to_site;
  json["bytes_from_each_site"] = cost.bytes_from_site;
  json["seconds"] = SecondsOf(cost.takes);
  json["rounds"] = Json::array();
  for (const RoundCost& round : cost.rounds) {
    json["rounds"].push_back({{"words", round.asked.words},
                              {"bytes_to_each_site", round.bytes_to_site},
                              {"bytes_from_each_site", round.bytes_from_site},
                              {"seconds", SecondsOf(round.takes)}});
  }
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace consilium
