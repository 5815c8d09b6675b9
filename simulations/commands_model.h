#pragma once

#include <string>

#include <CLI/CLI.hpp>

#include "common/result.h"

namespace consilium {

/// What was asked of `consilium-sim model`.
struct ModelCommand {
  bool asked = false;
  std::string result;
  std::string file;
};

/// Adds `model` to the program's commands; parsing fills in `command`, which outlives the app.
void AddModel(CLI::App& app, ModelCommand& command);

/// Writes the model file and returns the exit code.
Result<int> RunModelCommand(const ModelCommand& command);

}  // namespace consilium
