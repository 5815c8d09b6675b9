#pragma once

// Uniform whole numbers in quantity: the randomness under a sampler of noise. Asking the system for
// four bytes at a time would cost more than everything else, so bytes are fetched in blocks; the
// last one is wiped in the end, for whoever knows the noise can take it off again.

#include <cstddef>
#include <cstdint>

#include "common/random.h"
#include "common/secret.h"

namespace consilium {

/// Whole numbers of up to 128 bits. Both supported compilers have them.
__extension__ typedef unsigned __int128 Uint128;

class UniformBits {
 public:
  /// `source` outlives this.
  explicit UniformBits(RandomSource& source) : source_(&source) {}

  bool Coin() { return (Word() >> 31) != 0; }  ///< True with probability one half.
  /// Uniform on [0, bound), bound >= 1, without bias: draws outside of the largest multiple of the
  /// bound are drawn again. A source that is stuck ends the process rather than looping for ever.
  std::uint64_t Below(std::uint64_t bound);
  Uint128 Below128(Uint128 bound);

 private:
  static constexpr std::size_t kBlockBytes = 4096;
  std::uint32_t Word() {
    if (used_ == kBlockBytes) Refill();
    std::uint32_t word = 0;  // Little-endian on every machine.
    for (std::size_t i = 4; i-- > 0;) {
      word = word << 8 | std::to_integer<std::uint32_t>(block_.Expose()[used_ + i]);
    }
    used_ += 4;
    return word;
  }
  std::uint64_t LongWord() {
    const std::uint64_t low = Word();
    return std::uint64_t{Word()} << 32 | low;
  }
  void Refill();

  RandomSource* source_;
  SecretBytes<kBlockBytes> block_;
  std::size_t used_ = kBlockBytes;
};

}  // namespace consilium
