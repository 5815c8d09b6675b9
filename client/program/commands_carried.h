#pragma once

// `inbox` and `outbox`: a site without a network exchanges files with its coordinator.

#include <string>
#include <vector>

#include "common/command_line.h"
#include "common/result.h"

namespace consilium {

/// Takes in files that came from the coordinator. Of a folder, files for others are passed over.
Result<int> TakeCarriedFiles(const CommonOptions& common, const std::vector<std::string>& places);

/// Waits until nothing is being computed, then writes what the coordinator is to be told, if there
/// is anything, into the folder or file `out`.
Result<int> WriteCarriedFile(const CommonOptions& common, const std::string& out);

}  // namespace consilium
