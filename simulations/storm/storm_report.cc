// A storm's outcome as text and as JSON.

#include <string_view>

#include <nlohmann/json.hpp>

#include "common/terminal.h"
#include "simulations/storm/storm.h"

namespace consilium {
namespace {

using Json = nlohmann::ordered_json;

std::string CountsText(const std::string& title,
                       std::vector<std::pair<std::string, std::uint64_t>> counts) {
  std::vector<std::vector<std::string>> rows = {{title, "times"}};
  for (const auto& [name, count] : counts) rows.push_back({name, std::to_string(count)});
  return AlignedTable(rows) + "\n";
}

std::vector<std::pair<std::string, std::uint64_t>> FaultsOf(const StormSummary& summary) {
  std::vector<std::pair<std::string, std::uint64_t>> counts;
  for (std::size_t i = 0; i < kFaultCount; ++i) {
    counts.emplace_back(Name(static_cast<Fault>(i)), summary.faults[i]);
  }
  return counts;
}

/// Every reason that exists, those never given with 0.
std::vector<std::pair<std::string, std::uint64_t>> DropsOf(const StormSummary& summary) {
  std::vector<std::pair<std::string, std::uint64_t>> counts;
  for (auto number = static_cast<std::uint16_t>(DropReason::kMalformed);
       number <= static_cast<std::uint16_t>(DropReason::kTooLong); ++number) {
    const auto reason = static_cast<DropReason>(number);
    const auto found = summary.drops.find(reason);
    counts.emplace_back(Name(reason), found == summary.drops.end() ? 0 : found->second);
  }
  return counts;
}

std::vector<std::pair<std::string, std::uint64_t>> RefusalsOf(const StormSummary& summary) {
  std::vector<std::pair<std::string, std::uint64_t>> counts;
  for (const auto& [reason, count] : summary.refusals) counts.emplace_back(Name(reason), count);
  return counts;
}

std::string StuckText(const StormSummary& summary) {
  std::vector<std::vector<std::string>> rows = {
      {"study waits for a person, as it should", "times", "first seed"}};
  for (const auto& [reason, stuck] : summary.stuck) {
    rows.push_back({Printable(reason).substr(0, 72), std::to_string(stuck.times),
                    std::to_string(stuck.first_seed)});
  }
  return AlignedTable(rows) + "\n";
}

std::string_view FlagOf(StormStudies studies) {
  switch (studies) {
    case StormStudies::kExact:
      return "";
    case StormStudies::kNormsChecked:
      return " --norms-checked";
    case StormStudies::kWithNoise:
      return " --with-noise";
  }
  return "";
}

std::string ReplayOf(const StormSummary& summary, std::uint64_t seed) {
  return "consilium-sim storm --seed " + std::to_string(seed) +
         std::string(FlagOf(summary.studies));
}

Json ToJson(const std::vector<std::pair<std::string, std::uint64_t>>& counts) {
  Json json = Json::object();
  for (const auto& [name, count] : counts) json[name] = count;
  return json;
}

}  // namespace

std::string StormText(const StormSummary& summary) {
  std::uint64_t stuck = 0;
  for (const auto& [reason, one] : summary.stuck) stuck += one.times;
  std::string text = CountsText("fault injected", FaultsOf(summary)) +
                     CountsText("coordinator left a site out or refused it", DropsOf(summary)) +
                     CountsText("site refused", RefusalsOf(summary));
  if (stuck > 0) {
    text += StuckText(summary);
  }
  text += std::to_string(summary.seeds) + " seeds, " + std::to_string(summary.events) +
          " events: " + std::to_string(summary.finished) + " studies ended, " +
          std::to_string(stuck) + " wait for a person, " + std::to_string(summary.failed) +
          " seeds failed.\nTrace " + summary.trace.ToHex() + "\n";
  for (const SeedOutcome& failure : summary.failures) {
    text += "\nSeed " + std::to_string(failure.seed) + " (" + std::to_string(failure.sites) +
            " sites) failed:\n";
    for (const std::string& violation : failure.violations) text += "  " + violation + "\n";
    text += "  Replay with its trace: " + ReplayOf(summary, failure.seed) + "\n";
  }
  return text;
}

std::string StormJson(const StormSummary& summary) {
  Json json;
  json["seeds"] = summary.seeds;
  json["events"] = summary.events;
  json["finished"] = summary.finished;
  json["failed"] = summary.failed;
  json["faults"] = ToJson(FaultsOf(summary));
  json["drops"] = ToJson(DropsOf(summary));
  json["refusals"] = ToJson(RefusalsOf(summary));
  json["stuck"] = Json::array();
  for (const auto& [reason, stuck] : summary.stuck) {
    json["stuck"].push_back(
        {{"reason", reason}, {"times", stuck.times}, {"first_seed", stuck.first_seed}});
  }
  json["trace"] = summary.trace.ToHex();
  json["failures"] = Json::array();
  for (const SeedOutcome& failure : summary.failures) {
    json["failures"].push_back({{"seed", failure.seed},
                                {"sites", failure.sites},
                                {"violations", failure.violations},
                                {"replay", ReplayOf(summary, failure.seed)}});
  }
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace consilium
