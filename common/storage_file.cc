#include "common/storage_file.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <string>
#include <string_view>

#include <fcntl.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "common/file_descriptor.h"
#include "common/files.h"

namespace consilium {

tl::unexpected<Error> FailAsNewerState(const std::string& file,
                                       std::uint32_t format,
                                       std::uint32_t newest) {
  return Fail(ErrorCode::kConflict,
              "'" + file + "' was written by a newer program (format " + std::to_string(format) +
                  "; this one knows " + std::to_string(newest) + ")",
              "Install that newer version again; nothing was changed.");
}

Status RefuseNetworkFileSystem(const std::filesystem::path& file) {
  constexpr std::array<std::uint64_t, 4> kNetworkMagics = {0x6969 /* NFS */, 0xff534d42 /* CIFS */,
                                                           0xfe534d42 /* SMB2 */, 0x517b /* SMB */};
  struct statfs status {};
  if (::statfs(file.c_str(), &status) != 0) return FailOnFile(errno, "examine", file);
  const auto magic = static_cast<std::uint64_t>(status.f_type) & 0xffffffff;
  if (std::ranges::find(kNetworkMagics, magic) == kNetworkMagics.end()) return {};
  return Fail(ErrorCode::kIo, "'" + file.string() + "' is on a network file system",
              "Put this folder on a local disk.");
}

Status CheckStateHeader(const std::filesystem::path& file, std::uint32_t newest) {
  const FileDescriptor descriptor(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (!descriptor.valid()) return FailOnFile(errno, "open", file);
  std::array<unsigned char, 100> header{};
  const ssize_t got = ::pread(descriptor.get(), header.data(), header.size(), 0);
  if (got < 0) return FailOnFile(errno, "read", file);
  const auto number_at = [&](std::size_t offset) {
    std::uint32_t number = 0;
    for (std::size_t i = 0; i < 4; ++i) number = number << 8 | header[offset + i];
    return number;
  };
  const std::string_view magic(reinterpret_cast<const char*>(header.data()), 16);
  if (got != static_cast<ssize_t>(header.size()) ||
      magic != std::string_view("SQLite format 3\0", 16) || number_at(68) != kApplicationId) {
    return Fail(ErrorCode::kCorrupt,
                "'" + file.string() + "' is not a store of this program, or its start is lost",
                kRestoreRemedy);
  }
  if (number_at(60) > newest) return FailAsNewerState(file.string(), number_at(60), newest);
  return {};
}

}  // namespace consilium
