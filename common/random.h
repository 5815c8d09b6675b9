#pragma once

// Randomness is an argument. SystemRandom (libsodium) in production; SeededRandom (a ChaCha20
// stream of a 32-byte seed) in simulation and tests. Production code builds a SeededRandom only
// from what a plan makes public: in which order training takes its rows.

#include <cstdint>

#include "common/bytes.h"
#include "common/ids.h"

namespace consilium {

class RandomSource {
 public:
  virtual ~RandomSource() = default;
  virtual void Fill(MutableByteSpan bytes) = 0;

  template <std::size_t N>
  ByteArray<N> Draw() {
    ByteArray<N> bytes;
    Fill(bytes);
    return bytes;
  }
  /// Uniform on [0, bound) without modulo bias; bound >= 1.
  std::uint64_t Below(std::uint64_t bound);
  /// Uniform on [0, 1), 53 random bits.
  double Unit();
};

class SystemRandom final : public RandomSource {
 public:
  void Fill(MutableByteSpan bytes) override;
};

class SeededRandom final : public RandomSource {
 public:
  explicit SeededRandom(const ByteArray<32>& seed) : seed_(seed) {}
  /// For tests: the seed's first bytes are the number, little-endian.
  explicit SeededRandom(std::uint64_t seed);
  void Fill(MutableByteSpan bytes) override;

 private:
  ByteArray<32> seed_{};
  std::uint64_t block_ = 0;  ///< Each Fill takes the ChaCha20 stream of the next nonce.
};

}  // namespace consilium
