#pragma once

// The programs that a site lets studies learn by, as its policy names them. A plan says a name and
// nothing more; which program that is, with which arguments and limits, is said here alone.

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.h"
#include "common/settings.h"

namespace consilium {

struct TrainerProgram {
  std::filesystem::path program;
  std::vector<std::string> arguments;
  std::vector<std::string> readable;  ///< Files and folders that it may read beside the system's.
  std::uint32_t memory_mb = 0;        ///< Of address space.
  std::uint32_t seconds = 0;          ///< For one answer.
};

/// By the name that plans say.
using TrainerPrograms = std::map<std::string, TrainerProgram, std::less<>>;

/// Where relative paths of a table [trainers] start.
struct RelativeTo {
  std::filesystem::path folder;  ///< Empty: they are refused.
};

/// The table [trainers] of a policy or an experiment, if it has one.
Result<TrainerPrograms> ParseTrainers(const Settings& settings, const RelativeTo& start);

/// Whether the program is there and can be run.
Status CheckTrainer(const TrainerProgram& trainer);
/// That, and whether nobody but root and this user can change it.
Status CheckTrustedTrainer(const TrainerProgram& trainer);

/// "/usr/lib/consilium/x --fast, with at most 1024 MB of memory and 60 s for an answer"
std::string InWords(const TrainerProgram& trainer);

}  // namespace consilium
