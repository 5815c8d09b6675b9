// consilium-sim cost: what a plan would take on a given network.

#include "simulations/commands_cost.h"

#include <iostream>
#include <utility>

#include "common/command_errors.h"
#include "common/files.h"
#include "common/runtime_clock.h"
#include "simulations/commands_progress.h"
#include "simulations/protocol/cost.h"
#include "simulations/warnings.h"

namespace consilium {
namespace {

Error In(std::string_view option, Error error) {
  error.message = std::string(option) + ": " + error.message;
  return error;
}

Result<Duration> SpanOf(std::string_view option, const std::string& text) {
  Result<Duration> span = ParseSpan(text);
  if (!span) return tl::unexpected<Error>(In(option, std::move(span).error()));
  return span;
}

Result<double> BandwidthOf(std::string_view option, const std::string& text) {
  if (text.empty()) return 0.0;
  Result<double> bandwidth = ParseBandwidth(text);
  if (!bandwidth) return tl::unexpected<Error>(In(option, std::move(bandwidth).error()));
  return bandwidth;
}

}  // namespace

void AddCost(CLI::App& app, CostCommand& command) {
  CLI::App* cost = app.add_subcommand(
      "cost", "Predict the rounds, bytes and seconds of a plan on a given network");
  cost->add_option("PLAN", command.plan, "The plan file")->required();
  cost->add_option("--sites", command.sites, "How many sites take part")
      ->check(CLI::Range(1, 1'000'000))
      ->required();
  cost->add_option("--latency", command.latency, "One way, as 20ms (the default)");
  cost->add_option("--bandwidth", command.bandwidth,
                   "Of each site's line, each way, as \"10 Mbit/s\" (default: no limit)");
  cost->add_option(
      "--coordinator-bandwidth", command.coordinator_bandwidth,
      "Of the coordinator's line, each way, for all sites together (default: no limit)");
  cost->add_option("--computing", command.computing,
                   "How long the slowest site computes an answer, as 2s (default: no time)");
  cost->add_option("--rounds", command.rounds,
                   "Count on so many rounds (default: as many as random data take)")
      ->check(CLI::Range(1, 1'000'000));
  cost->add_flag("--json", command.json, "Print JSON instead of tables");
  cost->footer(
      "Example:\n  consilium-sim cost plan.toml --sites 12 --latency 30ms --bandwidth \"10 "
      "Mbit/s\"\n"
      "The bytes are those of the protocol's messages; encryption and TCP add about 100 bytes a\n"
      "message and 3 %. Joining and approving are not in it.");
  cost->callback([&command] { command.asked = true; });
}

Result<int> RunCostCommand(const CostCommand& command) {
  CostOptions options;
  options.sites = command.sites;
  TRY(options.network.latency, SpanOf("--latency", command.latency));
  TRY(options.network.computing, SpanOf("--computing", command.computing));
  TRY(options.network.site_bandwidth, BandwidthOf("--bandwidth", command.bandwidth));
  TRY(options.network.coordinator_bandwidth,
      BandwidthOf("--coordinator-bandwidth", command.coordinator_bandwidth));
  if (command.rounds > 0) options.rounds = command.rounds;
  TRY(const Bytes text, ReadFile(command.plan, kMaxPlanBytes));
  TRY(const Plan plan, ParsePlan(AsText(text), command.plan));
  ShowWarnings(ExpiryWarnings(plan, command.plan, DateOf(ReadClocks().utc)));
  TRY(const StudyCost cost, PredictCost(plan, options));
  std::cout << (command.json ? CostJson(plan, options, cost) : CostText(plan, options, cost))
            << std::flush;
  return kExitDone;
}

}  // namespace consilium
