#include "simulations/commands.h"

#include <algorithm>
#include <csignal>
#include <iostream>
#include <memory>
#include <streambuf>
#include <string>
#include <string_view>

#include <CLI/CLI.hpp>

#include "common/command_errors.h"
#include "common/crypto/library.h"
#include "simulations/commands_cost.h"
#include "simulations/commands_model.h"
#include "simulations/commands_privacy.h"
#include "simulations/commands_run.h"
#include "simulations/commands_storm.h"
#include "simulations/mpi_ranks.h"

namespace consilium {
namespace {

constexpr std::string_view kProgram = "consilium-sim";

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
  RunCommand run;
  AddRun(app, run);
  StormCommand storm;
  AddStorm(app, storm);
  CostCommand cost;
  AddCost(app, cost);
  PrivacyCommand privacy;
  AddPrivacy(app, privacy);
  ModelCommand model;
  AddModel(app, model);
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
    return ReportError(kProgram, started.error(), run.json);
  }
  if (storm.asked) return ranks.first() ? RunStormCommand(storm) : kExitDone;
  if ((cost.asked || privacy.asked || model.asked) && !ranks.first()) return kExitDone;
  const Result<int> done = cost.asked      ? RunCostCommand(cost)
                           : privacy.asked ? RunPrivacyCommand(privacy)
                           : model.asked   ? RunModelCommand(model)
                                           : RunExperiment(run, ranks);
  return done ? *done : ReportError(kProgram, done.error(), run.json || cost.json || privacy.json);
}

}  // namespace consilium
