#include "common/transport/site_socket.h"

#include <atomic>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <system_error>
#include <thread>

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include "tests/common/transport/transport_fixture.h"

namespace consilium {
namespace {

class SiteSocketTest : public TransportTest {};

/// A socket that listens on a free port of the loopback address; its endpoint is TcpEndpoint().
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

/// Moves bytes both ways until one side ends, as SOCKS5 proxies do (RFC 1928, no authentication).
class SocksProxy {
 public:
  SocksProxy() : thread_([this] { Serve(); }) {}
  ~SocksProxy() {
    stop_ = true;
    thread_.join();
  }
  std::string address() const { return listener_.address(); }
  int connections() const { return connections_; }

 private:
  void Serve() {
    while (!stop_) {
      pollfd wait{listener_.descriptor(), POLLIN, 0};
      if (::poll(&wait, 1, 20) <= 0) continue;
      const FileDescriptor client(::accept(listener_.descriptor(), nullptr, nullptr));
      const FileDescriptor server = Negotiate(client.get());
      if (server.valid()) Relay(client.get(), server.get());
    }
  }

  static bool ReadExactly(int descriptor, unsigned char* to, std::size_t count) {
    return ::recv(descriptor, to, count, MSG_WAITALL) == static_cast<ssize_t>(count);
  }

  FileDescriptor Negotiate(int client) {
    unsigned char bytes[300];
    if (!ReadExactly(client, bytes, 2) || bytes[0] != 5) return {};
    if (!ReadExactly(client, bytes, bytes[1])) return {};
    if (::send(client, "\5\0", 2, MSG_NOSIGNAL) != 2) return {};
    if (!ReadExactly(client, bytes, 4) || bytes[1] != 1) return {};
    sockaddr_in address{};
    address.sin_family = AF_INET;
    if (bytes[3] == 1) {
      if (!ReadExactly(client, reinterpret_cast<unsigned char*>(&address.sin_addr), 4)) return {};
    } else {
      if (bytes[3] != 3 || !ReadExactly(client, bytes, 1)) return {};
      const std::size_t length = bytes[0];
      if (!ReadExactly(client, bytes, length)) return {};
      const std::string host(reinterpret_cast<const char*>(bytes), length);
      if (::inet_pton(AF_INET, host.c_str(), &address.sin_addr) != 1) return {};
    }
    if (!ReadExactly(client, reinterpret_cast<unsigned char*>(&address.sin_port), 2)) return {};
    FileDescriptor server(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (::connect(server.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
      return {};
    if (::send(client, "\5\0\0\1\0\0\0\0\0\0", 10, MSG_NOSIGNAL) != 10) return {};
    ++connections_;
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

  Listener listener_;
  std::atomic<bool> stop_{false};
  std::atomic<int> connections_{0};
  std::thread thread_;
};

TEST_F(SiteSocketTest, ConnectsOnceItIsAdmitted) {
  StartCoordinator();
  const TransportKeyPair keys = GenerateTransportKey(random_);
  const auto site = Connect(keys);
  ASSERT_TRUE(WaitForEvent(*site, ConnectionEvent::kSiteKeyRefused));
  ASSERT_TRUE(WaitForEvent(*site, ConnectionEvent::kSiteKeyRefused)) << "it does not try again";
  EXPECT_FALSE(site->connected());
  admission_->Replace({keys.public_key});
  ASSERT_TRUE(WaitForEvent(*site, ConnectionEvent::kConnected));
  EXPECT_TRUE(site->connected());
  ASSERT_TRUE(SendFrom(*site, "here at last"));
  EXPECT_TRUE(Heard(keys.public_key, "here at last"));
}

TEST_F(SiteSocketTest, TellsAWrongCoordinatorKeyFromAnUnknownSite) {
  StartCoordinator();
  const TransportKeyPair keys = GenerateTransportKey(random_);
  admission_->Replace({keys.public_key});
  const TransportKey wrong = GenerateTransportKey(random_).public_key;
  const auto site = ConnectTo(coordinator_->endpoint(), keys, wrong);
  std::vector<ConnectionEvent> events;
  RunUntil([&] {
    static_cast<void>(site->Send(AsBytes("secret")));
    while (const auto event = site->NextEvent()) events.push_back(*event);
    return events.size() >= 2;
  });
  EXPECT_THAT(events, ::testing::Each(ConnectionEvent::kHandshakeFailed));
  EXPECT_GE(events.size(), 2u);
  EXPECT_TRUE(received_.empty());
}

TEST_F(SiteSocketTest, TellsAServerThatIsNoCoordinator) {
  const Listener listener;
  const auto site = ConnectTo("tcp://" + listener.address(), GenerateTransportKey(random_),
                              coordinator_keys_.public_key);
  const FileDescriptor accepted(::accept(listener.descriptor(), nullptr, nullptr));
  ASSERT_GT(::send(accepted.get(), "HTTP/1.1 400 Bad Request\r\n\r\n", 28, MSG_NOSIGNAL), 0);
  ::shutdown(accepted.get(), SHUT_RDWR);
  EXPECT_TRUE(WaitForEvent(*site, ConnectionEvent::kHandshakeFailed));
}

TEST_F(SiteSocketTest, TellsThatNobodyListensAndConnectsWhenSomebodyDoes) {
  StartCoordinator();
  const std::string endpoint = coordinator_->endpoint();
  coordinator_.reset();
  const TransportKeyPair keys = GenerateTransportKey(random_);
  const auto site = ConnectTo(endpoint, keys, coordinator_keys_.public_key);
  ASSERT_TRUE(WaitForEvent(*site, ConnectionEvent::kUnreachable));
  EXPECT_EQ(site->Send(AsBytes("x")), SendOutcome::kNotConnected);
  StartCoordinator({}, endpoint);
  admission_->Replace({keys.public_key});
  EXPECT_TRUE(WaitForEvent(*site, ConnectionEvent::kConnected));
}

TEST_F(SiteSocketTest, ComesBackAfterARestartOfTheCoordinator) {
  StartCoordinator();
  const TransportKeyPair keys = GenerateTransportKey(random_);
  admission_->Replace({keys.public_key});
  const auto site = Connect(keys);
  ASSERT_TRUE(SendFrom(*site, "one"));
  ASSERT_TRUE(Heard(keys.public_key, "one"));
  const std::string endpoint = coordinator_->endpoint();
  coordinator_.reset();
  ASSERT_TRUE(WaitForEvent(*site, ConnectionEvent::kDisconnected));
  EXPECT_EQ(site->Send(AsBytes("lost")), SendOutcome::kNotConnected);
  StartCoordinator({}, endpoint);
  ASSERT_TRUE(WaitForEvent(*site, ConnectionEvent::kConnected));
  ASSERT_TRUE(SendFrom(*site, "two"));
  EXPECT_TRUE(Heard(keys.public_key, "two"));
}

TEST_F(SiteSocketTest, GoesThroughASocksProxy) {
  StartCoordinator();
  const SocksProxy proxy;
  const TransportKeyPair keys = GenerateTransportKey(random_);
  admission_->Replace({keys.public_key});
  // The proxy resolves names itself and speaks IPv4 only, so the plain form of the address is
  // given.
  const std::string port = coordinator_->endpoint().substr(coordinator_->endpoint().rfind(':'));
  const auto site =
      ConnectTo("tcp://127.0.0.1" + port, keys, coordinator_keys_.public_key, proxy.address());
  ASSERT_TRUE(SendFrom(*site, "by proxy"));
  EXPECT_TRUE(Heard(keys.public_key, "by proxy"));
  EXPECT_EQ(proxy.connections(), 1);
}

using SiteSocketDeathTest = SiteSocketTest;

// In a process that ends without closing its sockets: libzmq 4.3.4 aborts when a socket is closed
// while its SOCKS proxy is unreachable (it removes a descriptor from epoll that it has closed
// already).
TEST_F(SiteSocketDeathTest, NeverGoesAroundAProxyThatIsDown) {
  ::testing::FLAGS_gtest_death_test_style = "threadsafe";
  EXPECT_EXIT(
      {
        StartCoordinator();
        const TransportKeyPair keys = GenerateTransportKey(random_);
        admission_->Replace({keys.public_key});
        std::string dead;
        {
          const Listener listener;
          dead = listener.address();
        }
        const auto site =
            ConnectTo(coordinator_->endpoint(), keys, coordinator_keys_.public_key, dead);
        const bool connected = WaitForEvent(*site, ConnectionEvent::kConnected, Duration(500));
        ::_exit(connected || !received_.empty() ? 1 : 0);
      },
      ::testing::ExitedWithCode(0), "");
}

TEST_F(SiteSocketTest, RefusesAnEndpointThatMakesNoSense) {
  for (const char* endpoint : {"", "hospital", "tcp://", "udp://127.0.0.1:5"}) {
    SiteSocketOptions options;
    options.endpoint = endpoint;
    EXPECT_FALSE(SiteSocket::Connect(*context_, coordinator_keys_, coordinator_keys_.public_key,
                                     options, random_))
        << endpoint;
  }
}

/// The sockets of this process: "socket:[12345]" for each, the number being the inode.
std::set<std::string> OwnSockets() {
  std::set<std::string> sockets;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    std::error_code closed_meanwhile;
    sockets.insert(std::filesystem::read_symlink(entry.path(), closed_meanwhile).string());
  }
  return sockets;
}

/// Sockets of this process that listen; the tables name those of all processes.
std::size_t ListeningSockets() {
  const std::set<std::string> own = OwnSockets();
  std::size_t count = 0;
  for (const char* table : {"/proc/self/net/tcp", "/proc/self/net/tcp6"}) {
    std::ifstream lines(table);
    for (std::string line; std::getline(lines, line);) {
      std::istringstream fields(line);
      // Number, local and remote address, state, queues, timers, retransmissions, user, timeout.
      std::string field[9];
      for (std::string& one : field) fields >> one;
      std::string inode;
      fields >> inode;
      if (field[3] == "0A" && own.contains("socket:[" + inode + "]")) ++count;
    }
  }
  return count;
}

TEST_F(SiteSocketTest, OpensNoListeningSocket) {
  const Listener listener;
  const std::size_t before = ListeningSockets();
  ASSERT_GE(before, 1U) << "the test's own";
  const auto site = ConnectTo("tcp://" + listener.address(), GenerateTransportKey(random_),
                              coordinator_keys_.public_key);
  const FileDescriptor accepted(::accept(listener.descriptor(), nullptr, nullptr));
  ASSERT_TRUE(accepted.valid());
  EXPECT_LE(ListeningSockets(), before);
}

}  // namespace
}  // namespace consilium
