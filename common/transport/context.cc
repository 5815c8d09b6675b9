#include "common/transport/context.h"

#include <utility>

#include <zmq.hpp>

#include "common/transport/zmq_support.h"

namespace consilium {

TransportContext::TransportContext(std::unique_ptr<zmq::context_t> context)
    : context_(std::move(context)) {}
TransportContext::~TransportContext() = default;

Result<std::unique_ptr<TransportContext>> TransportContext::Create() {
  constexpr int kThreads = 1;
  constexpr int kMostSockets = 64;  // Of ours; connections are not counted.
  try {
    auto context = std::make_unique<zmq::context_t>(kThreads, kMostSockets);
    context->set(zmq::ctxopt::blocky, false);  // No lingering by default when the context goes.
    return std::unique_ptr<TransportContext>(new TransportContext(std::move(context)));
  } catch (const zmq::error_t& error) {
    return FailInTransport("start the transport", error);
  }
}

}  // namespace consilium
