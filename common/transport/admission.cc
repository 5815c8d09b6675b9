#include "common/transport/admission.h"

#include <algorithm>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <zmq.hpp>

#include "common/transport/poller.h"
#include "common/transport/signal_free_thread.h"
#include "common/transport/zmq_support.h"

namespace consilium {

struct Admission::Handler {
  Handler(Admission& owner, zmq::socket_t bound, Waker waker)
      : admission(owner), socket(std::move(bound)), stop(std::move(waker)) {}

  void Run();
  void AnswerOne();
  bool Accepts(const std::vector<zmq::message_t>& request, TransportKey& key) const;

  Admission& admission;
  zmq::socket_t socket;  ///< Used by the handler's thread alone.
  Waker stop;
  std::thread thread;
};

/// RFC 27: version, request id, domain, address, routing id, mechanism, credentials.
bool Admission::Handler::Accepts(const std::vector<zmq::message_t>& request,
                                 TransportKey& key) const {
  if (request.size() != 7 || request[0].to_string_view() != "1.0" ||
      request[2].to_string_view() != admission.domain_ || request[5].to_string_view() != "CURVE" ||
      request[6].size() != key.bytes.size()) {
    return false;
  }
  const auto* credentials = request[6].data<std::byte>();
  std::copy_n(credentials, key.bytes.size(), key.bytes.begin());
  return admission.Allows(key);
}

void Admission::Handler::AnswerOne() {
  std::vector<zmq::message_t> request;
  bool more = true;
  while (more) {
    zmq::message_t frame;
    if (!socket.recv(frame, zmq::recv_flags::dontwait)) return;
    more = frame.more();
    if (request.size() < 8) request.push_back(std::move(frame));
  }
  TransportKey key;
  const bool accepted = Accepts(request, key);
  if (!accepted) ++admission.refused_;
  const std::string id = request.size() > 1 ? request[1].to_string() : std::string();
  const std::string user = accepted ? key.ToHex() : std::string();
  const std::string_view reply[] = {
      "1.0", id, accepted ? "200" : "400", accepted ? "OK" : "unknown key", user, ""};
  for (const std::string_view& frame : reply) {
    const bool last = &frame == std::end(reply) - 1;
    socket.send(zmq::buffer(frame), last ? zmq::send_flags::none : zmq::send_flags::sndmore);
  }
}

void Admission::Handler::Run() {
  try {
    while (true) {
      std::vector<PollWait> waits;
      stop.AppendWaits(waits);
      zmq_pollitem_t items[] = {{socket.handle(), 0, ZMQ_POLLIN, 0},
                                {nullptr, waits.front().descriptor, ZMQ_POLLIN, 0}};
      if (zmq_poll(items, 2, -1) < 0 && zmq_errno() != EINTR) break;
      if (items[1].revents != 0) break;
      if (items[0].revents != 0) AnswerOne();
    }
  } catch (const zmq::error_t&) {
    // Without a handler every handshake fails, which is the safe side.
  }
  socket.close();
}

Admission::Admission(std::string domain) : domain_(std::move(domain)) {}

Admission::~Admission() {
  if (!handler_) return;
  handler_->stop.Wake();
  handler_->thread.join();
}

Result<std::unique_ptr<Admission>> Admission::Start(TransportContext& context, std::string domain) {
  std::unique_ptr<Admission> admission(new Admission(std::move(domain)));
  TRY(Waker stop, Waker::Create());
  try {
    zmq::socket_t socket(context.native(), zmq::socket_type::rep);
    socket.set(zmq::sockopt::linger, 0);
    socket.bind("inproc://zeromq.zap.01");
    admission->handler_ = std::make_unique<Handler>(*admission, std::move(socket), std::move(stop));
  } catch (const zmq::error_t& error) {
    return FailInTransport("start the admission of connections", error);
  }
  Handler* const handler = admission->handler_.get();
  handler->thread = StartWithoutSignals([handler] { handler->Run(); });
  return admission;
}

void Admission::Replace(std::set<TransportKey> allowed) {
  const std::lock_guard lock(mutex_);
  allowed_ = std::move(allowed);
}

bool Admission::Allows(const TransportKey& key) const {
  const std::lock_guard lock(mutex_);
  return allowed_.contains(key);
}

}  // namespace consilium
