#pragma once

// What can be told of a store's file before SQLite may touch it.

#include <cstdint>
#include <filesystem>

#include "common/result.h"

namespace consilium {

inline constexpr std::uint32_t kApplicationId = 0x434e534c;  // "CNSL"
inline constexpr char kRestoreRemedy[] =
    "Stop here and keep the file. Only its newest copy can go on: an older one has forgotten what "
    "was answered since, and is refused.";

tl::unexpected<Error> FailAsNewerState(const std::string& file,
                                       std::uint32_t format,
                                       std::uint32_t newest);

/// Write-ahead logs need locks and an fsync that a network file system does not dependably give.
Status RefuseNetworkFileSystem(const std::filesystem::path& file);

/// Reads the version from the file's first 100 bytes (https://www.sqlite.org/fileformat.html),
/// before SQLite may touch it: a file of a newer program stays as it is, to the byte.
Status CheckStateHeader(const std::filesystem::path& file, std::uint32_t newest);

}  // namespace consilium
