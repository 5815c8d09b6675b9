#include "simulations/commands.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdint>
#include <filesystem>
#include <iostream>
#include <limits>
#include <memory>
#include <streambuf>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>

#include <CLI/CLI.hpp>
#include <unistd.h>

#include "common/command_errors.h"
#include "common/crypto/library.h"
#include "common/files.h"
#include "common/terminal.h"
#include "simulations/commands_storm.h"
#include "simulations/comparison.h"
#include "simulations/experiment.h"
#include "simulations/mpi_ranks.h"
#include "simulations/report.h"

namespace consilium {
namespace {

constexpr std::string_view kProgram = "consilium-sim";

struct Options {
  std::string experiment;
  std::string out;
  std::string mode = "plain";
  std::uint64_t seed = 1;
  unsigned threads = 0;
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

Error WithRemedy(Error error, std::string remedy) {
  if (error.remedy.empty()) error.remedy = std::move(remedy);
  return error;
}

/// Before the computation, so that a long one does not end with nowhere to write.
Result<std::filesystem::path> MakeFolder(const Options& options, const Experiment& experiment) {
  const std::filesystem::path folder =
      options.out.empty() ? experiment.name + "-result" : options.out;
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
  return folder;
}

Status Write(const std::filesystem::path& file, const std::string& text) {
  Status written = WriteFileAtomically(file, AsBytes(text), 0644);
  if (written) return written;
  return tl::unexpected<Error>(
      WithRemedy(std::move(written).error(), "Give another folder with --out."));
}

struct Prepared {
  Experiment experiment;
  VirtualFederation federation;
  std::filesystem::path folder;  ///< Empty on ranks that write nothing.
};

Result<Prepared> Prepare(const Options& options, const Ranks& ranks) {
  TRY(Experiment experiment, ReadExperiment(options.experiment));
  TRY(VirtualFederation federation, LoadFederation(experiment));
  std::filesystem::path folder;
  if (ranks.first()) {
    TRY(folder, MakeFolder(options, experiment));
  }
  return Prepared{std::move(experiment), std::move(federation), std::move(folder)};
}

Result<int> RunExperiment(const Options& options, Ranks& ranks) {
  const Result<Prepared> prepared = Prepare(options, ranks);
  TRY_STATUS(AgreeOn(ranks, prepared ? Status() : tl::make_unexpected(prepared.error())));
  const auto& [experiment, federation, folder] = *prepared;
  Result<Comparison> compared =
      Compare(experiment.plan, federation, options.threads,
              options.json || !ranks.first() ? ComparisonWatcher{} : ProgressLine(), &ranks);
  if (!compared) return FailIn(options.experiment, std::move(compared).error());
  if (!ranks.first()) return kExitDone;
  const Comparison comparison = *std::move(compared);
  const std::string comparison_json =
      ComparisonJson(experiment, federation, comparison, options.seed);
  TRY_STATUS(Write(folder / "comparison.json", comparison_json));
  TRY_STATUS(Write(folder / "result.json", ResultJson(experiment, comparison)));
  if (options.json) {
    std::cout << comparison_json << std::flush;
    return kExitDone;
  }
  std::cout << ResultText(experiment, federation, comparison) << "\nAll numbers at full precision\n"
            << AlignedTable({{(folder / "result.json").string(),
                              "the federated result, as a coordinator would release it"},
                             {(folder / "comparison.json").string(),
                              "the pooled fit and each site alone beside it"}})
            << std::flush;
  return kExitDone;
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

void AddRun(CLI::App& app, Options& options) {
  CLI::App* run = app.add_subcommand("run", "Run a plan on one table split into virtual hospitals");
  run->add_option("EXPERIMENT", options.experiment, "The experiment file")->required();
  run->add_option("--out", options.out,
                  "Folder for result.json, the federated result as a coordinator releases it, and "
                  "comparison.json, with the pooled fit and each site alone "
                  "(default: EXPERIMENT-result)");
  run->add_option("--seed", options.seed,
                  "Seed of everything random; plain runs of this version draw nothing")
      ->check(&RefuseSeed, "");
  run->add_option("--threads", options.threads,
                  "Threads (default: one for each processor; one for each rank of mpirun); the "
                  "result does not depend on it")
      ->check(CLI::Range(1, 1024));
  run->add_option("--mode", options.mode, "plain: sums in the clear, without the protocol")
      ->check(CLI::IsMember({"plain"}));
  run->add_flag("--json", options.json, "Print comparison.json instead of tables");
  run->footer(
      "Example:\n  consilium-sim run experiment.toml --out results\n"
      "with this experiment.toml, a plan and a table beside it:\n"
      "  [experiment]\n  plan = \"plan.toml\"\n"
      "  [data]\n  csv = \"patients.csv\"\n  site_column = \"hospital\"");
}

/// Keeps all ranks but the first from saying what the first says.
class OneVoice {
 public:
  explicit OneVoice(const Ranks& ranks) {
    if (ranks.first()) return;
    out_ = std::cout.rdbuf(&nowhere_);
    err_ = std::cerr.rdbuf(&nowhere_);
  }
  OneVoice(const OneVoice&) = delete;
  OneVoice& operator=(const OneVoice&) = delete;
  ~OneVoice() {
    if (out_ != nullptr) std::cout.rdbuf(out_);
    if (err_ != nullptr) std::cerr.rdbuf(err_);
  }

 private:
  class Nowhere final : public std::streambuf {
    int overflow(int character) override { return traits_type::not_eof(character); }
  };
  Nowhere nowhere_;
  std::streambuf* out_ = nullptr;
  std::streambuf* err_ = nullptr;
};

bool AsksForJson(int count, char** arguments) {
  return std::any_of(arguments, arguments + count,
                     [](const char* argument) { return std::string_view(argument) == "--json"; });
}

unsigned DefaultThreads(const Ranks& ranks) {
  return ranks.count() > 1 ? 1 : std::max(1U, std::thread::hardware_concurrency());
}

}  // namespace

int RunSimulatorProgram(int count, char** arguments) {
  const Result<std::unique_ptr<Ranks>> joined = JoinRanks();
  if (!joined) return ReportError(kProgram, joined.error(), AsksForJson(count, arguments));
  Ranks& ranks = **joined;
  const OneVoice one_voice(ranks);
  // A file that may not grow further is an error of the write, like a full disk, not the end.
  std::signal(SIGXFSZ, SIG_IGN);
  CLI::App app("Tries a study on virtual hospitals before any hospital is asked.",
               std::string(kProgram));
  app.set_version_flag("--version", std::string(kProgram) + " " CONSILIUM_VERSION);
  app.require_subcommand(1);
  Options options;
  AddRun(app, options);
  StormCommand storm;
  AddStorm(app, storm);
  try {
    app.parse(count, arguments);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);
    ReportError(kProgram,
                Error{ErrorCode::kInvalidArgument, error.what(),
                      "See consilium-sim --help; the help of each command has an example."},
                AsksForJson(count, arguments));
    return kExitUsage;
  }
  if (const Status started = InitialiseCrypto(); !started) {
    return ReportError(kProgram, started.error(), options.json);
  }
  if (storm.asked) return ranks.first() ? RunStormCommand(storm) : kExitDone;
  if (options.threads == 0) options.threads = DefaultThreads(ranks);
  const Result<int> done = RunExperiment(options, ranks);
  return done ? *done : ReportError(kProgram, done.error(), options.json);
}

}  // namespace consilium
