#pragma once

// Real numbers as integers modulo 2^64, so that a sum over sites is exact, independent of the
// order, and can be masked. (Design section 6, "Encoding".)
//
// A real coordinate takes two words ("limbs"). With scale s = 2^a:
//     high = round(x s),            |x| <= bound   =>  |high| <= bound s + 1/2
//     low  = round((x s - high) 2^k)               =>  |low|  <= 2^(k-1)
// and x is recovered as (high + low 2^-k) / s. x s is exact (a power of two), and so is the
// residual, so nothing is lost but what lies below 2^-(a+k+1): for any bound the two limbs span
// about 120 bits, and the decoded sum equals the sum of the doubles to within their own rounding.
// One limb would force a choice between a tight bound and lost digits. A count takes one word and
// is exact.
//
// Of many numbers that need not be exact, such as a model's parameters, two share a word:
//     word = first + 2^32 second,   each = floor(x 2^a + u),   |each| <= Q,   2 n Q + 1 <= 2^32
// with u uniform in [0, 1), so that rounding errors average out over sites and rounds (stochastic
// rounding). A sum of n such words is the sum of the firsts, below 2^31 in magnitude, plus 2^32
// times the sum of the seconds, and so tells both; that a negative first borrows from the second is
// undone on the way back.
//
// No sum of n sites overflows iff 2 n Q + 1 <= 2^64 for the largest limb Q; a value over its bound,
// or one that is not finite, is an error at the site, never a wrap-around.

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "common/result.h"
#include "common/words.h"

namespace consilium {

/// What a masked vector is made of: elements of Z / 2^64.
using RingVector = std::vector<std::uint64_t>;

/// Noise of one site in one number, in steps, stays below this.
inline constexpr double kNoiseReach = 0x1p38;

/// How one kind of number is put into words.
enum class Encoding : std::uint8_t {
  kCount = 1,  ///< A non-negative whole number up to its bound; one word.
  kReal = 2,   ///< A double with |x| <= bound; two words.
  kShort = 3,  ///< The same to some 30 bits less those of the number of sites; half a word.
  kNoisy = 4   ///< The same to the nearest multiple of a step, with room for noise; one word.
};

/// A run of numbers that share meaning, encoding and bound.
struct Slot {
  Encoding encoding = Encoding::kReal;
  std::size_t count = 0;  ///< Numbers, not words.
  double bound = 0;       ///< Largest magnitude one site may contribute to one number; > 0, finite.
  /// kShort: what its rounding is drawn from, with each number and its index. Another for each
  /// round, lest the same number be rounded the same way for ever.
  std::uint64_t dither = 0;
  double step = 0;          ///< kNoisy: a power of two.
  std::uint64_t noise = 0;  ///< kNoisy: variance that a sum's noise has at least, in steps squared.
};

/// The number of 64-bit words these slots take.
std::size_t WordsOf(std::span<const Slot> slots);

/// kInvalidArgument when a slot's bound cannot be kept for this many sites (count bound * n >=
/// 2^63), or kShort is left with fewer than eight bits (n > 2^23), or a sum of kNoisy numbers and
/// their noise could reach 2^62 steps.
Status CheckCapacity(std::span<const Slot> slots, std::uint32_t sites);

/// One site's numbers, in slot order, as ring words. `sites` is the number that may be in the sum.
/// kDataQuality for a number that is not finite, is over its bound, or is no whole count; the
/// message gives the slot and index, never the value.
Result<RingVector> EncodeFixedPoint(std::span<const double> values,
                                    std::span<const Slot> slots,
                                    std::uint32_t sites);

/// Adds what EncodeFixedPoint gives to `sum`, which has as many words, without memory of its own:
/// for sums over very many sites. CheckCapacity has to be asked before; after an error `sum` means
/// nothing.
Status AddFixedPoint(std::span<const double> values,
                     std::span<const Slot> slots,
                     std::uint32_t sites,
                     std::span<std::uint64_t> sum);

/// The inverse on a sum of at most `sites` encodings. Correctly rounded: the exact rational value
/// of the summed limbs is converted to double once. kCorrupt when the length or a sum is impossible
/// (a count sum negative or over sites * bound, another over sites * (bound + one step + noise)).
Result<std::vector<double>> DecodeFixedPoint(std::span<const std::uint64_t> sum,
                                             std::span<const Slot> slots,
                                             std::uint32_t sites);

}  // namespace consilium
