#pragma once

// Commands of the system that tests of units and packages run, and the sources they look at.

#include <filesystem>
#include <string>

#include "tests/end_to_end/deployment.h"

namespace consilium::testing {

/// The programs that have a unit.
inline constexpr const char* kServices[] = {"site", "coordinator"};

inline std::filesystem::path SourceOf(const std::string& file) {
  return std::filesystem::path(CONSILIUM_SOURCE_FOLDER) / file;
}

inline CommandOutcome Shell(const std::string& line) {
  return RunProgram({"/bin/bash", "-c", line});
}

inline bool IsInstalled(const std::string& command) {
  return Shell("command -v " + command).exit_code == 0;
}

}  // namespace consilium::testing
