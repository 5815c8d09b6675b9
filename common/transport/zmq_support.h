#pragma once

// What the sockets of both sides share; only this folder's .cc files include this.

#include <string>
#include <string_view>

#include <zmq.hpp>

#include "common/result.h"
#include "common/time.h"
#include "common/transport/keys.h"
#include "common/transport/message.h"

namespace consilium {

/// What CURVE adds to a message: command name, nonce, authenticator, flags (RFC 26/CurveZMQ).
inline constexpr std::size_t kCurveOverhead = 33;

tl::unexpected<Error> FailInTransport(std::string_view action, const zmq::error_t& error);

/// Limits, heartbeats and keepalive that both sides set. Throws zmq::error_t.
void SetCommonOptions(zmq::socket_t& socket, std::size_t largest_received);
void SetCurveKeys(zmq::socket_t& socket, const TransportKeyPair& keys);

/// Who we are to a SOCKS5 proxy (RFC 1929). Throws zmq::error_t.
void SetSocksUser(zmq::socket_t& socket, std::string_view user, std::string_view password);

/// The key that the admission handler vouched for, taken from a frame that carries payload. (On
/// the routing-id frame libzmq 4.3.4 loses it once the socket was polled.) False when there is
/// none.
bool AuthenticatedKey(const zmq::message_t& payload, TransportKey& key);

inline int Milliseconds(Duration duration) { return static_cast<int>(duration.count()); }

}  // namespace consilium
