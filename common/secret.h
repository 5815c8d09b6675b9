#pragma once

// Secrets: move-only, wiped when they go, compared in constant time, readable only by an explicit
// Expose(). They cannot be printed, logged or encoded: there is no overload that takes them.

#include <algorithm>
#include <cstddef>

#include "common/bytes.h"
#include "common/check.h"

namespace consilium {

/// Overwrites the bytes in a way the compiler may not remove.
void Wipe(MutableByteSpan bytes);
/// Constant-time comparison; false when the lengths differ.
bool EqualInConstantTime(ByteSpan a, ByteSpan b);

template <std::size_t N>
class SecretBytes {
 public:
  SecretBytes() = default;  ///< All zero.
  /// A copy of exactly N bytes.
  explicit SecretBytes(ByteSpan bytes) { Assign(bytes); }
  SecretBytes(const SecretBytes&) = delete;
  SecretBytes& operator=(const SecretBytes&) = delete;
  SecretBytes(SecretBytes&& other) noexcept : bytes_(other.bytes_) { Wipe(other.bytes_); }
  SecretBytes& operator=(SecretBytes&& other) noexcept {
    if (this != &other) {
      bytes_ = other.bytes_;
      Wipe(other.bytes_);
    }
    return *this;
  }
  ~SecretBytes() { Wipe(bytes_); }

  ByteSpan Expose() const { return bytes_; }
  MutableByteSpan ExposeMutable() { return bytes_; }
  /// A second copy, said in so many words.
  SecretBytes Clone() const { return SecretBytes(Expose()); }
  static constexpr std::size_t size() { return N; }

 private:
  void Assign(ByteSpan bytes) {
    CHECK(bytes.size() == N);
    std::copy(bytes.begin(), bytes.end(), bytes_.begin());
  }
  ByteArray<N> bytes_{};
};

using SecretKey32 = SecretBytes<32>;

}  // namespace consilium
