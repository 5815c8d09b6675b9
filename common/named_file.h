#pragma once

// A file that another file, written by a person, names.

#include <filesystem>
#include <string_view>

#include "common/result.h"

namespace consilium {

/// Whether it is there and a regular file. `key` of the source file names it. kPermission where it
/// cannot be looked at, kNotFound, or kInvalidArgument; in words that name the file.
Status CheckNamedFile(const std::filesystem::path& file, std::string_view key);

}  // namespace consilium
