#include "common/transport/control_address.h"

#include <cerrno>
#include <cstdio>
#include <system_error>

#include <fcntl.h>

#include "common/files.h"

namespace consilium {

Result<FileDescriptor> OpenControlFolder(const std::filesystem::path& folder) {
  FileDescriptor descriptor(::open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!descriptor.valid()) return FailOnFile(errno, "open the folder", folder);
  return descriptor;
}

sockaddr_un ControlAddress(const FileDescriptor& folder) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d/%s", folder.get(),
                kControlName);
  return address;
}

Result<FileDescriptor> NewControlSocket() {
  FileDescriptor descriptor(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!descriptor.valid()) {
    return Fail(ErrorCode::kIo, "cannot make a socket: " + std::generic_category().message(errno));
  }
  return descriptor;
}

int ConnectControl(const FileDescriptor& socket, const sockaddr_un& address) {
  const auto* generic = reinterpret_cast<const sockaddr*>(&address);
  return ::connect(socket.get(), generic, sizeof address) == 0 ? 0 : errno;
}

Bytes ControlFrame(std::string_view text) {
  Bytes frame(kControlPrefix);
  StoreU32(frame, static_cast<std::uint32_t>(text.size()));
  const ByteSpan bytes = AsBytes(text);
  frame.insert(frame.end(), bytes.begin(), bytes.end());
  return frame;
}

}  // namespace consilium
