#pragma once

#include <cstddef>
#include <cstdlib>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "common/file_descriptor.h"

namespace consilium {

/// What systemd is to a service: a datagram socket, and variables that name it.
class FakeManager {
 public:
  /// `name` is a path or begins with '@'.
  explicit FakeManager(const std::string& name)
      : socket_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    name.copy(address.sun_path, sizeof address.sun_path - 1);
    if (name.front() == '@') address.sun_path[0] = '\0';
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
    EXPECT_EQ(::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address), size), 0);
    ::setenv("NOTIFY_SOCKET", name.c_str(), 1);
  }
  ~FakeManager() {
    for (const char* name : {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"}) ::unsetenv(name);
  }
  FakeManager(const FakeManager&) = delete;
  FakeManager& operator=(const FakeManager&) = delete;

  std::vector<std::string> Heard() const {
    std::vector<std::string> messages;
    char text[4'096];
    for (ssize_t size = 0; (size = ::recv(socket_.get(), text, sizeof text, 0)) >= 0;) {
      messages.emplace_back(text, static_cast<std::size_t>(size));
    }
    return messages;
  }

 private:
  FileDescriptor socket_;
};

}  // namespace consilium
