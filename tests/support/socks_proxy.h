#pragma once

// A SOCKS5 proxy on loopback, in the test's own process (RFC 1928; user and password by RFC 1929).

#include <atomic>
#include <list>
#include <string>
#include <thread>
#include <utility>

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include "common/file_descriptor.h"

namespace consilium {

/// A socket that listens on a free port of the loopback address.
class Listener {
 public:
  Listener() : descriptor_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    EXPECT_EQ(::bind(descriptor_.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(::listen(descriptor_.get(), 8), 0);
    EXPECT_EQ(::getsockname(descriptor_.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
    port_ = ntohs(address.sin_port);
  }
  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  int descriptor() const { return descriptor_.get(); }

 private:
  FileDescriptor descriptor_;
  int port_ = 0;
};

/// Moves bytes both ways until one side ends, for as many connections as come.
class SocksProxy {
 public:
  /// Asks nobody who they are; or for this user and password, if there is a user.
  explicit SocksProxy(std::string user = {}, std::string password = {})
      : user_(std::move(user)), password_(std::move(password)), thread_([this] { Serve(); }) {}
  SocksProxy(const SocksProxy&) = delete;
  SocksProxy& operator=(const SocksProxy&) = delete;
  ~SocksProxy() {
    stop_ = true;
    thread_.join();
    for (std::thread& line : lines_) line.join();
  }
  std::string address() const { return listener_.address(); }
  /// That were let through.
  int connections() const { return connections_; }
  /// From now on every request is answered with this code (RFC 1928, section 6).
  void RefuseWith(unsigned char reply) { refuse_with_ = reply; }

 private:
  void Serve() {
    while (!stop_) {
      pollfd wait{listener_.descriptor(), POLLIN, 0};
      if (::poll(&wait, 1, 20) <= 0) continue;
      lines_.emplace_back(
          [this, client = FileDescriptor(::accept(listener_.descriptor(), nullptr, nullptr))] {
            const FileDescriptor server = Negotiate(client.get());
            if (server.valid()) Relay(client.get(), server.get());
          });
    }
  }

  static bool ReadExactly(int descriptor, unsigned char* to, std::size_t count) {
    return ::recv(descriptor, to, count, MSG_WAITALL) == static_cast<ssize_t>(count);
  }
  static bool Say(int descriptor, std::string_view bytes) {
    return ::send(descriptor, bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
           static_cast<ssize_t>(bytes.size());
  }
  static bool ReadCounted(int descriptor, std::string& text) {
    unsigned char bytes[256];
    if (!ReadExactly(descriptor, bytes, 1)) return false;
    const std::size_t length = bytes[0];
    if (!ReadExactly(descriptor, bytes, length)) return false;
    text.assign(reinterpret_cast<const char*>(bytes), length);
    return true;
  }

  bool LetIn(int client) const {
    unsigned char version = 0;
    std::string methods;
    if (!ReadExactly(client, &version, 1) || version != 5 || !ReadCounted(client, methods)) {
      return false;
    }
    if (user_.empty()) return Say(client, std::string_view("\5\0", 2));
    if (methods.find('\2') == std::string::npos) {
      Say(client, std::string_view("\5\xff", 2));
      return false;
    }
    std::string user;
    std::string password;
    if (!Say(client, std::string_view("\5\2", 2)) || !ReadExactly(client, &version, 1) ||
        version != 1 || !ReadCounted(client, user) || !ReadCounted(client, password)) {
      return false;
    }
    const bool right = user == user_ && password == password_;
    Say(client, right ? std::string_view("\1\0", 2) : std::string_view("\1\1", 2));
    return right;
  }

  FileDescriptor Negotiate(int client) {
    unsigned char bytes[4];
    if (!LetIn(client) || !ReadExactly(client, bytes, 4) || bytes[1] != 1) return {};
    sockaddr_in address{};
    address.sin_family = AF_INET;
    if (bytes[3] == 1) {
      if (!ReadExactly(client, reinterpret_cast<unsigned char*>(&address.sin_addr), 4)) return {};
    } else {
      std::string host;
      if (bytes[3] != 3 || !ReadCounted(client, host)) return {};
      if (::inet_pton(AF_INET, host.c_str(), &address.sin_addr) != 1) return {};
    }
    if (!ReadExactly(client, reinterpret_cast<unsigned char*>(&address.sin_port), 2)) return {};
    std::string reply("\5\0\0\1\0\0\0\0\0\0", 10);
    FileDescriptor server(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    reply[1] = static_cast<char>(refuse_with_.load());
    if (reply[1] == 0 &&
        ::connect(server.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
      reply[1] = 5;
    }
    if (reply[1] == 0) ++connections_;  // Before the client, and so the test, can know.
    if (!Say(client, reply) || reply[1] != 0) return {};
    return server;
  }

  void Relay(int client, int server) const {
    while (!stop_) {
      pollfd waits[] = {{client, POLLIN, 0}, {server, POLLIN, 0}};
      if (::poll(waits, 2, 20) <= 0) continue;
      for (const auto& [from, to] : {std::pair(client, server), std::pair(server, client)}) {
        if (waits[from == client ? 0 : 1].revents == 0) continue;
        char bytes[4096];
        const ssize_t got = ::recv(from, bytes, sizeof bytes, 0);
        if (got <= 0 || ::send(to, bytes, static_cast<std::size_t>(got), MSG_NOSIGNAL) != got)
          return;
      }
    }
  }

  const std::string user_;
  const std::string password_;
  Listener listener_;
  std::atomic<bool> stop_{false};
  std::atomic<int> connections_{0};
  std::atomic<unsigned char> refuse_with_{0};
  std::list<std::thread> lines_;
  std::thread thread_;
};

}  // namespace consilium
