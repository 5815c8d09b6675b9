#pragma once

#include <filesystem>
#include <string>

#include "common/result.h"

namespace consilium {

/// Follows a study of the running service until it ends; the newest study when `study` is empty. A
/// live view on a terminal, otherwise a line (with `json`, a document) for each change. Exit code 0
/// when the study finished, 1 when it failed or was stopped.
Result<int> WatchStudy(const std::filesystem::path& folder, const std::string& study, bool json);

}  // namespace consilium
