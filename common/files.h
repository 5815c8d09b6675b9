#pragma once

// The few things the home folders need from the file system. Every error names the path; a full
// disk is kStorageFull, so that callers can pause instead of failing.

#include <cstddef>
#include <filesystem>

#include <sys/types.h>

#include "common/bytes.h"
#include "common/result.h"

namespace consilium {

/// An error for a failed system call: kStorageFull, kNotFound, kPermission, kConflict or kIo by
/// `error_number`.
tl::unexpected<Error> FailOnFile(int error_number,
                                 std::string_view action,
                                 const std::filesystem::path& path);

/// A regular file's bytes. kNotFound when absent, kInvalidArgument over `limit` bytes or no regular
/// file.
Result<Bytes> ReadFile(const std::filesystem::path& path, std::size_t limit);

/// After a crash at any moment the path holds the old bytes or the new ones, and the new ones once
/// this has returned: temporary file beside it, fsync, rename, fsync of the folder. `mode` is exact
/// (no umask).
Status WriteFileAtomically(const std::filesystem::path& path, ByteSpan bytes, mode_t mode);

/// A new folder with mode 0700 below an existing one. kConflict when the path exists.
Status CreatePrivateFolder(const std::filesystem::path& path);

/// kPermission unless the path is a regular file or folder that belongs to this user and nobody
/// else may use (no wider than 0600, or 0700 for a folder). The remedy is the command that repairs
/// it.
Status CheckPrivate(const std::filesystem::path& path);

/// kPermission unless only root and this user can change the file (what a link leads to), by its
/// own mode or by that of a folder on the way to it. The remedy is the command that repairs it.
Status CheckUnalterable(const std::filesystem::path& file);

/// Makes the folder's entries durable after a creation, rename or removal in it.
Status SyncFolder(const std::filesystem::path& folder);

}  // namespace consilium
