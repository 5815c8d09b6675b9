#include "common/transport/connection_probe.h"

#include <chrono>
#include <string_view>

#include <zmq.hpp>

#include "common/transport/connection_watch.h"
#include "common/transport/zmq_support.h"

namespace consilium {
namespace {

constexpr int kLongestMilliseconds = 7'000;  // Over the server's handshake limit of 5 s.
constexpr int kStepMilliseconds = 10;
/// A message that was let in has arrived by then.
constexpr int kSettlingMilliseconds = 100;

/// Where to connect for a socket bound to "any address".
std::string Connectable(std::string endpoint) {
  for (const auto& [any, loopback] :
       {std::pair<std::string_view, std::string_view>{"tcp://0.0.0.0:", "tcp://127.0.0.1:"},
        {"tcp://[::]:", "tcp://[::1]:"}}) {
    if (endpoint.starts_with(any)) return std::string(loopback) + endpoint.substr(any.size());
  }
  return endpoint;
}

ProbeFinding Knock(zmq::socket_t& socket,
                   ConnectionWatch& watch,
                   const std::function<void()>& meanwhile) {
  const auto wait_one_step = [&] {
    zmq_poll(nullptr, 0, kStepMilliseconds);
    meanwhile();
    // Refused by the socket (no connection) unless the handshake has succeeded.
    static_cast<void>(socket.send(zmq::str_buffer("probe"), zmq::send_flags::dontwait));
  };
  ProbeFinding finding = ProbeFinding::kNoAnswer;
  for (int spent = 0; spent < kLongestMilliseconds; spent += kStepMilliseconds) {
    while (const auto event = watch.NextEvent()) {
      if (event->kind == ZMQ_EVENT_HANDSHAKE_SUCCEEDED) finding = ProbeFinding::kLetIn;
      if (event->kind == ZMQ_EVENT_HANDSHAKE_FAILED_AUTH && finding != ProbeFinding::kLetIn) {
        finding = ProbeFinding::kTurnedAway;
      }
    }
    if (finding != ProbeFinding::kNoAnswer) break;
    wait_one_step();
  }
  for (int spent = 0; spent < kSettlingMilliseconds; spent += kStepMilliseconds) wait_one_step();
  return finding;
}

}  // namespace

Result<ProbeFinding> ProbeWithUnknownKey(TransportContext& context,
                                         std::string endpoint,
                                         const TransportKey& server,
                                         const TransportKeyPair& keys,
                                         const std::function<void()>& meanwhile) {
  try {
    zmq::socket_t socket(context.native(), zmq::socket_type::dealer);
    SetCommonOptions(socket, kLargestMessageToSite);
    SetCurveKeys(socket, keys);
    socket.set(zmq::sockopt::curve_serverkey,
               zmq::const_buffer(server.bytes.data(), server.bytes.size()));
    socket.set(zmq::sockopt::immediate, true);
    TRY(const std::unique_ptr<ConnectionWatch> watch,
        ConnectionWatch::Start(context.native(), socket, 1U << 20));
    socket.connect(Connectable(std::move(endpoint)));
    return Knock(socket, *watch, meanwhile);
  } catch (const zmq::error_t& error) {
    return FailInTransport("try the own door", error);
  }
}

}  // namespace consilium
