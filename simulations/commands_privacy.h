#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <CLI/CLI.hpp>

#include "common/result.h"

namespace consilium {

/// What was asked of `consilium-sim privacy`: all but one of the four.
struct PrivacyCommand {
  bool asked = false;
  std::optional<double> noise;
  std::optional<std::uint64_t> rounds;
  std::optional<double> epsilon;
  std::optional<double> delta;
  double rate = 1;
  std::string unit = "patient";
  bool json = false;
};

/// Adds `privacy` to the program's commands; parsing fills in `command`, which outlives the app.
void AddPrivacy(CLI::App& app, PrivacyCommand& command);

/// Solves for the one that was left out, prints it and returns the exit code: that of usage unless
/// it is exactly one.
Result<int> RunPrivacyCommand(const PrivacyCommand& command);

}  // namespace consilium
