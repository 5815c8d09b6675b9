#pragma once

// ZeroMQ's context: one input/output thread for all sockets of a party. Whatever is opened in it
// must be closed before it goes.

#include <memory>

#include "common/result.h"

namespace zmq {
class context_t;
}

namespace consilium {

class TransportContext {
 public:
  static Result<std::unique_ptr<TransportContext>> Create();
  ~TransportContext();
  TransportContext(const TransportContext&) = delete;
  TransportContext& operator=(const TransportContext&) = delete;

  /// For the other files of this folder.
  zmq::context_t& native() { return *context_; }

 private:
  explicit TransportContext(std::unique_ptr<zmq::context_t> context);
  std::unique_ptr<zmq::context_t> context_;
};

}  // namespace consilium
