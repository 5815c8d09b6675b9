#include "protocols/secure_sum/sketch.h"

#include <algorithm>
#include <cmath>

#include "common/check.h"
#include "common/crypto/hash.h"
#include "common/crypto/mask_stream.h"
#include "common/fixed_point_integers.h"

namespace consilium {
namespace {

/// Numbers whose signs come from one key.
constexpr std::size_t kBlock = 4096;
/// In magnitude, of what a peer may send.
constexpr int kMaxSketchBits = 100;

/// For each byte, a word of ones where its bit is set.
using Spread = std::array<std::array<std::uint64_t, 8>, 256>;

constexpr Spread MakeSpread() {
  Spread spread{};
  for (std::size_t byte = 0; byte < 256; ++byte) {
    for (std::size_t bit = 0; bit < 8; ++bit) {
      spread[byte][bit] = (byte >> bit & 1) != 0 ? ~std::uint64_t{0} : 0;
    }
  }
  return spread;
}

constexpr Spread kSpread = MakeSpread();

using Sums = std::array<std::uint64_t, kSketchRows>;

/// Adds `part` to the sums of those rows that have +1 here.
void AddWhereSet(std::uint64_t signs, std::uint64_t part, Sums& sums) {
  for (std::size_t group = 0; group < kSketchRows; group += 8) {
    const auto& masks = kSpread[signs >> group & 0xff];
    for (std::size_t i = 0; i < 8; ++i) sums[group + i] += part & masks[i];
  }
}

/// Signs of one block: bit k of word j says whether row k has +1 for the block's number j.
void DrawSigns(const Digest& seed, std::uint64_t block, std::span<std::uint64_t> signs) {
  std::fill(signs.begin(), signs.end(), 0);
  const MaskTerm term[] = {
      {Hasher("consilium/secure-sum/sketch-signs/v1").Add(seed).Add(block).FinishSecret()}};
  ApplyMasks(term, signs);
}

}  // namespace

SketchNumbers Project(std::span<const std::uint64_t> vector,
                      const NormCheck& check,
                      const Digest& seed) {
  const auto words = vector.subspan(check.first_word, WordsOf(std::span(&check.slot, 1)));
  std::vector<std::uint64_t> signs(std::min(kBlock, check.slot.count));
  std::vector<std::int64_t> integers(signs.size());
  // Sums of up to 2^24 integers stay exact: of 64 bits in two parts, of 32 in one.
  const bool is_short = check.slot.encoding == Encoding::kShort;
  Sums lower{};
  Sums upper{};
  SketchNumber all = 0;
  for (std::size_t first = 0; first < check.slot.count; first += kBlock) {
    const std::size_t count = std::min(kBlock, check.slot.count - first);
    DrawSigns(seed, first / kBlock, std::span(signs).first(count));
    IntegersOf(words, check.slot, first, std::span(integers).first(count));
    for (std::size_t j = 0; j < count; ++j) {
      const std::int64_t x = integers[j];
      all += x;
      if (is_short) {
        AddWhereSet(signs[j], static_cast<std::uint64_t>(x), upper);
      } else {
        AddWhereSet(signs[j], static_cast<std::uint64_t>(x) & 0xffff'ffff, lower);
        AddWhereSet(signs[j], static_cast<std::uint64_t>(x >> 32), upper);
      }
    }
  }
  SketchNumbers numbers;
  for (std::size_t k = 0; k < kSketchRows; ++k) {
    const SketchNumber unit = is_short ? 1 : SketchNumber{1} << 32;
    const SketchNumber set =
        static_cast<std::int64_t>(upper[k]) * unit + static_cast<SketchNumber>(lower[k]);
    numbers[k] = 2 * set - all;
  }
  return numbers;
}

bool MayBeWithinBound(const SketchNumbers& numbers, const NormCheck& check) {
  double squares = 0;
  for (const SketchNumber number : numbers) {
    const auto real = static_cast<double>(number);
    squares += real * real;
  }
  // Each number is rounded by less than a unit.
  const double longest = check.bound * UnitsPerOne(check.slot, check.sites) +
                         std::sqrt(static_cast<double>(check.slot.count));
  return squares <= kSketchSlack * static_cast<double>(kSketchRows) * longest * longest;
}

std::vector<std::uint64_t> SketchWords(const SketchNumbers& numbers) {
  std::vector<std::uint64_t> words;
  words.reserve(2 * kSketchRows);
  for (const SketchNumber number : numbers) {
    words.push_back(static_cast<std::uint64_t>(number));
    words.push_back(static_cast<std::uint64_t>(number >> 64));
  }
  return words;
}

std::optional<SketchNumbers> SketchNumbersOf(std::span<const std::uint64_t> words) {
  if (words.size() != 2 * kSketchRows) return std::nullopt;
  constexpr std::int64_t kMaxUpper = std::int64_t{1} << (kMaxSketchBits - 64);
  SketchNumbers numbers;
  for (std::size_t k = 0; k < kSketchRows; ++k) {
    const auto upper = static_cast<std::int64_t>(words[2 * k + 1]);
    if (upper >= kMaxUpper || upper < -kMaxUpper) return std::nullopt;
    numbers[k] =
        SketchNumber{upper} * (SketchNumber{1} << 64) + static_cast<SketchNumber>(words[2 * k]);
  }
  return numbers;
}

}  // namespace consilium
