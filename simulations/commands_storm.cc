// consilium-sim storm: the production cores under seeded faults.

#include "simulations/commands_storm.h"

#include <algorithm>
#include <chrono>
#include <iostream>
#include <optional>
#include <string>
#include <thread>

#include <unistd.h>

#include "common/command_errors.h"
#include "common/terminal.h"
#include "simulations/storm/storm.h"

namespace consilium {
namespace {

StormWatcher ProgressLine(std::uint64_t seeds) {
  const TerminalStyle style = StyleOf(STDERR_FILENO);
  if (!style.is_terminal) return {};
  const auto start = std::chrono::steady_clock::now();
  return [=](std::uint64_t done) {
    if (done % 16 != 0 && done < seeds) return;
    const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - start;
    const double rate = static_cast<double>(done) / std::max(spent.count(), 1e-3);
    const double left = static_cast<double>(seeds - done) / std::max(rate, 1e-3);
    std::cerr << "\r\x1b[K";
    if (done < seeds) {
      std::cerr << ProgressBar(static_cast<double>(done) / static_cast<double>(seeds), 30) << " "
                << static_cast<std::uint64_t>(rate) << " seeds/s, "
                << static_cast<std::uint64_t>(left) << " s left";
    }
    std::cerr << std::flush;
  };
}

/// One seed with everything that happened in it.
int Replay(std::uint64_t seed, bool json) {
  const SeedOutcome outcome = RunSeed(seed, /*keep_lines=*/true);
  StormSummary summary;
  if (!json) {
    for (const std::string& line : outcome.lines) std::cout << Printable(line) << "\n";
    std::cout << "\nSeed " << seed << ", " << outcome.sites << " sites, trace "
              << outcome.trace.ToHex() << ": ";
    for (const std::string& violation : outcome.violations) std::cout << "\n  " << violation;
    if (outcome.end == StormEnd::kFailed) {
      std::cout << "\nfailed" << std::endl;
    } else if (outcome.end == StormEnd::kStuck) {
      std::cout << "waits for a person: " << Printable(outcome.stuck_because) << std::endl;
    } else {
      std::cout << "the studies ended" << std::endl;
    }
  } else {
    summary.seeds = 1;
    summary.events = outcome.events;
    summary.faults = outcome.faults;
    summary.drops = outcome.drops;
    summary.refusals = outcome.refusals;
    summary.trace = outcome.trace;
    if (outcome.end == StormEnd::kFinished) summary.finished = 1;
    if (outcome.end == StormEnd::kStuck) summary.stuck[outcome.stuck_because] = {1, seed};
    if (outcome.end == StormEnd::kFailed) {
      summary.failed = 1;
      summary.failures.push_back(outcome);
    }
    std::cout << StormJson(summary) << std::flush;
  }
  return outcome.end == StormEnd::kFailed ? kExitFailed : kExitDone;
}

}  // namespace

int RunStormCommand(const StormCommand& options) {
  if (options.seed) return Replay(*options.seed, options.json);
  StormOptions storm;
  storm.seeds = options.seeds;
  storm.threads = options.threads;
  const StormSummary summary =
      RunStorm(storm, options.json ? StormWatcher{} : ProgressLine(options.seeds));
  std::cout << (options.json ? StormJson(summary) : StormText(summary)) << std::flush;
  return summary.failed > 0 ? kExitFailed : kExitDone;
}

void AddStorm(CLI::App& app, StormCommand& command) {
  command.threads = std::max(1U, std::thread::hardware_concurrency());
  CLI::App* storm = app.add_subcommand(
      "storm", "Run whole federations of the production code under seeded faults and lies");
  storm->add_option("--seeds", command.seeds, "How many seeds, from 1 on (default: 1000)")
      ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{1'000'000'000}));
  storm->add_option("--seed", command.seed, "Run this seed alone and print all that happens in it");
  storm->add_option("--threads", command.threads, "Threads; the outcome does not depend on it")
      ->check(CLI::Range(1, 1024));
  storm->add_flag("--json", command.json, "Print the counts and failures as JSON");
  storm->footer(
      "Each seed is a federation of 3 to 20 sites with a day's faults of its own. First they are\n"
      "on and nothing unsafe may happen; then they are off and the study must end.\n"
      "Examples:\n  consilium-sim storm --seeds 10000\n  consilium-sim storm --seed 4711");
  storm->callback([&command] { command.asked = true; });
}

}  // namespace consilium
