#include "common/random.h"

#include <sodium.h>

#include "common/check.h"

namespace consilium {

std::uint64_t RandomSource::Below(std::uint64_t bound) {
  CHECK(bound >= 1);
  // 2^64 mod bound: with the lowest `excess` draws left out, every remainder is equally frequent.
  const std::uint64_t excess = (0 - bound) % bound;
  for (;;) {
    const std::uint64_t draw = LoadU64(Draw<8>());
    if (draw >= excess) return draw % bound;
  }
}

double RandomSource::Unit() { return static_cast<double>(LoadU64(Draw<8>()) >> 11) * 0x1p-53; }

void SystemRandom::Fill(MutableByteSpan bytes) {
  // Initialising again costs nothing, and without it the generator is not safe among threads.
  CHECK(sodium_init() >= 0);
  randombytes_buf(bytes.data(), bytes.size());
}

SeededRandom::SeededRandom(std::uint64_t seed) {
  StoreU64(MutableByteSpan(seed_).first<8>(), seed);
}

void SeededRandom::Fill(MutableByteSpan bytes) {
  ByteArray<crypto_stream_chacha20_NONCEBYTES> nonce;
  StoreU64(nonce, block_++);
  crypto_stream_chacha20(UnsignedChars(bytes), bytes.size(), UnsignedChars(ByteSpan(nonce)),
                         UnsignedChars(ByteSpan(seed_)));
}

}  // namespace consilium
