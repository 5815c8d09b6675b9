// consilium-sim storm: the production cores under seeded faults.

#include "simulations/commands_storm.h"

#include <algorithm>
#include <iostream>
#include <string>
#include <thread>

#include "common/command_errors.h"
#include "common/terminal.h"
#include "simulations/commands_progress.h"
#include "simulations/storm/storm.h"

namespace consilium {
namespace {

/// One seed with everything that happened in it.
int Replay(std::uint64_t seed, StormStudies studies) {
  const SeedOutcome outcome = RunSeed(seed, /*keep_lines=*/true, studies);
  for (const std::string& line : outcome.lines) std::cout << Printable(line) << "\n";
  std::cout << "\nSeed " << seed << ", " << outcome.sites << " sites, trace "
            << outcome.trace.ToHex() << ": ";
  for (const std::string& violation : outcome.violations) std::cout << "\n  " << violation;
  switch (outcome.end) {
    case StormEnd::kFinished:
      std::cout << "the studies ended" << std::endl;
      return kExitDone;
    case StormEnd::kStuck:
      std::cout << "waits for a person: " << Printable(outcome.stuck_because) << std::endl;
      return kExitDone;
    case StormEnd::kFailed:
      break;
  }
  std::cout << "\nfailed" << std::endl;
  return kExitFailed;
}

}  // namespace

int RunStormCommand(const StormCommand& command) {
  StormOptions options;
  if (command.norms_checked) options.studies = StormStudies::kNormsChecked;
  if (command.with_noise) options.studies = StormStudies::kWithNoise;
  if (command.seed && !command.json) return Replay(*command.seed, options.studies);
  options.first_seed = command.seed.value_or(1);
  options.seeds = command.seed ? 1 : command.seeds;
  options.threads = command.threads;
  RunProgress line;
  StormWatcher watcher;
  if (!command.json && line.IsShown()) {
    watcher = [&](std::uint64_t done) {
      line.Show(static_cast<double>(done) / static_cast<double>(options.seeds), done, "seeds");
    };
  }
  const StormSummary summary = RunStorm(options, watcher);
  line.Clear();
  std::cout << (command.json ? StormJson(summary) : StormText(summary)) << std::flush;
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
  CLI::Option* norms =
      storm->add_flag("--norms-checked", command.norms_checked,
                      "Of trainings whose plan has norms checked, with sites that lie in sketches");
  storm
      ->add_flag("--with-noise", command.with_noise,
                 "Of trainings with noise, whose epsilon has room for one attempt that fails")
      ->excludes(norms);
  storm->add_flag("--json", command.json, "Print the counts and failures as JSON");
  storm->footer(
      "Each seed is a federation of 3 to 20 sites with a day's faults of its own. First they are\n"
      "on and nothing unsafe may happen; then they are off and the study must end.\n"
      "Examples:\n  consilium-sim storm --seeds 10000\n  consilium-sim storm --seed 4711");
  storm->callback([&command] { command.asked = true; });
}

}  // namespace consilium
