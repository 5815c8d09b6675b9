#pragma once

#include <cstdint>
#include <string>

#include <CLI/CLI.hpp>

#include "common/result.h"
#include "simulations/ranks.h"

namespace consilium {

/// What was asked of `consilium-sim run`.
struct RunCommand {
  std::string experiment;
  std::string out;
  std::string mode = "plain";
  std::uint64_t seed = 1;
  unsigned threads = 0;  ///< 0: as many as the machine and the ranks suggest.
  bool json = false;
};

/// Adds `run` to the program's commands; parsing fills in `command`, which outlives the app.
void AddRun(CLI::App& app, RunCommand& command);

/// Runs the experiment, writes its files and returns the exit code. All ranks call it; the first
/// writes and prints.
Result<int> RunExperiment(const RunCommand& command, Ranks& ranks);

}  // namespace consilium
