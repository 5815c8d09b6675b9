#include "protocols/privacy/uniform_bits.h"

#include <bit>

#include "common/bytes.h"
#include "common/check.h"

namespace consilium {
namespace {

// A draw is refused with probability below one half, so this many in a row have probability below
// 2^-512: the source is broken.
constexpr int kMostRefusals = 512;

}  // namespace

void UniformBits::Refill() {
  source_->Fill(block_.ExposeMutable());
  used_ = 0;
}

std::uint64_t UniformBits::Below(std::uint64_t bound) {
  CHECK(bound >= 1);
  // Lemire, "Fast random integer generation in an interval" (2019): the high word of draw * bound
  // is uniform once the low words below 2^32 mod bound, or 2^64 mod bound, are left out.
  for (int refusals = 0; refusals < kMostRefusals; ++refusals) {
    if (bound <= UINT32_MAX) {
      const std::uint64_t product = std::uint64_t{Word()} * bound;
      const auto low = static_cast<std::uint32_t>(product);
      const auto small = static_cast<std::uint32_t>(bound);
      if (low >= small || low >= (0 - small) % small) return product >> 32;
      continue;
    }
    const Uint128 product = static_cast<Uint128>(LongWord()) * bound;
    const auto low = static_cast<std::uint64_t>(product);
    if (low >= bound || low >= (0 - bound) % bound) {
      return static_cast<std::uint64_t>(product >> 64);
    }
  }
  CHECK(false && "the source of randomness repeats itself");
  return 0;
}

Uint128 UniformBits::Below128(Uint128 bound) {
  CHECK(bound >= 1);
  const auto high = static_cast<std::uint64_t>(bound >> 64);
  if (high == 0) return Below(static_cast<std::uint64_t>(bound));
  // As many bits as the bound has; more than half of such numbers lie below it.
  const int spare = std::countl_zero(high);
  for (int refusals = 0; refusals < kMostRefusals; ++refusals) {
    const Uint128 top = LongWord() >> spare;
    if (top > high) continue;
    const Uint128 draw = (top << 64) | LongWord();
    if (draw < bound) return draw;
  }
  CHECK(false && "the source of randomness repeats itself");
  return 0;
}

}  // namespace consilium
