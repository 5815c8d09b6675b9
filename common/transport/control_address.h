#pragma once

#include <cstddef>
#include <filesystem>

#include <sys/socket.h>
#include <sys/un.h>

#include "common/bytes.h"
#include "common/file_descriptor.h"
#include "common/result.h"

namespace consilium {

inline constexpr char kControlName[] = "control.sock";
inline constexpr std::size_t kControlPrefix = 4;  ///< Length of the text, little-endian.

Result<FileDescriptor> OpenControlFolder(const std::filesystem::path& folder);
/// The socket's address by way of the open folder, which is short however long its name is.
sockaddr_un ControlAddress(const FileDescriptor& folder);
Result<FileDescriptor> NewControlSocket();
/// 0 or an errno.
int ConnectControl(const FileDescriptor& socket, const sockaddr_un& address);
/// The text with its length in front.
Bytes ControlFrame(std::string_view text);

}  // namespace consilium
