#pragma once

#include <cstdint>
#include <string>

#include <CLI/CLI.hpp>

#include "common/result.h"

namespace consilium {

/// What was asked of `consilium-sim cost`.
struct CostCommand {
  bool asked = false;
  std::string plan;
  std::uint32_t sites = 0;
  std::string latency = "20ms";
  std::string bandwidth;
  std::string coordinator_bandwidth;
  std::string computing = "0s";
  std::uint32_t rounds = 0;  ///< 0: found by trying.
  bool json = false;
};

/// Adds `cost` to the program's commands; parsing fills in `command`, which outlives the app.
void AddCost(CLI::App& app, CostCommand& command);

/// Prints the prediction and returns the exit code.
Result<int> RunCostCommand(const CostCommand& command);

}  // namespace consilium
