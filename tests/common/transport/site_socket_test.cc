#include "common/transport/site_socket.h"

#include <atomic>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <system_error>
#include <thread>

#include <gmock/gmock.h>

#include "tests/common/transport/transport_fixture.h"
#include "tests/support/socks_proxy.h"

namespace consilium {
namespace {

class SiteSocketTest : public TransportTest {};

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

TEST_F(SiteSocketTest, TellsASocksProxyWhoAsks) {
  StartCoordinator();
  const SocksProxy proxy("hospital", "correct horse");
  const TransportKeyPair keys = GenerateTransportKey(random_);
  admission_->Replace({keys.public_key});
  SiteSocketOptions options;
  options.endpoint =
      "tcp://127.0.0.1" + coordinator_->endpoint().substr(coordinator_->endpoint().rfind(':'));
  options.socks_proxy = proxy.address();
  options.socks_user = "hospital";
  options.socks_password = std::make_shared<const Passphrase>("correct horse");
  const auto site =
      Must(SiteSocket::Connect(*context_, keys, coordinator_keys_.public_key, options, random_));
  ASSERT_TRUE(SendFrom(*site, "by name"));
  EXPECT_TRUE(Heard(keys.public_key, "by name"));
  EXPECT_EQ(proxy.connections(), 1);
}

TEST_F(SiteSocketTest, ConnectsAnewAtOnceWhenItIsTold) {
  StartCoordinator();
  const TransportKeyPair keys = GenerateTransportKey(random_);
  admission_->Replace({keys.public_key});
  const auto site = Connect(keys);
  ASSERT_TRUE(SendFrom(*site, "before"));

  site->ConnectAnew();

  EXPECT_FALSE(site->connected());
  EXPECT_TRUE(WaitForEvent(*site, ConnectionEvent::kConnected));
  ASSERT_TRUE(SendFrom(*site, "after"));
  EXPECT_TRUE(Heard(keys.public_key, "after"));
}

using SiteSocketDeathTest = SiteSocketTest;

// In a process of its own: what cannot be closed stays open until it ends.
TEST_F(SiteSocketDeathTest, NeverGoesAroundAProxyThatIsDownAndEndsInPeace) {
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
        bool connected = false;
        {
          const auto site =
              ConnectTo(coordinator_->endpoint(), keys, coordinator_keys_.public_key, dead);
          connected = WaitForEvent(*site, ConnectionEvent::kConnected, Duration(500));
          site->ConnectAnew();
        }
        coordinator_.reset();
        admission_.reset();
        context_.reset();
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
