#pragma once

// Bytes that are made once, never change, and have many readers: a message to all sites.

#include <cstddef>
#include <memory>
#include <utility>

#include "common/bytes.h"

namespace consilium {

class SharedBytes {
 public:
  SharedBytes(Bytes bytes) : bytes_(std::make_shared<const Bytes>(std::move(bytes))) {}

  const Bytes& get() const { return *bytes_; }
  operator const Bytes&() const { return *bytes_; }
  operator ByteSpan() const { return *bytes_; }
  std::size_t size() const { return bytes_->size(); }

 private:
  std::shared_ptr<const Bytes> bytes_;
};

}  // namespace consilium
