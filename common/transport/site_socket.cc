#include "common/transport/site_socket.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include <sys/timerfd.h>
#include <zmq.hpp>

#include "common/check.h"
#include "common/transport/connection_watch.h"
#include "common/transport/zmq_support.h"

namespace consilium {
namespace {

constexpr std::uint64_t kMostHeld = 32U << 20;

}  // namespace

std::string Describe(ConnectionEvent event) {
  switch (event) {
    case ConnectionEvent::kConnected:
      return "connected to the coordinator";
    case ConnectionEvent::kDisconnected:
      return "the connection to the coordinator was lost; trying again";
    case ConnectionEvent::kUnreachable:
      return "the coordinator cannot be reached; trying again";
    case ConnectionEvent::kSiteKeyRefused:
      return "the coordinator does not know this site's key: not admitted yet, or revoked";
    case ConnectionEvent::kHandshakeFailed:
      return "the other side did not prove that it is the coordinator: wrong coordinator key or "
             "address";
  }
  return "unknown event";
}

struct SiteSocket::Impl {
  Impl(TransportContext& owner, SiteSocketOptions given)
      : context(owner), options(std::move(given)) {}

  void Open();  ///< Throws zmq::error_t.
  std::optional<ConnectionEvent> Translate(const WatchedEvent& event);
  void ScheduleReopening();
  void ReopenIfDue();
  /// libzmq 4.3.4 aborts when a socket is closed while it waits to try an unreachable SOCKS proxy
  /// again: it takes a descriptor out of epoll that it has closed already.
  bool MayBeClosed() const { return options.socks_proxy.empty() || connected || refused; }

  TransportContext& context;
  SiteSocketOptions options;
  TransportKeyPair keys;
  TransportKey coordinator;
  FileDescriptor timer;
  Duration reopen_after{0};
  std::optional<zmq::socket_t> socket;
  std::unique_ptr<ConnectionWatch> watch;  ///< Goes before the socket.
  bool connected = false;
  bool handshaking = false;
  bool refused = false;  ///< libzmq has given the connection up for good.
  bool wait_for_room = false;
};

void SiteSocket::Impl::Open() {
  zmq::socket_t fresh(context.native(), zmq::socket_type::dealer);
  SetCommonOptions(fresh, kLargestMessageToSite);
  SetCurveKeys(fresh, keys);
  fresh.set(zmq::sockopt::curve_serverkey,
            zmq::const_buffer(coordinator.bytes.data(), coordinator.bytes.size()));
  fresh.set(zmq::sockopt::rcvhwm, 4);
  fresh.set(zmq::sockopt::sndhwm, 4);
  fresh.set(zmq::sockopt::immediate,
            true);  // Nothing is queued for a connection that is not there.
  fresh.set(zmq::sockopt::handshake_ivl, Milliseconds(options.handshake_timeout));
  fresh.set(zmq::sockopt::connect_timeout, Milliseconds(options.connect_timeout));
  fresh.set(zmq::sockopt::tcp_maxrt, 60'000);
  fresh.set(zmq::sockopt::reconnect_ivl, Milliseconds(options.reconnect_first));
  fresh.set(zmq::sockopt::reconnect_ivl_max, Milliseconds(options.reconnect_longest));
  if (!options.socks_proxy.empty()) fresh.set(zmq::sockopt::socks_proxy, options.socks_proxy);
  if (!options.socks_user.empty() && options.socks_password) {
    SetSocksUser(fresh, options.socks_user, options.socks_password->Expose());
  }

  watch.reset();
  connected = handshaking = refused = false;
  socket.emplace(std::move(fresh));
  auto started = ConnectionWatch::Start(context.native(), *socket, kMostHeld);
  if (!started) throw zmq::error_t();
  watch = std::move(*started);
  socket->connect(options.endpoint);
}

/// After a refusal libzmq 4.3.4 gives the connection up for good, so the socket is made anew later:
/// the site may be admitted any minute.
void SiteSocket::Impl::ScheduleReopening() {
  refused = true;
  reopen_after = std::clamp(reopen_after * 2, options.reconnect_first, options.reconnect_longest);
  itimerspec when{};
  when.it_value.tv_sec = reopen_after.count() / 1'000;
  when.it_value.tv_nsec = reopen_after.count() % 1'000 * 1'000'000 + 1;
  CHECK(::timerfd_settime(timer.get(), 0, &when, nullptr) == 0);
}

void SiteSocket::Impl::ReopenIfDue() {
  std::uint64_t expirations = 0;
  if (::read(timer.get(), &expirations, sizeof expirations) != sizeof expirations) return;
  try {
    Open();
  } catch (const zmq::error_t&) {
    ScheduleReopening();  // Out of descriptors, say: that may pass.
  }
}

std::optional<ConnectionEvent> SiteSocket::Impl::Translate(const WatchedEvent& event) {
  switch (event.kind) {
    case ZMQ_EVENT_CONNECTED:
      handshaking = true;
      return std::nullopt;
    case ZMQ_EVENT_HANDSHAKE_SUCCEEDED:
      handshaking = false;
      connected = true;
      reopen_after = Duration(0);
      return ConnectionEvent::kConnected;
    case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH:
      handshaking = false;
      ScheduleReopening();
      return ConnectionEvent::kSiteKeyRefused;
    case ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL:
      handshaking = false;
      ScheduleReopening();
      return ConnectionEvent::kHandshakeFailed;
    case ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL:
      return std::exchange(handshaking, false) ? std::optional(ConnectionEvent::kHandshakeFailed)
                                               : std::nullopt;
    case ZMQ_EVENT_DISCONNECTED:
      if (std::exchange(handshaking, false)) return ConnectionEvent::kHandshakeFailed;
      return std::exchange(connected, false) ? std::optional(ConnectionEvent::kDisconnected)
                                             : std::nullopt;
    case ZMQ_EVENT_CLOSED:
      return ConnectionEvent::kUnreachable;
    default:
      return std::nullopt;
  }
}

SiteSocket::SiteSocket(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

SiteSocket::~SiteSocket() {
  while (NextEvent()) {
  }  // What is known of the connection is to be true.
  if (impl_->MayBeClosed()) return;
  impl_->context.Abandon();
  static_cast<void>(impl_.release());
}

Result<std::unique_ptr<SiteSocket>> SiteSocket::Connect(TransportContext& context,
                                                        const TransportKeyPair& keys,
                                                        const TransportKey& coordinator,
                                                        SiteSocketOptions options,
                                                        RandomSource& random) {
  // Otherwise all sites would come back in the same instant after a restart of the coordinator.
  const double factor = 0.5 + random.Unit();
  options.reconnect_first = Duration(std::max<std::int64_t>(
      1, static_cast<std::int64_t>(factor * static_cast<double>(options.reconnect_first.count()))));
  options.reconnect_longest = std::max(options.reconnect_longest, options.reconnect_first);
  auto impl = std::make_unique<Impl>(context, std::move(options));
  impl->keys = keys.Clone();
  impl->coordinator = coordinator;
  impl->timer = FileDescriptor(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
  if (!impl->timer.valid()) return Fail(ErrorCode::kIo, "cannot make a timer: too many open files");
  try {
    impl->Open();
  } catch (const zmq::error_t& error) {
    if (error.num() == EINVAL) {
      return Fail(ErrorCode::kInvalidArgument,
                  "'" + impl->options.endpoint + "' is no address to connect to",
                  "Write tcp://HOST:PORT.");
    }
    return FailInTransport("connect to " + impl->options.endpoint, error);
  }
  return std::unique_ptr<SiteSocket>(new SiteSocket(std::move(impl)));
}

std::optional<ConnectionEvent> SiteSocket::NextEvent() {
  impl_->ReopenIfDue();
  while (const auto event = impl_->watch ? impl_->watch->NextEvent() : std::nullopt) {
    if (const auto translated = impl_->Translate(*event)) return translated;
  }
  return std::nullopt;
}

std::optional<Bytes> SiteSocket::Receive() {
  try {
    while (true) {
      zmq::message_t frame;
      if (!impl_->socket->recv(frame, zmq::recv_flags::dontwait)) return std::nullopt;
      const int descriptor = zmq_msg_get(frame.handle(), ZMQ_SRCFD);
      const bool single = !frame.more();
      for (bool more = frame.more(); more;) {
        zmq::message_t rest;
        if (!impl_->socket->recv(rest, zmq::recv_flags::dontwait)) break;
        more = rest.more();
      }
      if (!impl_->watch) return std::nullopt;
      impl_->watch->NoteDelivery(descriptor, nullptr, frame.size());
      if (!single) {
        impl_->watch->Cut(descriptor);
        continue;
      }
      const auto* data = frame.data<std::byte>();
      return Bytes(data, data + frame.size());
    }
  } catch (const zmq::error_t& error) {
    CHECK(error.num() == EINTR);
    return std::nullopt;
  }
}

SendOutcome SiteSocket::Send(ByteSpan payload) {
  CHECK(payload.size() <= kLargestMessage);
  // libzmq takes messages for a moment after it has reported a connection's end, and loses them.
  if (!impl_->connected) return SendOutcome::kNotConnected;
  try {
    if (impl_->socket->send(zmq::const_buffer(payload.data(), payload.size()),
                            zmq::send_flags::dontwait)) {
      return SendOutcome::kSent;
    }
  } catch (const zmq::error_t& error) {
    CHECK(error.num() == EINTR);
  }
  return SendOutcome::kBusy;
}

bool SiteSocket::connected() const { return impl_->connected; }

bool SiteSocket::ConnectAnewAs(const TransportKeyPair& keys) {
  if (!impl_->connected) return false;
  impl_->keys = keys.Clone();
  ConnectAnew();
  return true;
}

void SiteSocket::ConnectAnew() {
  while (NextEvent()) {
  }
  if (!impl_->MayBeClosed()) return;  // It tries again by itself.
  try {
    impl_->Open();
  } catch (const zmq::error_t&) {
    impl_->ScheduleReopening();
  }
}

void SiteSocket::WaitForRoom(bool wanted) { impl_->wait_for_room = wanted; }

void SiteSocket::AppendWaits(std::vector<PollWait>& to) const {
  to.push_back(PollWait{.socket = impl_->socket->handle(), .writable = impl_->wait_for_room});
  to.push_back(PollWait{.descriptor = impl_->timer.get()});
  if (impl_->watch) impl_->watch->AppendWaits(to);
}

}  // namespace consilium
