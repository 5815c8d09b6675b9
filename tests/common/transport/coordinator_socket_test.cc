// Covers common/transport/connection_probe.cc, common/transport/connection_watch.cc,
// common/transport/context.cc, common/transport/keys.cc and
// common/transport/zmq_support.cc as well.

#include "common/transport/coordinator_socket.h"

#include <gmock/gmock.h>
#include <zmq.hpp>

#include "tests/common/transport/transport_fixture.h"

namespace consilium {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

/// Milliseconds; no heartbeat by default.
struct Heartbeat {
  int interval = 0;
  int promised = 0;  ///< Within which a peer says it will be heard again.
};

class CoordinatorSocketTest : public TransportTest {
 protected:
  /// A hostile program with a key of its choice and no regard for our rules.
  zmq::socket_t RawDealer(const TransportKeyPair& keys,
                          const std::string& routing_id = {},
                          const Heartbeat& heartbeat = {}) {
    zmq::socket_t socket(raw_context_, zmq::socket_type::dealer);
    const auto buffer = [](ByteSpan bytes) {
      return zmq::const_buffer(bytes.data(), bytes.size());
    };
    socket.set(zmq::sockopt::linger, 0);
    socket.set(zmq::sockopt::curve_publickey, buffer(keys.public_key.span()));
    socket.set(zmq::sockopt::curve_secretkey, buffer(keys.secret.Expose()));
    socket.set(zmq::sockopt::curve_serverkey, buffer(coordinator_keys_.public_key.span()));
    if (!routing_id.empty()) socket.set(zmq::sockopt::routing_id, routing_id);
    socket.set(zmq::sockopt::heartbeat_ivl, heartbeat.interval);
    socket.set(zmq::sockopt::heartbeat_ttl, heartbeat.promised);
    socket.connect(coordinator_->endpoint());
    return socket;
  }
  zmq::context_t raw_context_;
};

TEST_F(CoordinatorSocketTest, ExchangesMessagesWithAnAdmittedSite) {
  StartCoordinator();
  const TransportKeyPair keys = GenerateTransportKey(random_);
  admission_->Replace({keys.public_key});
  const auto site = Connect(keys);
  ASSERT_TRUE(SendFrom(*site, "hello"));
  ASSERT_TRUE(Heard(keys.public_key, "hello"));
  const Bytes chunk(kLargestMessageToSite, std::byte{7});
  EXPECT_EQ(coordinator_->Send(keys.public_key, chunk), SendOutcome::kSent);
  std::optional<Bytes> answer;
  ASSERT_TRUE(RunUntil([&] { return (answer = site->Receive()).has_value(); }));
  EXPECT_EQ(*answer, chunk);
  ASSERT_EQ(site->Send({}), SendOutcome::kSent);
  EXPECT_TRUE(Heard(keys.public_key, ""));
}

TEST_F(CoordinatorSocketTest, TellsWhetherAPeerIsThere) {
  StartCoordinator();
  const TransportKeyPair keys = GenerateTransportKey(random_);
  admission_->Replace({keys.public_key});
  EXPECT_EQ(coordinator_->Send(keys.public_key, ToBytes("x")), SendOutcome::kNotConnected);
  auto site = Connect(keys);
  ASSERT_TRUE(SendFrom(*site, "hello"));
  ASSERT_TRUE(Heard(keys.public_key, "hello"));
  site.reset();
  EXPECT_TRUE(RunUntil([&] {
    return coordinator_->Send(keys.public_key, ToBytes("x")) == SendOutcome::kNotConnected;
  }));
}

/// The coordinator asks nobody whether it is there: it is told until when it will hear again.
TEST_F(CoordinatorSocketTest, CutsAPeerThatIsNotHeardWithinTheTimeItSaid) {
  StartCoordinator();
  const TransportKeyPair faithful = GenerateTransportKey(random_);
  const TransportKeyPair faithless = GenerateTransportKey(random_);
  admission_->Replace({faithful.public_key, faithless.public_key});
  zmq::socket_t keeps_it = RawDealer(faithful, {}, {.interval = 200, .promised = 2'000});
  zmq::socket_t breaks_it = RawDealer(faithless, {}, {.interval = 700, .promised = 300});
  for (zmq::socket_t* socket : {&keeps_it, &breaks_it}) socket->send(zmq::str_buffer("hello"));
  ASSERT_TRUE(Heard(faithful.public_key, "hello"));
  ASSERT_TRUE(Heard(faithless.public_key, "hello"));
  const auto reached = [&](const TransportKeyPair& peer) {
    return coordinator_->Send(peer.public_key, ToBytes("x")) != SendOutcome::kNotConnected;
  };
  EXPECT_TRUE(RunUntil([&] { return !reached(faithless); }));
  EXPECT_FALSE(RunUntil([&] { return !reached(faithful); }, Duration(2'500)));
}

TEST_F(CoordinatorSocketTest, IsBusyInsteadOfQueueingForASlowReader) {
  StartCoordinator();
  const TransportKeyPair keys = GenerateTransportKey(random_);
  admission_->Replace({keys.public_key});
  const auto site = Connect(keys);
  ASSERT_TRUE(SendFrom(*site, "hello"));
  ASSERT_TRUE(Heard(keys.public_key, "hello"));
  const Bytes chunk(kLargestMessage);
  int sent = 0;
  bool busy = false;
  for (int i = 0; i < 1'000 && !busy; ++i) {
    const SendOutcome outcome = coordinator_->Send(keys.public_key, chunk);
    sent += outcome == SendOutcome::kSent ? 1 : 0;
    if (outcome == SendOutcome::kBusy) {
      zmq_poll(nullptr, 0, 200);
      busy = coordinator_->Send(keys.public_key, chunk) == SendOutcome::kBusy;
    }
  }
  EXPECT_TRUE(busy);
  int got = 0;
  RunUntil([&] {
    while (site->Receive()) ++got;
    return got >= sent;
  });
  EXPECT_GE(got, sent);
}

TEST_F(CoordinatorSocketTest, AnswersTheNewestConnectionOfAKey) {
  StartCoordinator();
  const TransportKeyPair keys = GenerateTransportKey(random_);
  admission_->Replace({keys.public_key});
  const auto old = Connect(keys);
  ASSERT_TRUE(SendFrom(*old, "old"));
  ASSERT_TRUE(Heard(keys.public_key, "old"));
  const auto fresh = Connect(keys);
  ASSERT_TRUE(SendFrom(*fresh, "fresh"));
  ASSERT_TRUE(Heard(keys.public_key, "fresh"));
  ASSERT_EQ(coordinator_->Send(keys.public_key, ToBytes("to the fresh one")), SendOutcome::kSent);
  std::optional<Bytes> got;
  ASSERT_TRUE(RunUntil([&] { return (got = fresh->Receive()).has_value(); }));
  EXPECT_EQ(AsText(*got), "to the fresh one");
  EXPECT_FALSE(old->Receive());
}

TEST_F(CoordinatorSocketTest, HearsNobodyBeforeAListIsGiven) {
  StartCoordinator();
  const auto site = Connect(GenerateTransportKey(random_));
  EXPECT_TRUE(WaitForEvent(*site, ConnectionEvent::kSiteKeyRefused));
  EXPECT_EQ(site->Send(AsBytes("x")), SendOutcome::kNotConnected);
  EXPECT_GE(admission_->refused(), 1u);
  EXPECT_TRUE(received_.empty());
}

struct DoorCase {
  const char* name;
  bool handler;
  const char* domain;
  bool enforce;
  bool open;    ///< What libzmq does: whether it lets an unknown key in.
  bool served;  ///< Whether the probe lets the coordinator serve: only after a refusal in words.
};

class DoorTest : public CoordinatorSocketTest, public ::testing::WithParamInterface<DoorCase> {};

TEST_P(DoorTest, DeliversNothingOfAnUnknownKeyAndServesOnlyBehindAClosedDoor) {
  const DoorCase& door = GetParam();
  // A list whose handler serves another context: for this one it is as if its thread had died.
  const auto elsewhere = Must(TransportContext::Create());
  admission_ = Must(Admission::Start(door.handler ? *context_ : *elsewhere));
  StartCoordinator({door.domain, door.enforce});
  const TransportKeyPair known = GenerateTransportKey(random_);
  admission_->Replace({known.public_key});
  zmq::socket_t stranger = RawDealer(GenerateTransportKey(random_));
  for (int i = 0; i < 20; ++i) {
    static_cast<void>(stranger.send(zmq::str_buffer("let me in"), zmq::send_flags::dontwait));
  }
  RunUntil([] { return false; }, Duration(300));
  EXPECT_TRUE(received_.empty());
  EXPECT_EQ(coordinator_->counters().unidentified > 0, door.open);

  const Status probe = coordinator_->ProbeClosed(coordinator_keys_.public_key, random_);
  EXPECT_EQ(probe.has_value(), door.served);
  if (!probe) {
    EXPECT_EQ(probe.error().code, ErrorCode::kRefused);
  }
  EXPECT_TRUE(received_.empty());
  coordinator_.reset();
  admission_.reset();
}

INSTANTIATE_TEST_SUITE_P(
    Configurations,
    DoorTest,
    ::testing::Values(DoorCase{"AsServed", true, "consilium", true, false, true},
                      DoorCase{"NotEnforced", true, "consilium", false, false, true},
                      DoorCase{"EmptyDomain", true, "", true, true, false},
                      DoorCase{"EmptyDomainNotEnforced", true, "", false, false, true},
                      DoorCase{"DeadHandler", false, "consilium", true, false, false},
                      DoorCase{"DeadHandlerNotEnforced", false, "consilium", false, true, false},
                      DoorCase{"DeadHandlerEmptyDomain", false, "", true, true, false},
                      DoorCase{"DeadHandlerEmptyDomainNotEnforced", false, "", false, true, false}),
    [](const auto& door) { return door.param.name; });

TEST_F(CoordinatorSocketTest, RefusesAnotherDomain) {
  admission_ = Must(Admission::Start(*context_, "another"));
  StartCoordinator();
  const TransportKeyPair keys = GenerateTransportKey(random_);
  admission_->Replace({keys.public_key});
  const auto site = Connect(keys);
  EXPECT_TRUE(WaitForEvent(*site, ConnectionEvent::kSiteKeyRefused));
}

TEST_F(CoordinatorSocketTest, KeepsMembersMessagesThatArriveDuringTheProbe) {
  StartCoordinator();
  const TransportKeyPair keys = GenerateTransportKey(random_);
  admission_->Replace({keys.public_key});
  const auto site = Connect(keys);
  ASSERT_TRUE(WaitForEvent(*site, ConnectionEvent::kConnected));
  ASSERT_TRUE(RunUntil([&] { return site->Send(AsBytes("one")) == SendOutcome::kSent; }));
  EXPECT_TRUE(coordinator_->ProbeClosed(coordinator_keys_.public_key, random_));
  EXPECT_TRUE(Heard(keys.public_key, "one"));
}

TEST_F(CoordinatorSocketTest, CutsARevokedSiteWithinFiveSeconds) {
  StartCoordinator();
  const TransportKeyPair keys = GenerateTransportKey(random_);
  const TransportKeyPair other = GenerateTransportKey(random_);
  admission_->Replace({keys.public_key, other.public_key});
  const auto site = Connect(keys);
  const auto bystander = Connect(other);
  ASSERT_TRUE(SendFrom(*site, "hello"));
  ASSERT_TRUE(SendFrom(*bystander, "hello"));
  ASSERT_TRUE(Heard(keys.public_key, "hello"));
  ASSERT_TRUE(Heard(other.public_key, "hello"));
  ASSERT_EQ(site->Send(AsBytes("in flight")), SendOutcome::kSent);
  zmq_poll(nullptr, 0, 100);
  received_.clear();
  admission_->Replace({other.public_key});
  coordinator_->Disconnect(keys.public_key);
  EXPECT_EQ(coordinator_->Send(keys.public_key, ToBytes("x")), SendOutcome::kNotConnected);
  EXPECT_TRUE(WaitForEvent(*site, ConnectionEvent::kDisconnected, Duration(1'000)));
  EXPECT_TRUE(WaitForEvent(*site, ConnectionEvent::kSiteKeyRefused));
  EXPECT_TRUE(received_.empty());
  while (const auto event = bystander->NextEvent())
    EXPECT_NE(*event, ConnectionEvent::kDisconnected);
  EXPECT_EQ(bystander->Send(AsBytes("still here")), SendOutcome::kSent);
  EXPECT_TRUE(Heard(other.public_key, "still here"));
}

TEST_F(CoordinatorSocketTest, CutsARevokedSiteThatHasNeverSpoken) {
  StartCoordinator();
  const TransportKeyPair keys = GenerateTransportKey(random_);
  admission_->Replace({keys.public_key});
  const auto site = Connect(keys);
  ASSERT_TRUE(WaitForEvent(*site, ConnectionEvent::kConnected));
  admission_->Replace({});
  coordinator_->Disconnect(keys.public_key);
  EXPECT_TRUE(WaitForEvent(*site, ConnectionEvent::kDisconnected, Duration(1'000)));
}

TEST_F(CoordinatorSocketTest, DropsMessagesOfARevokedKeyEvenBeforeItIsCut) {
  StartCoordinator();
  const TransportKeyPair keys = GenerateTransportKey(random_);
  admission_->Replace({keys.public_key});
  const auto site = Connect(keys);
  ASSERT_TRUE(SendFrom(*site, "hello"));
  ASSERT_TRUE(Heard(keys.public_key, "hello"));
  received_.clear();
  admission_->Replace({});
  ASSERT_EQ(site->Send(AsBytes("late")), SendOutcome::kSent);
  EXPECT_TRUE(RunUntil([&] { return coordinator_->counters().not_admitted == 1; }));
  EXPECT_TRUE(received_.empty());
}

TEST_F(CoordinatorSocketTest, CutsAPeerThatSendsManyParts) {
  StartCoordinator();
  const TransportKeyPair keys = GenerateTransportKey(random_);
  admission_->Replace({keys.public_key});
  zmq::socket_t hostile = RawDealer(keys);
  hostile.send(zmq::str_buffer("a"), zmq::send_flags::sndmore);
  hostile.send(zmq::str_buffer("b"), zmq::send_flags::none);
  EXPECT_TRUE(RunUntil([&] { return coordinator_->counters().many_parts == 1; }));
  EXPECT_TRUE(received_.empty());
}

TEST_F(CoordinatorSocketTest, CutsAPeerThatChoosesItsRoutingId) {
  StartCoordinator();
  const TransportKeyPair keys = GenerateTransportKey(random_);
  admission_->Replace({keys.public_key});
  zmq::socket_t hostile = RawDealer(keys, "hospital-a");
  hostile.send(zmq::str_buffer("a"), zmq::send_flags::none);
  EXPECT_TRUE(RunUntil([&] { return coordinator_->counters().foreign_name == 1; }));
  EXPECT_TRUE(received_.empty());
}

TEST_F(CoordinatorSocketTest, RefusesAFrameOverTheLimit) {
  StartCoordinator();
  const TransportKeyPair keys = GenerateTransportKey(random_);
  admission_->Replace({keys.public_key});
  zmq::socket_t hostile = RawDealer(keys);
  const Bytes frame(kLargestMessage + 1);
  hostile.send(zmq::const_buffer(frame.data(), frame.size()), zmq::send_flags::none);
  RunUntil([] { return false; }, Duration(300));
  EXPECT_TRUE(received_.empty());
}

TEST_F(CoordinatorSocketTest, CutsAPeerWithAnEndlessMessageWhileTheProgramComputes) {
  StartCoordinator();
  const TransportKeyPair keys = GenerateTransportKey(random_);
  const TransportKeyPair honest = GenerateTransportKey(random_);
  admission_->Replace({keys.public_key, honest.public_key});
  const auto site = Connect(honest);
  zmq::socket_t hostile = RawDealer(keys);
  const Bytes part(200'000);
  constexpr int kParts = 1'000;  // 200 MB, where one message may have 0.3 MB.
  for (int i = 1; i <= kParts; ++i) {
    const auto flags = i < kParts ? zmq::send_flags::sndmore : zmq::send_flags::none;
    hostile.send(zmq::const_buffer(part.data(), part.size()), flags);
  }
  // Nobody calls Receive() here: the coordinator's thread is busy.
  for (int i = 0; i < 500 && coordinator_->counters().cut_for_flooding == 0; ++i) {
    zmq_poll(nullptr, 0, 10);
  }
  EXPECT_GE(coordinator_->counters().cut_for_flooding, 1u);
  hostile.close();
  ASSERT_TRUE(SendFrom(*site, "undisturbed"));
  EXPECT_TRUE(Heard(honest.public_key, "undisturbed"));
  EXPECT_EQ(coordinator_->counters().many_parts, 0u) << "the whole message was taken in";
}

TEST_F(CoordinatorSocketTest, IsBusyWhenThePortIsTaken) {
  StartCoordinator();
  const auto second =
      CoordinatorSocket::Bind(*context_, *admission_, coordinator_keys_, coordinator_->endpoint());
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::kBusy);
  EXPECT_THAT(second.error().message, HasSubstr(coordinator_->endpoint()));
  EXPECT_FALSE(CoordinatorSocket::Bind(*context_, *admission_, coordinator_keys_, "nonsense"));
}

TEST_F(CoordinatorSocketTest, TellsTheAddressAsItWasGivenWithThePortThatItGot) {
  StartCoordinator({}, "tcp://0.0.0.0:*");
  const std::string& endpoint = coordinator_->endpoint();
  EXPECT_THAT(endpoint, StartsWith("tcp://0.0.0.0:"));
  EXPECT_GT(std::stoi(endpoint.substr(endpoint.rfind(':') + 1)), 0);
}

TEST_F(CoordinatorSocketTest, ProbesADoorThatIsBoundToAllAddresses) {
  StartCoordinator({}, "tcp://0.0.0.0:0");
  const Status probe = coordinator_->ProbeClosed(coordinator_keys_.public_key, random_);
  EXPECT_TRUE(probe) << Describe(probe.error());
}

}  // namespace
}  // namespace consilium
