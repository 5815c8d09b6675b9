#include "common/transport/context.h"

#include <utility>

#ifdef __GLIBC__
#include <malloc.h>
#endif
#include <zmq.hpp>

#include "common/transport/zmq_support.h"

namespace consilium {
namespace {

/// Chunks of 256 KiB come and go all the time. By default each would be given back to the system
/// and taken anew, page by page, which costs more than to fill it.
void KeepMemoryOfChunks() {
#ifdef __GLIBC__
  mallopt(M_MMAP_THRESHOLD, 4 << 20);
  mallopt(M_TRIM_THRESHOLD, 16 << 20);
#endif
}

}  // namespace

TransportContext::TransportContext(std::unique_ptr<zmq::context_t> context)
    : context_(std::move(context)) {}

TransportContext::~TransportContext() {
  // Closing it would wait for that socket for ever.
  if (abandoned_) static_cast<void>(context_.release());
}

void TransportContext::Abandon() { abandoned_ = true; }

Result<std::unique_ptr<TransportContext>> TransportContext::Create() {
  constexpr int kThreads = 1;
  constexpr int kMostSockets = 64;  // Of ours; connections are not counted.
  KeepMemoryOfChunks();
  try {
    auto context = std::make_unique<zmq::context_t>(kThreads, kMostSockets);
    context->set(zmq::ctxopt::blocky, false);  // No lingering by default when the context goes.
    return std::unique_ptr<TransportContext>(new TransportContext(std::move(context)));
  } catch (const zmq::error_t& error) {
    return FailInTransport("start the transport", error);
  }
}

}  // namespace consilium
