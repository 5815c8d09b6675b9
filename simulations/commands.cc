#include "simulations/commands.h"

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <iostream>
#include <string>
#include <string_view>
#include <thread>

#include <CLI/CLI.hpp>
#include <unistd.h>

#include "common/command_errors.h"
#include "common/crypto/library.h"
#include "common/files.h"
#include "common/terminal.h"
#include "simulations/comparison.h"
#include "simulations/experiment.h"
#include "simulations/report.h"

namespace consilium {
namespace {

constexpr std::string_view kProgram = "consilium-sim";

struct Options {
  std::string experiment;
  std::string out;
  std::string mode = "plain";
  std::uint64_t seed = 1;
  unsigned threads = std::max(1U, std::thread::hardware_concurrency());
  bool json = false;
};

/// A line on stderr that is written over and cleared at the end; nothing where that is no terminal.
ComparisonWatcher ProgressLine() {
  const TerminalStyle style = StyleOf(STDERR_FILENO);
  if (!style.is_terminal) return {};
  return [](std::size_t done, std::size_t total, const std::string& next) {
    std::cerr << "\r\x1b[K";
    if (done < total) {
      const double fraction = static_cast<double>(done) / static_cast<double>(total);
      std::cerr << ProgressBar(fraction, 30) << " " << Printable(next).substr(0, 40);
    }
    std::cerr << std::flush;
  };
}

Result<std::filesystem::path> MakeFolder(const Options& options, const Experiment& experiment) {
  const std::filesystem::path folder =
      options.out.empty() ? experiment.name + "-result" : options.out;
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) {
    return Fail(ErrorCode::kIo,
                "cannot make the folder " + folder.string() + ": " + error.message(),
                "Give another one with --out.");
  }
  return folder;
}

Result<int> RunExperiment(const Options& options) {
  TRY(const Experiment experiment, ReadExperiment(options.experiment));
  TRY(const VirtualFederation federation, LoadFederation(experiment));
  TRY(const Comparison comparison, Compare(experiment.plan, federation, options.threads,
                                           options.json ? ComparisonWatcher{} : ProgressLine()));
  TRY(const std::filesystem::path folder, MakeFolder(options, experiment));
  const std::string json = ResultJson(experiment, federation, comparison, options.seed);
  TRY_STATUS(WriteFileAtomically(folder / "result.json", AsBytes(json), 0644));
  if (options.json) {
    std::cout << json << std::flush;
  } else {
    std::cout << ResultText(experiment, federation, comparison)
              << "All numbers at full precision: " << (folder / "result.json").string()
              << std::endl;
  }
  return kExitDone;
}

void AddRun(CLI::App& app, Options& options) {
  CLI::App* run = app.add_subcommand("run", "Run a plan on one table split into virtual hospitals");
  run->add_option("EXPERIMENT", options.experiment, "The experiment file")->required();
  run->add_option("--out", options.out, "Folder for result.json (default: EXPERIMENT-result)");
  run->add_option("--seed", options.seed,
                  "Seed of everything random; plain runs of this version draw nothing");
  run->add_option("--threads", options.threads, "Threads; the result does not depend on it")
      ->check(CLI::Range(1, 1024));
  run->add_option("--mode", options.mode, "plain: sums in the clear, without the protocol")
      ->check(CLI::IsMember({"plain"}));
  run->add_flag("--json", options.json, "Print result.json instead of tables");
  run->footer("Example:\n  consilium-sim run examples/heart_experiment.toml --out results");
}

}  // namespace

int RunSimulatorProgram(int count, char** arguments) {
  CLI::App app("Tries a study on virtual hospitals before any hospital is asked.",
               std::string(kProgram));
  app.set_version_flag("--version", std::string(kProgram) + " " CONSILIUM_VERSION);
  app.require_subcommand(1);
  Options options;
  AddRun(app, options);
  try {
    app.parse(count, arguments);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);
    const bool json = std::any_of(arguments, arguments + count, [](const char* argument) {
      return std::string_view(argument) == "--json";
    });
    ReportError(kProgram,
                Error{ErrorCode::kInvalidArgument, error.what(),
                      "See consilium-sim run --help, which has an example."},
                json);
    return kExitUsage;
  }
  if (const Status started = InitialiseCrypto(); !started) {
    return ReportError(kProgram, started.error(), options.json);
  }
  const Result<int> done = RunExperiment(options);
  return done ? *done : ReportError(kProgram, done.error(), options.json);
}

}  // namespace consilium
