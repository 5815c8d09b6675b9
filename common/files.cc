#include "common/files.h"

#include <algorithm>
#include <cerrno>
#include <string>
#include <system_error>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/file_descriptor.h"

namespace consilium {
namespace {

std::string Quoted(const std::filesystem::path& path) { return "'" + path.string() + "'"; }

std::filesystem::path FolderOf(const std::filesystem::path& path) {
  const std::filesystem::path folder = path.parent_path();
  return folder.empty() ? std::filesystem::path(".") : folder;
}

/// The path as one word of a shell command.
std::string ShellWord(const std::filesystem::path& path) {
  std::string word = "'";
  for (const char c : path.string()) {
    if (c == '\'') {
      word += "'\\''";
    } else {
      word += c;
    }
  }
  return word + "'";
}

int WriteAll(int descriptor, ByteSpan bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return errno;
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
  return 0;
}

/// Fills the temporary file and makes it durable; 0 or an errno.
int FillAndSync(int descriptor, ByteSpan bytes, mode_t mode) {
  if (::fchmod(descriptor, mode) != 0) return errno;
  if (const int error = WriteAll(descriptor, bytes); error != 0) return error;
  return ::fsync(descriptor) == 0 ? 0 : errno;
}

}  // namespace

tl::unexpected<Error> FailOnFile(int error_number,
                                 std::string_view action,
                                 const std::filesystem::path& path) {
  ErrorCode code = ErrorCode::kIo;
  std::string remedy;
  switch (error_number) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
      code = ErrorCode::kStorageFull;
      remedy = "Free space on that disk, then try again.";
      break;
    case ENOENT:
      code = ErrorCode::kNotFound;
      break;
    case EACCES:
    case EPERM:
    case EROFS:
      code = ErrorCode::kPermission;
      break;
    case EEXIST:
      code = ErrorCode::kConflict;
      break;
    default:
      break;
  }
  return Fail(code,
              "cannot " + std::string(action) + " " + Quoted(path) + ": " +
                  std::generic_category().message(error_number),
              std::move(remedy));
}

Result<Bytes> ReadFile(const std::filesystem::path& path, std::size_t limit) {
  // Without O_NONBLOCK, opening a named pipe would wait for a writer.
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file.valid()) return FailOnFile(errno, "open", path);
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) return FailOnFile(errno, "examine", path);
  if (!S_ISREG(status.st_mode)) {
    return Fail(ErrorCode::kInvalidArgument, Quoted(path) + " is not a regular file");
  }
  const auto too_long = [&] {
    return Fail(ErrorCode::kInvalidArgument, Quoted(path) + " is longer than the " +
                                                 std::to_string(limit) + " bytes allowed for it");
  };
  if (static_cast<std::uint64_t>(status.st_size) > limit) return too_long();
  // One byte more than the size, so that the end is seen without growing the buffer.
  Bytes bytes(static_cast<std::size_t>(status.st_size) + 1);
  std::size_t filled = 0;
  while (true) {
    const ssize_t got = ::read(file.get(), bytes.data() + filled, bytes.size() - filled);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return FailOnFile(errno, "read", path);
    if (got == 0) break;
    filled += static_cast<std::size_t>(got);
    if (filled > limit) return too_long();
    if (filled == bytes.size()) bytes.resize(std::min(bytes.size() * 2, limit + 1));
  }
  bytes.resize(filled);
  return bytes;
}

Status WriteFileAtomically(const std::filesystem::path& path, ByteSpan bytes, mode_t mode) {
  std::string temporary = path.string() + ".tmp-XXXXXX";
  const FileDescriptor file(::mkostemp(temporary.data(), O_CLOEXEC));
  if (!file.valid()) return FailOnFile(errno, "create a file beside", path);
  if (const int error = FillAndSync(file.get(), bytes, mode); error != 0) {
    ::unlink(temporary.c_str());
    return FailOnFile(error, "write", path);
  }
  if (::rename(temporary.c_str(), path.c_str()) != 0) {
    const int error = errno;
    ::unlink(temporary.c_str());
    return FailOnFile(error, "replace", path);
  }
  return SyncFolder(FolderOf(path));
}

Status CreatePrivateFolder(const std::filesystem::path& path) {
  if (::mkdir(path.c_str(), 0700) != 0) return FailOnFile(errno, "create the folder", path);
  if (::chmod(path.c_str(), 0700) != 0) return FailOnFile(errno, "set the mode of", path);
  return SyncFolder(FolderOf(path.has_filename() ? path : path.parent_path()));
}

Status CheckPrivate(const std::filesystem::path& path) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0) return FailOnFile(errno, "examine", path);
  const bool folder = S_ISDIR(status.st_mode);
  if (!folder && !S_ISREG(status.st_mode)) {
    return Fail(ErrorCode::kPermission, Quoted(path) + " is neither a regular file nor a folder",
                "Put the file itself there, not a link to it.");
  }
  if (status.st_uid != ::geteuid()) {
    return Fail(
        ErrorCode::kPermission, Quoted(path) + " belongs to another user",
        "Run as its owner, or: chown " + std::to_string(::geteuid()) + " " + ShellWord(path));
  }
  const mode_t allowed = folder ? 0700 : 0600;
  if ((status.st_mode & 07777 & ~allowed) != 0) {
    return Fail(ErrorCode::kPermission, "others than the owner may use " + Quoted(path),
                std::string("Run: chmod ") + (folder ? "700 " : "600 ") + ShellWord(path));
  }
  return {};
}

Status CheckUnalterable(const std::filesystem::path& file) {
  std::error_code error;
  const std::filesystem::path found = std::filesystem::canonical(file, error);
  if (error) return FailOnFile(error.value(), "find", file);
  for (std::filesystem::path path = found;; path = path.parent_path()) {
    struct stat status {};
    if (::lstat(path.c_str(), &status) != 0) return FailOnFile(errno, "examine", path);
    if (status.st_uid != 0 && status.st_uid != ::geteuid()) {
      return Fail(ErrorCode::kPermission,
                  Quoted(path) + " belongs to another user, who could change " + Quoted(found),
                  "Run: chown root " + ShellWord(path));
    }
    // In a sticky folder, such as /tmp, nobody renames or removes what others own.
    const bool kept = S_ISDIR(status.st_mode) && (status.st_mode & S_ISVTX) != 0;
    if ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0 && !kept) {
      return Fail(ErrorCode::kPermission,
                  "others than the owner may change " + Quoted(path) +
                      (path == found ? "" : ", and so replace " + Quoted(found)),
                  "Run: chmod go-w " + ShellWord(path));
    }
    if (path == path.parent_path()) return {};
  }
}

Status SyncFolder(const std::filesystem::path& folder) {
  const FileDescriptor descriptor(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!descriptor.valid()) return FailOnFile(errno, "open the folder", folder);
  if (::fsync(descriptor.get()) != 0) return FailOnFile(errno, "make durable the folder", folder);
  return {};
}

}  // namespace consilium
