#include <algorithm>
#include <cerrno>
#include <chrono>
#include <system_error>
#include <utility>

#include <poll.h>

#include "common/transport/control.h"
#include "common/transport/control_address.h"

namespace consilium {
namespace {

using Clock = std::chrono::steady_clock;

tl::unexpected<Error> FailNobodyServes(const std::filesystem::path& folder) {
  return Fail(ErrorCode::kUnavailable, "nobody serves '" + folder.string() + "' at the moment");
}

class Conversation {
 public:
  Conversation(FileDescriptor socket, const std::filesystem::path& folder, Duration timeout)
      : socket_(std::move(socket)), folder_(folder), deadline_(Clock::now() + timeout) {}

  Status Send(ByteSpan bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent < 0) {
        TRY_STATUS(WaitFor(POLLOUT, errno));
        continue;
      }
      bytes = bytes.subspan(static_cast<std::size_t>(sent));
    }
    return {};
  }

  Status Receive(MutableByteSpan bytes) {
    while (!bytes.empty()) {
      const ssize_t got = ::recv(socket_.get(), bytes.data(), bytes.size(), 0);
      if (got == 0) return FailBroken("it went away before it had answered");
      if (got < 0) {
        TRY_STATUS(WaitFor(POLLIN, errno));
        continue;
      }
      bytes = bytes.subspan(static_cast<std::size_t>(got));
    }
    return {};
  }

  tl::unexpected<Error> FailBroken(const std::string& reason) const {
    return Fail(ErrorCode::kIo, "the service of '" + folder_.string() + "': " + reason);
  }

 private:
  Status WaitFor(short events, int error) {
    if (error == EINTR) return {};
    if (error != EAGAIN && error != EWOULDBLOCK) {
      return FailBroken(std::generic_category().message(error));
    }
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline_ - Clock::now());
    pollfd wait{socket_.get(), events, 0};
    const bool ready = left.count() > 0 && ::poll(&wait, 1, static_cast<int>(left.count())) != 0;
    if (ready) return {};
    return Fail(ErrorCode::kBusy,
                "the service of '" + folder_.string() + "' did not answer in time",
                "It may be busy computing: try again, or look into its log.");
  }

  FileDescriptor socket_;
  const std::filesystem::path& folder_;
  Clock::time_point deadline_;
};

}  // namespace

Result<std::string> AskControl(const std::filesystem::path& folder,
                               std::string_view request,
                               Duration timeout) {
  if (request.size() > kLargestControlText) {
    return Fail(ErrorCode::kInvalidArgument, "the request is longer than 16 MiB");
  }
  TRY(const FileDescriptor opened, OpenControlFolder(folder));
  TRY(FileDescriptor socket, NewControlSocket());
  const int error = ConnectControl(socket, ControlAddress(opened));
  if (error == ENOENT || error == ECONNREFUSED) return FailNobodyServes(folder);
  if (error == EAGAIN) {
    return Fail(ErrorCode::kBusy,
                "the service of '" + folder.string() + "' has too many requests waiting",
                "Try again in a moment.");
  }
  if (error != 0) {
    return Fail(ErrorCode::kIo, "cannot reach the service of '" + folder.string() +
                                    "': " + std::generic_category().message(error));
  }
  Conversation conversation(std::move(socket), folder, timeout);
  TRY_STATUS(conversation.Send(ControlFrame(request)));
  ByteArray<kControlPrefix> prefix{};
  TRY_STATUS(conversation.Receive(prefix));
  const std::size_t length = LoadU32(prefix);
  if (length > kLargestControlText) return conversation.FailBroken("it sent no proper answer");
  Bytes answer(length);
  TRY_STATUS(conversation.Receive(answer));
  return std::string(AsText(answer));
}

}  // namespace consilium
