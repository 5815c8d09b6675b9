#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <CLI/CLI.hpp>

namespace consilium {

/// What was asked of `consilium-sim storm`.
struct StormCommand {
  bool asked = false;
  std::uint64_t seeds = 1'000;
  std::optional<std::uint64_t> seed;  ///< This one alone, with all that happens in it.
  unsigned threads = 1;
  bool norms_checked = false;
  bool with_noise = false;
  bool json = false;
};

/// Adds `storm` to the program's commands; parsing fills in `command`, which outlives the app.
void AddStorm(CLI::App& app, StormCommand& command);

/// Runs it and returns the exit code.
int RunStormCommand(const StormCommand& command);

}  // namespace consilium
