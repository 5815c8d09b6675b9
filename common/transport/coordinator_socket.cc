#include "common/transport/coordinator_socket.h"

#include <deque>
#include <map>
#include <utility>

#include <zmq.hpp>

#include "common/check.h"
#include "common/transport/connection_probe.h"
#include "common/transport/connection_watch.h"
#include "common/transport/zmq_support.h"

namespace consilium {
namespace {

/// ZMQ_ZAP_ENFORCE_DOMAIN: a draft name in libzmq 4.3.4, absent from Debian's header but obeyed.
/// Without it a socket whose admission handler is gone lets everybody in.
constexpr int kZapEnforceDomain = 93;
/// Received and not yet handed on, of all connections: well over the queues of 8 messages of the
/// few that upload at a time, and the kernel's buffers.
constexpr std::uint64_t kMostHeld = 20U << 20;
constexpr int kMostRefusedInOneCall = 64;

/// Without a copy: what goes to all sites stands in memory once.
zmq::message_t MessageOf(const SharedBytes& payload) {
  auto owner = std::make_unique<SharedBytes>(payload);
  // libzmq wants to be able to write, and does not.
  void* const data = const_cast<std::byte*>(payload.get().data());
  zmq::message_t message(
      data, payload.size(),
      [](void*, void* hint) {
        const std::unique_ptr<SharedBytes> last(static_cast<SharedBytes*>(hint));
      },
      owner.get());
  owner.release();
  return message;
}

void SetServerOptions(zmq::socket_t& socket, const SocketOptionsForTest& options) {
  SetCommonOptions(socket, kLargestMessage);
  socket.set(zmq::sockopt::curve_server, true);
  if (!options.domain.empty()) socket.set(zmq::sockopt::zap_domain, options.domain);
  const int enforce = options.enforce_domain ? 1 : 0;
  if (zmq_setsockopt(socket.handle(), kZapEnforceDomain, &enforce, sizeof enforce) != 0) {
    throw zmq::error_t();
  }
  socket.set(zmq::sockopt::rcvhwm, 8);
  socket.set(zmq::sockopt::sndhwm, 4);
  socket.set(zmq::sockopt::router_mandatory, true);
  socket.set(zmq::sockopt::router_handover, false);
  // Sites ask whether it is there, and say within which time they will ask again: who does not is
  // cut. It need not ask them too; libzmq looks for an answered question among those of all
  // connections, one by one, which for ten thousand takes a third of a core.
  socket.set(zmq::sockopt::heartbeat_ivl, 0);
  socket.set(zmq::sockopt::handshake_ivl, 5'000);
  socket.set(zmq::sockopt::backlog, 1'024);
}

/// Ids that libzmq gives are a zero byte and a number. A peer that chose its own means to receive
/// what is another's, or to break the process.
bool IsAutomaticRoutingId(const zmq::message_t& id) {
  return id.size() == 5 && *id.data<unsigned char>() == 0;
}

}  // namespace

struct CoordinatorSocket::Impl {
  Impl(TransportContext& owner, Admission& list)
      : context(owner), admission(list), socket(owner.native(), zmq::socket_type::router) {}

  /// One message off the socket; false when there is none. `message` stays empty for a refused one.
  bool TakeOne(std::optional<ReceivedMessage>& message);
  std::optional<ReceivedMessage> TakeGood();
  void Judge(zmq::message_t id,
             const zmq::message_t& payload,
             std::size_t parts,
             std::optional<ReceivedMessage>& message);

  TransportContext& context;
  Admission& admission;
  zmq::socket_t socket;
  std::unique_ptr<ConnectionWatch> watch;  ///< Goes before the socket.
  std::string endpoint;
  std::map<TransportKey, std::string>
      routes;                        ///< Newest routing id of each key; never shown to anybody.
  std::deque<ReceivedMessage> kept;  ///< Arrived during a probe.
  TransportCounters counters;
};

bool CoordinatorSocket::Impl::TakeOne(std::optional<ReceivedMessage>& message) {
  zmq::message_t id;
  if (!socket.recv(id, zmq::recv_flags::dontwait)) return false;
  zmq::message_t payload;
  std::size_t parts = 0;
  for (bool more = id.more(); more; ++parts) {
    zmq::message_t frame;
    // The parts of a message arrive together, so this does not wait.
    if (!socket.recv(frame, zmq::recv_flags::dontwait)) break;
    more = frame.more();
    if (parts == 0) payload = std::move(frame);
  }
  Judge(std::move(id), payload, parts, message);
  return true;
}

void CoordinatorSocket::Impl::Judge(zmq::message_t id,
                                    const zmq::message_t& payload,
                                    std::size_t parts,
                                    std::optional<ReceivedMessage>& message) {
  const int descriptor = zmq_msg_get(const_cast<zmq::message_t&>(payload).handle(), ZMQ_SRCFD);
  TransportKey key;
  const bool identified = parts > 0 && AuthenticatedKey(payload, key);
  if (!identified) {
    ++counters.unidentified;
    watch->Cut(descriptor);
    return;
  }
  watch->NoteDelivery(descriptor, &key, payload.size());
  if (!admission.Allows(key)) {
    ++counters.not_admitted;
    routes.erase(key);
    watch->Cut(descriptor);
    return;
  }
  if (parts != 1) {
    ++counters.many_parts;
    watch->Cut(descriptor);
    return;
  }
  if (!IsAutomaticRoutingId(id)) {
    ++counters.foreign_name;
    watch->Cut(descriptor);
    return;
  }
  routes.insert_or_assign(key, id.to_string());
  const auto* data = payload.data<std::byte>();
  message = ReceivedMessage{key, Bytes(data, data + payload.size())};
}

std::optional<ReceivedMessage> CoordinatorSocket::Impl::TakeGood() {
  std::optional<ReceivedMessage> message;
  try {
    for (int i = 0; i < kMostRefusedInOneCall && !message; ++i) {
      if (!TakeOne(message)) break;
    }
  } catch (const zmq::error_t& error) {
    CHECK(error.num() == EINTR);
  }
  return message;
}

CoordinatorSocket::CoordinatorSocket(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
CoordinatorSocket::~CoordinatorSocket() = default;

Result<std::unique_ptr<CoordinatorSocket>> CoordinatorSocket::Bind(
    TransportContext& context,
    Admission& admission,
    const TransportKeyPair& keys,
    const std::string& endpoint,
    const SocketOptionsForTest& options) {
  try {
    auto impl = std::make_unique<Impl>(context, admission);
    SetServerOptions(impl->socket, options);
    SetCurveKeys(impl->socket, keys);
    TRY(impl->watch, ConnectionWatch::Start(context.native(), impl->socket, kMostHeld));
    impl->socket.bind(endpoint);
    // ZeroMQ tells the port that it chose, but IPv4 addresses in the form of IPv6.
    const std::string bound = impl->socket.get(zmq::sockopt::last_endpoint);
    impl->endpoint = endpoint.substr(0, endpoint.rfind(':')) + bound.substr(bound.rfind(':'));
    return std::unique_ptr<CoordinatorSocket>(new CoordinatorSocket(std::move(impl)));
  } catch (const zmq::error_t& error) {
    if (error.num() == EADDRINUSE) {
      return Fail(ErrorCode::kBusy, "another program listens on " + endpoint,
                  "Stop it, or give the coordinator another port.");
    }
    return FailInTransport("listen on " + endpoint, error);
  }
}

const std::string& CoordinatorSocket::endpoint() const { return impl_->endpoint; }

std::optional<ReceivedMessage> CoordinatorSocket::Receive() {
  if (impl_->kept.empty()) return impl_->TakeGood();
  ReceivedMessage message = std::move(impl_->kept.front());
  impl_->kept.pop_front();
  if (!impl_->admission.Allows(message.from)) return std::nullopt;
  return message;
}

SendOutcome CoordinatorSocket::Send(const TransportKey& to, const SharedBytes& payload) {
  CHECK(payload.size() <= kLargestMessageToSite);
  const auto route = impl_->routes.find(to);
  if (route == impl_->routes.end()) return SendOutcome::kNotConnected;
  if (!impl_->admission.Allows(to)) {
    impl_->routes.erase(route);
    return SendOutcome::kNotConnected;
  }
  try {
    const auto id_flags = zmq::send_flags::sndmore | zmq::send_flags::dontwait;
    if (!impl_->socket.send(zmq::buffer(route->second), id_flags)) return SendOutcome::kBusy;
    const auto sent = impl_->socket.send(MessageOf(payload), zmq::send_flags::dontwait);
    return sent ? SendOutcome::kSent : SendOutcome::kBusy;
  } catch (const zmq::error_t& error) {
    if (error.num() == EINTR) return SendOutcome::kBusy;
    CHECK(error.num() == EHOSTUNREACH);
    impl_->routes.erase(route);
    return SendOutcome::kNotConnected;
  }
}

void CoordinatorSocket::Disconnect(const TransportKey& key) {
  impl_->routes.erase(key);
  std::erase_if(impl_->kept, [&](const ReceivedMessage& message) { return message.from == key; });
  impl_->watch->CutKey(key);
}

Status CoordinatorSocket::ProbeClosed(const TransportKey& own_public_key, RandomSource& random) {
  const std::uint64_t unidentified = impl_->counters.unidentified;
  const auto keep_messages = [&] {
    while (auto message = impl_->TakeGood()) impl_->kept.push_back(std::move(*message));
  };
  TRY(const ProbeFinding finding,
      ProbeWithUnknownKey(impl_->context, impl_->endpoint, own_public_key,
                          GenerateTransportKey(random), keep_messages));
  const std::string remedy =
      "Do not serve. Use the libzmq of the operating system, and report this.";
  if (finding == ProbeFinding::kLetIn || impl_->counters.unidentified != unidentified) {
    return Fail(ErrorCode::kRefused,
                "a connection with an unknown key was let in at " + impl_->endpoint, remedy);
  }
  if (finding == ProbeFinding::kNoAnswer) {
    return Fail(ErrorCode::kRefused,
                "a connection with an unknown key was not turned away at " + impl_->endpoint +
                    ": nobody answered it",
                remedy);
  }
  return {};
}

TransportCounters CoordinatorSocket::counters() const {
  TransportCounters counters = impl_->counters;
  counters.cut_for_flooding = impl_->watch->cut_for_flooding();
  return counters;
}

int CoordinatorSocket::file_descriptor() const {
  return static_cast<int>(impl_->socket.get(zmq::sockopt::fd));
}

void CoordinatorSocket::AppendWaits(std::vector<PollWait>& to) const {
  to.push_back(PollWait{.socket = impl_->socket.handle()});
}

}  // namespace consilium
