#include "tests/end_to_end/sockets.h"

#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

namespace consilium::testing {
namespace {

sockaddr_in Loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

}  // namespace

FileDescriptor ConnectTo(int port) {
  FileDescriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const sockaddr_in address = Loopback(port);
  if (socket.valid() &&
      ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) {
    return socket;
  }
  return {};
}

FileDescriptor BeginConnecting(int port) {
  FileDescriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const sockaddr_in address = Loopback(port);
  if (socket.valid()) {
    ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
  }
  return socket;
}

FileDescriptor ListenAnywhere(int& port) {
  FileDescriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address = Loopback(0);
  socklen_t size = sizeof address;
  if (::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      ::listen(socket.get(), 64) != 0 ||
      ::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    throw std::runtime_error("cannot listen on loopback");
  }
  port = ntohs(address.sin_port);
  return socket;
}

bool SendAll(int socket, ByteSpan bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes = bytes.subspan(static_cast<std::size_t>(sent));
  }
  return true;
}

void CloseWithReset(FileDescriptor socket) {
  const linger at_once{1, 0};
  ::setsockopt(socket.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

Connections ConnectionsTo(int port) {
  constexpr int kEstablished = 1;
  constexpr int kClosedByPeer = 8;
  Connections connections;
  // A socket that listens by both protocols is in the second table, also with an IPv4 address.
  for (const char* table : {"/proc/net/tcp", "/proc/net/tcp6"}) {
    std::ifstream lines(table);
    std::string line;
    while (std::getline(lines, line)) {
      std::istringstream fields(line);
      std::string number, local, remote, state, queues, timer, retries, user, patience;
      std::uint64_t inode = 0;
      fields >> number >> local >> remote >> state >> queues >> timer >> retries >> user >>
          patience;
      // 0: of no process, since none has accepted it. The first line has words there.
      if (!(fields >> inode)) continue;
      const int of = std::stoi(state, nullptr, 16);
      if (std::stoi(local.substr(local.rfind(':') + 1), nullptr, 16) != port) continue;
      if (of != kEstablished && of != kClosedByPeer) continue;
      ++(inode == 0 ? connections.waiting : connections.accepted);
    }
  }
  return connections;
}

}  // namespace consilium::testing
