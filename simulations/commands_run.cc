// consilium-sim run: a plan on virtual hospitals.

#include "simulations/commands_run.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <filesystem>
#include <iostream>
#include <limits>
#include <set>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>

#include <unistd.h>

#include "common/command_errors.h"
#include "common/files.h"
#include "common/runtime_clock.h"
#include "common/terminal.h"
#include "simulations/commands_progress.h"
#include "simulations/html_report.h"
#include "simulations/protocol/protocol_run.h"
#include "simulations/report.h"
#include "simulations/warnings.h"

namespace consilium {
namespace {

void Show(const CampaignProgress& progress, RunProgress& line) {
  if (progress.next.empty()) return line.Clear();
  const double fraction = (static_cast<double>(progress.trials_done) + progress.trial_fraction) /
                          static_cast<double>(std::max<std::size_t>(progress.trials, 1));
  std::string run;
  if (progress.trials > 1) {
    run = " run " + std::to_string(progress.trials_done + 1) + " of " +
          std::to_string(progress.trials);
  }
  line.Show(fraction, progress.rounds, "rounds", run, " " + Printable(progress.next).substr(0, 30));
}

Error WithRemedy(Error error, std::string remedy) {
  if (error.remedy.empty()) error.remedy = std::move(remedy);
  return error;
}

/// Before the computation, so that a long one does not end with nowhere to write.
Status MakeFolder(const std::filesystem::path& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (!error && ::access(folder.c_str(), W_OK | X_OK) != 0) {
    error = std::error_code(errno, std::generic_category());
  }
  if (error) {
    return tl::unexpected<Error>(
        WithRemedy(FailOnFile(error.value(), "write into the folder", folder).value(),
                   "Give another one with --out."));
  }
  return {};
}

Status Write(const std::filesystem::path& file, const std::string& text) {
  Status written = WriteFileAtomically(file, AsBytes(text), 0644);
  if (written) return written;
  return tl::unexpected<Error>(
      WithRemedy(std::move(written).error(), "Give another folder with --out."));
}

Status WriteAll(const std::filesystem::path& folder,
                const Campaign& campaign,
                const std::string& comparison_json) {
  TRY_STATUS(Write(folder / "comparison.json", comparison_json));
  TRY_STATUS(Write(folder / "rounds.csv", RoundsCsv(campaign)));
  TRY_STATUS(Write(folder / "report.html", HtmlReport(campaign)));
  return Write(folder / "result.json",
               ResultJson(campaign.ShownExperiment(), campaign.shown.comparison));
}

unsigned ThreadsOf(const RunCommand& command, const Ranks& ranks) {
  if (command.threads > 0) return command.threads;
  return ranks.count() > 1 ? 1 : std::max(1U, std::thread::hardware_concurrency());
}

Result<RecordedRun> FederateOverProtocol(const Experiment& experiment,
                                         const VirtualFederation& federation,
                                         std::uint64_t seed,
                                         const RoundWatcher& on_round) {
  ProtocolOptions options;
  options.network = experiment.network;
  options.faults = experiment.faults;
  options.seed = seed;
  options.watcher = on_round;
  for (const VirtualSite& site : federation.sites()) {
    if (site.refusal.empty()) options.names.push_back(site.name);
  }
  return RunOverProtocol(experiment.plan, federation.Participants(), options);
}

/// CLI11 alone would take -1, and any number that is too large, for the largest there is.
std::string RefuseSeed(const std::string& text) {
  std::uint64_t seed = 0;
  const char* const end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, seed);
  if (error == std::errc() && stopped == end) return "";
  return "must be a whole number from 0 to " +
         std::to_string(std::numeric_limits<std::uint64_t>::max());
}

}  // namespace

void AddRun(CLI::App& app, RunCommand& command) {
  CLI::App* run = app.add_subcommand(
      "run", "Run a plan on virtual hospitals: parts of one table, or drawn from a known model");
  run->add_option("EXPERIMENT", command.experiment, "The experiment file")->required();
  run->add_option("--out", command.out,
                  "Folder for report.html, the page to look at; result.json, the federated result "
                  "as a coordinator releases it; comparison.json, with the pooled fit and each "
                  "site alone; rounds.csv (default: EXPERIMENT-result)");
  run->add_option("--seed", command.seed,
                  "Seed of everything random: partitions, participation and generated patients. "
                  "Repetitions take the seeds that follow")
      ->check(&RefuseSeed, "");
  run->add_option("--threads", command.threads,
                  "Threads (default: one for each processor; one for each rank of mpirun); the "
                  "result does not depend on it")
      ->check(CLI::Range(1, 1024));
  run->add_option(
         "--mode", command.mode,
         "plain: sums in the clear, as fast as it goes. protocol: the federated run by the "
         "real machines of coordinator and sites on a virtual network, with keys, masks and "
         "the experiment's [network] and [faults]; the same bits, and what it takes")
      ->check(CLI::IsMember({"plain", "protocol"}));
  run->add_flag("--json", command.json, "Print comparison.json instead of tables");
  run->footer(
      "Example:\n  consilium-sim run experiment.toml --out results\n"
      "with this experiment.toml, a plan and a table beside it:\n"
      "  [experiment]\n  plan = \"plan.toml\"\n"
      "  [data]\n  csv = \"patients.csv\"\n  site_column = \"hospital\"");
}

Result<int> RunExperiment(const RunCommand& command, Ranks& ranks) {
  Result<std::vector<Experiment>> read = ReadExperiments(command.experiment);
  TRY_STATUS(AgreeOn(ranks, read ? Status() : Status(tl::make_unexpected(read.error()))));
  std::vector<Experiment> experiments = *std::move(read);
  const std::filesystem::path folder =
      command.out.empty() ? experiments.front().name + "-result" : command.out;
  RunProgress line;
  CampaignOptions options;
  if (ranks.first() && !command.json && line.IsShown()) {
    options.watcher = [&](const CampaignProgress& progress) { Show(progress, line); };
  }
  // Each once, though a sweep reads its table for every combination.
  std::set<std::string> warned;
  options.on_table = [&](const Experiment& experiment, const LoadedTable& table) {
    if (!ranks.first()) return;
    std::vector<std::string> warnings = SiteNameWarnings(experiment, table);
    const Date today = DateOf(ReadClocks().utc);
    for (const std::string& one : ExpiryWarnings(experiment.plan, experiment.plan_file, today)) {
      warnings.push_back(one);
    }
    std::erase_if(warnings, [&](const std::string& one) { return !warned.insert(one).second; });
    if (!warnings.empty()) line.Clear();
    ShowWarnings(warnings);
  };
  options.before_first = [&] { return ranks.first() ? MakeFolder(folder) : Status(); };
  options.ranks = &ranks;
  if (command.mode == "protocol") {
    if (ranks.count() > 1) {
      return Fail(ErrorCode::kInvalidArgument, "--mode protocol runs in one process",
                  "Leave out mpirun, or use --mode plain.");
    }
    options.federate = &FederateOverProtocol;
  }
  TRY(const Campaign campaign,
      RunCampaign(std::move(experiments), command.seed, ThreadsOf(command, ranks), options));
  if (!ranks.first()) return kExitDone;
  const std::string comparison_json = ComparisonJson(campaign);
  TRY_STATUS(WriteAll(folder, campaign, comparison_json));
  if (command.json) {
    std::cout << comparison_json << std::flush;
    return kExitDone;
  }
  std::cout << ResultText(campaign) << "\n"
            << AlignedTable({{(folder / "report.html").string(), "all of it as a page with plots"},
                             {(folder / "result.json").string(),
                              "the federated result, as a coordinator would release it"},
                             {(folder / "comparison.json").string(),
                              "the pooled fit and each site alone beside it, at full precision"},
                             {(folder / "rounds.csv").string(), "what each round moved and found"}})
            << std::flush;
  return kExitDone;
}

}  // namespace consilium
