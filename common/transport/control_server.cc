#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>

#include "common/check.h"
#include "common/files.h"
#include "common/transport/control.h"
#include "common/transport/control_address.h"

namespace consilium {
namespace {

constexpr std::size_t kMostClients = 16;
constexpr std::size_t kReadStep = 64U << 10;

bool IsSameUser(int descriptor) {
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return false;
  return peer.uid == ::geteuid() || peer.uid == 0;
}

}  // namespace

struct ControlServer::Client {
  FileDescriptor socket;
  Bytes received;
  Bytes answer;  ///< What is still to be written starts at `written`.
  std::size_t written = 0;
  bool asked = false;  ///< Its request was handed to the program.

  bool Complete() const;
  bool TooLong() const;
  bool ReadMore();
  bool WriteMore();
};

bool ControlServer::Client::Complete() const {
  return received.size() >= kControlPrefix &&
         received.size() - kControlPrefix >= LoadU32(ByteSpan(received).first(kControlPrefix));
}

bool ControlServer::Client::TooLong() const {
  if (received.size() < kControlPrefix) return false;
  const std::size_t length = LoadU32(ByteSpan(received).first(kControlPrefix));
  return length > kLargestControlText || received.size() - kControlPrefix > length;
}

/// False when the connection is over or broken.
bool ControlServer::Client::ReadMore() {
  while (!Complete()) {
    const std::size_t before = received.size();
    received.resize(before + kReadStep);
    const ssize_t got = ::recv(socket.get(), received.data() + before, kReadStep, 0);
    const int error = errno;
    received.resize(before + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    if (got == 0) return false;
    if (got < 0 && error == EINTR) continue;
    if (got < 0) return error == EAGAIN || error == EWOULDBLOCK;
    if (TooLong()) return false;
  }
  return true;
}

/// False when all is written, or the connection broken.
bool ControlServer::Client::WriteMore() {
  while (written < answer.size()) {
    const ssize_t sent =
        ::send(socket.get(), answer.data() + written, answer.size() - written, MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) return errno == EAGAIN || errno == EWOULDBLOCK;
    written += static_cast<std::size_t>(sent);
  }
  return false;
}

ControlServer::ControlServer(FileDescriptor folder, FileDescriptor listener)
    : folder_(std::move(folder)), listener_(std::move(listener)) {}

ControlServer::~ControlServer() { ::unlinkat(folder_.get(), kControlName, 0); }

Result<std::unique_ptr<ControlServer>> ControlServer::Listen(const std::filesystem::path& folder) {
  TRY(FileDescriptor opened, OpenControlFolder(folder));
  const sockaddr_un address = ControlAddress(opened);
  const std::filesystem::path file = folder / kControlName;
  {
    TRY(const FileDescriptor trial, NewControlSocket());
    const int error = ConnectControl(trial, address);
    if (error == 0 || error == EAGAIN) {
      return Fail(ErrorCode::kBusy, "another process already serves '" + folder.string() + "'",
                  "Stop it first, or use another folder.");
    }
    if (error == ECONNREFUSED) ::unlinkat(opened.get(), kControlName, 0);
  }
  TRY(FileDescriptor listener, NewControlSocket());
  const auto* generic = reinterpret_cast<const sockaddr*>(&address);
  if (::bind(listener.get(), generic, sizeof address) != 0)
    return FailOnFile(errno, "create", file);
  if (::fchmodat(opened.get(), kControlName, 0600, 0) != 0) {
    return FailOnFile(errno, "set the mode of", file);
  }
  if (::listen(listener.get(), static_cast<int>(kMostClients)) != 0) {
    return FailOnFile(errno, "listen at", file);
  }
  return std::unique_ptr<ControlServer>(new ControlServer(std::move(opened), std::move(listener)));
}

void ControlServer::AcceptClients() {
  while (clients_.size() < kMostClients) {
    FileDescriptor socket(
        ::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!socket.valid()) return;
    if (!IsSameUser(socket.get())) continue;
    auto client = std::make_unique<Client>();
    client->socket = std::move(socket);
    clients_.emplace(++last_number_, std::move(client));
  }
}

bool ControlServer::Advance(Client& client) {
  if (!client.answer.empty()) return client.WriteMore();
  if (!client.asked) return client.ReadMore();
  std::byte byte{};
  const ssize_t got = ::recv(client.socket.get(), &byte, 1, MSG_PEEK);
  return got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR);
}

std::optional<ControlRequest> ControlServer::Receive() {
  AcceptClients();
  std::erase_if(clients_, [this](auto& entry) { return !Advance(*entry.second); });
  for (auto& [number, client] : clients_) {
    if (client->asked || !client->Complete()) continue;
    client->asked = true;
    ControlRequest request{number,
                           std::string(AsText(ByteSpan(client->received).subspan(kControlPrefix)))};
    client->received = {};
    return request;
  }
  return std::nullopt;
}

void ControlServer::Reply(std::uint64_t number, std::string_view text) {
  CHECK(text.size() <= kLargestControlText);
  const auto found = clients_.find(number);
  if (found == clients_.end()) return;
  Client& client = *found->second;
  CHECK(client.asked && client.answer.empty());
  client.answer = ControlFrame(text);
  if (!client.WriteMore()) clients_.erase(found);
}

void ControlServer::AppendWaits(std::vector<PollWait>& to) const {
  if (clients_.size() < kMostClients) to.push_back(PollWait{.descriptor = listener_.get()});
  for (const auto& [number, client] : clients_) {
    to.push_back(PollWait{.descriptor = client->socket.get(), .writable = !client->answer.empty()});
  }
}

}  // namespace consilium
