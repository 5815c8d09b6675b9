#include "common/transport/zmq_support.h"

#include <algorithm>
#include <utility>

#include "common/bytes.h"

namespace consilium {

tl::unexpected<Error> FailInTransport(std::string_view action, const zmq::error_t& error) {
  return Fail(ErrorCode::kIo, "cannot " + std::string(action) + ": " + error.what());
}

void SetCommonOptions(zmq::socket_t& socket, std::size_t largest_received) {
  socket.set(zmq::sockopt::linger, 0);
  socket.set(zmq::sockopt::ipv6, true);
  socket.set(zmq::sockopt::maxmsgsize,
             static_cast<std::int64_t>(largest_received + kCurveOverhead));
  // Heartbeats outlive NAT timers (often 5 min); one chunk must pass within the timeout.
  socket.set(zmq::sockopt::heartbeat_ivl, 15'000);
  socket.set(zmq::sockopt::heartbeat_timeout, 45'000);
  socket.set(zmq::sockopt::heartbeat_ttl, 60'000);
  socket.set(zmq::sockopt::tcp_keepalive, 1);
  socket.set(zmq::sockopt::tcp_keepalive_idle, 60);
  socket.set(zmq::sockopt::tcp_keepalive_intvl, 20);
  socket.set(zmq::sockopt::tcp_keepalive_cnt, 5);
}

void SetCurveKeys(zmq::socket_t& socket, const TransportKeyPair& keys) {
  const auto buffer = [](ByteSpan bytes) { return zmq::const_buffer(bytes.data(), bytes.size()); };
  socket.set(zmq::sockopt::curve_publickey, buffer(keys.public_key.span()));
  socket.set(zmq::sockopt::curve_secretkey, buffer(keys.secret.Expose()));
}

void SetSocksUser(zmq::socket_t& socket, std::string_view user, std::string_view password) {
  // libzmq 4.3.4 has the options and its header hides them: they were drafts when it was released.
  constexpr int kSocksUsername = 99;
  constexpr int kSocksPassword = 100;
  for (const auto& [option, value] :
       {std::pair(kSocksUsername, user), std::pair(kSocksPassword, password)}) {
    if (zmq_setsockopt(socket.handle(), option, value.data(), value.size()) != 0) {
      throw zmq::error_t();
    }
  }
}

bool AuthenticatedKey(const zmq::message_t& payload, TransportKey& key) {
  zmq_msg_t* const message = const_cast<zmq::message_t&>(payload).handle();
  const char* const user = zmq_msg_gets(message, "User-Id");
  if (user == nullptr) return false;
  const Result<Bytes> bytes = FromHex(user);
  if (!bytes || bytes->size() != key.bytes.size()) return false;
  std::ranges::copy(*bytes, key.bytes.begin());
  return true;
}

}  // namespace consilium
