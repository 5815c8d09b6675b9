#pragma once

// SumSketch: how long a site's vector is, and that this was said of the vector that is in the sum,
// from a few random projections of it. P has kSketchRows rows of +1 and -1, drawn once every site
// is bound to its vector q by a hash; a site says s = P q. Since projecting is linear, the sketches
// of the sites in a sum add up to the sum's: exactly, for all are integers.
//
// docs/spec/secure-sum.md argues what this shows, and says what it tells of a site.

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "common/fixed_point.h"
#include "common/ids.h"

namespace consilium {

/// m: projections in a sketch.
inline constexpr std::size_t kSketchRows = 64;
/// Of a vector with fewer numbers a sketch would tell more than one in sixteen.
inline constexpr std::size_t kFewestSketchedNumbers = 16 * kSketchRows;
/// tau: a vector as long as its bound has a sketch longer than sqrt(m tau) times that with a
/// probability below 10^-6, whatever the vector: (tau e^(1 - tau))^(m/2) is just below it
/// (Achlioptas, J. Comput. Syst. Sci. 66 (2003), Lemma 5.1 and the bound that follows from it).
inline constexpr double kSketchSlack = 2.237;

/// The part of a vector whose length is checked. All sites and the coordinator derive the same.
struct NormCheck {
  std::size_t first_word = 0;
  Slot slot;                ///< kReal or kShort.
  double bound = 0;         ///< Of one site's numbers together (L2 norm).
  std::uint32_t sites = 0;  ///< That the encoding is for.
};

__extension__ typedef __int128 SketchNumber;
using SketchNumbers = std::array<SketchNumber, kSketchRows>;

/// P times the integers of the part of `vector` that is checked; a vector of one site before it is
/// masked, or a sum.
SketchNumbers Project(std::span<const std::uint64_t> vector,
                      const NormCheck& check,
                      const Digest& seed);

/// Whether a vector with this sketch may be within the bound.
bool MayBeWithinBound(const SketchNumbers& numbers, const NormCheck& check);

/// Two words a number, the lower first: as messages have them.
std::vector<std::uint64_t> SketchWords(const SketchNumbers& numbers);
/// Nothing for another number of words, or where 5,000 such numbers could add up to too much.
std::optional<SketchNumbers> SketchNumbersOf(std::span<const std::uint64_t> words);

}  // namespace consilium
