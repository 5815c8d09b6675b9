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
  /// Lives on until the process ends, with a socket in it that cannot be closed.
  void Abandon();

 private:
  explicit TransportContext(std::unique_ptr<zmq::context_t> context);
  std::unique_ptr<zmq::context_t> context_;
  bool abandoned_ = false;
};

}  // namespace consilium
