#include "common/fixed_point.h"

#include <algorithm>
#include <bit>
#include <cfloat>
#include <cmath>
#include <limits>

#include "common/check.h"
#include "common/fixed_point_integers.h"

namespace consilium {
namespace {

__extension__ typedef __int128 Int128;
__extension__ typedef unsigned __int128 Uint128;

constexpr int kMantissaBits = std::numeric_limits<double>::digits;           // 53
constexpr int kMinExponent = std::numeric_limits<double>::min_exponent - 1;  // -1022

/// 2^exponent for multiplying: exact, but for results among the subnormal numbers.
class PowerOfTwo {
 public:
  explicit PowerOfTwo(int exponent) : exponent_(exponent) {
    if (exponent < kMinExponent || exponent > -kMinExponent) return;
    // By its bits, without a call: this is asked for each slot of each site.
    factor_ = std::bit_cast<double>(static_cast<std::uint64_t>(exponent - kMinExponent + 1)
                                    << (kMantissaBits - 1));
  }
  /// As std::ldexp, without its call wherever the factor is a number of its own.
  double Times(double x) const { return factor_ != 0 ? x * factor_ : std::ldexp(x, exponent_); }

 private:
  int exponent_;
  double factor_ = 0;
};

/// Of a kShort number, to be worth anything.
constexpr int kFewestShortBits = 8;

/// How the numbers of a kReal slot become two words.
struct RealScale {
  int high_exponent;  ///< a of the header: high = round(x 2^a).
  int low_bits;       ///< k of the header: low counts units of 2^-(a+k).

  int fraction_bits() const { return high_exponent + low_bits; }
};

/// q of the largest power of two, Q = 2^q, for which 2 n Q + 1 <= the size of the ring; below zero
/// where there is none.
template <class Word>
int LargestPower(std::uint32_t sites) {
  return static_cast<int>(std::bit_width(std::numeric_limits<Word>::max() / Word{2} / sites)) - 1;
}

/// e with bound < 2^e.
int ExponentOf(double bound) {
  int e = 0;
  std::frexp(bound, &e);
  return e;
}

/// a = q - e makes |high| <= Q, and k = q + 1 makes |low| <= Q.
RealScale ScaleOf(const Slot& slot, std::uint32_t sites) {
  const int q = LargestPower<std::uint64_t>(sites);
  return RealScale{q - ExponentOf(slot.bound), q + 1};
}

/// a of a kShort slot: |x 2^a| <= bound 2^a <= Q.
int ShortExponent(const Slot& slot, std::uint32_t sites) {
  return LargestPower<std::uint32_t>(sites) - ExponentOf(slot.bound);
}

/// Uniform in [0, 1) for a number at an index: SplitMix64's finaliser (Steele, Lea and Flood 2014)
/// of both and the slot's dither. A site's numbers are unlike another's, and so are their errors.
double DitherOf(double x, std::uint64_t dither, std::uint64_t index) {
  std::uint64_t mixed = dither + index * 0x9e3779b97f4a7c15;
  for (const std::uint64_t input : {std::bit_cast<std::uint64_t>(x), std::uint64_t{0}}) {
    mixed ^= input;
    mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9;
    mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111eb;
    mixed ^= mixed >> 31;
  }
  return static_cast<double>(mixed >> 11) * 0x1p-53;
}

std::string Place(std::size_t slot, std::size_t index) {
  return "slot " + std::to_string(slot) + ", number " + std::to_string(index);
}

/// x with ties to even, whatever the sign: the default rounding of nearbyint, without its call for
/// all numbers that leave no bit for fractions once `shift` was added.
double Rounded(double x) {
  constexpr double shift = 0x1.8p52;
  return std::abs(x) < 0x1p51 ? (x + shift) - shift : std::nearbyint(x);
}

int BitWidth(Uint128 number) {
  const auto upper = static_cast<std::uint64_t>(number >> 64);
  return static_cast<int>(upper != 0 ? 64 + std::bit_width(upper)
                                     : std::bit_width(static_cast<std::uint64_t>(number)));
}

Uint128 Magnitude(Int128 number) {
  return number < 0 ? -static_cast<Uint128>(number) : static_cast<Uint128>(number);
}

/// number * 2^-fraction_bits, rounded once to the nearest double, ties to even; also into the
/// subnormal range.
double ToDouble(Int128 number, int fraction_bits) {
  Uint128 magnitude = Magnitude(number);
  if (magnitude == 0) return 0.0;
  const int width = BitWidth(magnitude);
  // The weight of the last bit that the result can have, as a power of two.
  const int exponent = width - 1 - fraction_bits;
  const int last = std::max(exponent, kMinExponent) - (kMantissaBits - 1);
  int shift = last + fraction_bits;
  if (shift > width) return number < 0 ? -0.0 : 0.0;
  if (shift > 0) {
    const Uint128 one = 1;
    const Uint128 rest = magnitude & ((one << shift) - 1);
    const Uint128 half = one << (shift - 1);
    magnitude >>= shift;
    if (rest > half || (rest == half && (magnitude & 1) != 0)) magnitude += 1;
  } else {
    shift = 0;
  }
  const double whole = static_cast<double>(static_cast<std::uint64_t>(magnitude));
  const double value = std::ldexp(whole, shift - fraction_bits);
  return number < 0 ? -value : value;
}

/// n (bound + one step) in units of 2^-fraction_bits: exact, since bound has 53 bits and the units
/// lie at least 63 bits below it.
Uint128 LargestSum(const Slot& slot, const RealScale& scale, std::uint32_t sites) {
  int e = 0;
  const double mantissa = std::ldexp(std::frexp(slot.bound, &e), kMantissaBits);
  const int shift = e - kMantissaBits + scale.fraction_bits();
  return ((static_cast<Uint128>(mantissa) << shift) + 1) * sites;
}

/// In steps: of bounds, roundings and noise.
double LargestNoisySum(const Slot& slot, std::uint32_t sites) {
  return (slot.bound / slot.step + 1 + kNoiseReach) * sites;
}

Status CheckSlot(const Slot& slot, std::size_t index, std::uint32_t sites) {
  const std::string where = "slot " + std::to_string(index);
  if (slot.encoding < Encoding::kCount || slot.encoding > Encoding::kNoisy) {
    return Fail(ErrorCode::kInvalidArgument, where + " has an unknown encoding");
  }
  if (!std::isfinite(slot.bound) || slot.bound <= 0) {
    return Fail(ErrorCode::kInvalidArgument,
                where + " has a bound that is not finite and positive");
  }
  const double largest = slot.bound * sites;
  const bool fits = slot.encoding == Encoding::kCount ? largest < 0x1p63 : largest <= DBL_MAX / 2;
  if (slot.encoding == Encoding::kNoisy) {
    int exponent = 0;
    const bool is_power = std::isfinite(slot.step) && std::frexp(slot.step, &exponent) == 0.5;
    if (!is_power) return Fail(ErrorCode::kInvalidArgument, where + " has no power of two as step");
    if (!(LargestNoisySum(slot, sites) < 0x1p62)) {
      return Fail(ErrorCode::kInvalidArgument, where + " has too fine a step for its bound");
    }
  }
  const bool has_bits =
      slot.encoding != Encoding::kShort || LargestPower<std::uint32_t>(sites) >= kFewestShortBits;
  if (!fits || !has_bits) {
    return Fail(ErrorCode::kInvalidArgument,
                where + " cannot hold the sum of " + std::to_string(sites) + " sites",
                "Lower the bound of this quantity.");
  }
  return {};
}

Status AddCount(
    double x, const Slot& slot, std::size_t slot_index, std::size_t i, std::uint64_t& sum) {
  if (!std::isfinite(x)) {
    return Fail(ErrorCode::kDataQuality, Place(slot_index, i) + " is not finite");
  }
  if (!(x >= 0) || x != std::trunc(x)) {
    return Fail(ErrorCode::kDataQuality, Place(slot_index, i) + " is no whole count");
  }
  if (x > slot.bound) {
    return Fail(ErrorCode::kDataQuality, Place(slot_index, i) + " is over its bound");
  }
  sum += static_cast<std::uint64_t>(x);
  return {};
}

/// Of a number that is not within its bound.
Status Unfit(double x, std::size_t slot_index, std::size_t i) {
  return Fail(ErrorCode::kDataQuality,
              Place(slot_index, i) + (std::isfinite(x) ? " is over its bound" : " is not finite"));
}

Status Impossible(std::size_t slot_index, std::size_t i) {
  return Fail(ErrorCode::kCorrupt,
              Place(slot_index, i) + " has a sum that no contributions can give");
}

Status AddReals(std::span<const double> numbers,
                const Slot& slot,
                std::size_t slot_index,
                std::uint32_t sites,
                std::uint64_t* sum) {
  const RealScale scale = ScaleOf(slot, sites);
  const PowerOfTwo to_high(scale.high_exponent);
  const PowerOfTwo to_low(scale.low_bits);
  const PowerOfTwo to_both(scale.fraction_bits());
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    const double x = numbers[i];
    if (!(std::abs(x) <= slot.bound)) return Unfit(x, slot_index, i);
    const double scaled = to_high.Times(x);
    const double high = Rounded(scaled);
    // Scaling is exact but for numbers so small that `high` is zero; those start from x itself.
    const double low = Rounded(high == 0 ? to_both.Times(x) : to_low.Times(scaled - high));
    *sum++ += static_cast<std::uint64_t>(static_cast<std::int64_t>(high));
    *sum++ += static_cast<std::uint64_t>(static_cast<std::int64_t>(low));
  }
  return {};
}

Status AddShorts(std::span<const double> numbers,
                 const Slot& slot,
                 std::size_t slot_index,
                 std::uint32_t sites,
                 std::span<std::uint64_t> sum) {
  const PowerOfTwo scale(ShortExponent(slot, sites));
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    const double x = numbers[i];
    if (!(std::abs(x) <= slot.bound)) return Unfit(x, slot_index, i);
    const double dithered = scale.Times(x) + DitherOf(x, slot.dither, i);
    auto whole = static_cast<std::int64_t>(dithered);
    if (static_cast<double>(whole) > dithered) --whole;  // As std::floor, without its call.
    const auto number = static_cast<std::uint64_t>(whole);
    sum[i / 2] += i % 2 == 0 ? number : number << 32;
  }
  return {};
}

Status AddMultiples(std::span<const double> numbers,
                    const Slot& slot,
                    std::size_t slot_index,
                    std::span<std::uint64_t> sum) {
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    const double x = numbers[i];
    if (!(std::abs(x) <= slot.bound)) return Unfit(x, slot_index, i);
    sum[i] += static_cast<std::uint64_t>(static_cast<std::int64_t>(Rounded(x / slot.step)));
  }
  return {};
}

Status DecodeMultiples(std::span<const std::uint64_t> words,
                       const Slot& slot,
                       std::size_t slot_index,
                       std::uint32_t sites,
                       std::vector<double>& numbers) {
  const double largest = LargestNoisySum(slot, sites);
  for (std::size_t i = 0; i < words.size(); ++i) {
    const auto sum = static_cast<double>(static_cast<std::int64_t>(words[i]));
    if (std::abs(sum) > largest) return Impossible(slot_index, i);
    numbers.push_back(sum * slot.step);
  }
  return {};
}

/// Of a kShort word its first or second number.
std::int32_t HalfOf(std::uint64_t word, std::size_t which) {
  const auto first = static_cast<std::int32_t>(static_cast<std::uint32_t>(word));
  if (which == 0) return first;
  return static_cast<std::int32_t>((word - static_cast<std::uint64_t>(std::int64_t{first})) >> 32);
}

Status DecodeShorts(std::span<const std::uint64_t> words,
                    const Slot& slot,
                    std::size_t slot_index,
                    std::uint32_t sites,
                    std::vector<double>& numbers) {
  const int exponent = ShortExponent(slot, sites);
  const double largest = (std::ldexp(slot.bound, exponent) + 1) * sites;
  for (std::size_t i = 0; i < 2 * words.size(); ++i) {
    const double sum = HalfOf(words[i / 2], i % 2);
    if (std::abs(sum) > (i < slot.count ? largest : 0)) return Impossible(slot_index, i);
    if (i < slot.count) numbers.push_back(std::ldexp(sum, -exponent));
  }
  return {};
}

Status DecodeSlot(std::span<const std::uint64_t> words,
                  const Slot& slot,
                  std::size_t slot_index,
                  std::uint32_t sites,
                  std::vector<double>& numbers) {
  const RealScale scale = ScaleOf(slot, sites);
  const bool is_count = slot.encoding == Encoding::kCount;
  const Uint128 largest =
      is_count ? static_cast<Uint128>(slot.bound) * sites : LargestSum(slot, scale, sites);
  for (std::size_t i = 0; i < slot.count; ++i) {
    Int128 sum = 0;
    if (is_count) {
      sum = static_cast<std::int64_t>(words[i]);
    } else {
      const Int128 unit = Int128{1} << scale.low_bits;
      sum = static_cast<std::int64_t>(words[2 * i]) * unit +
            static_cast<std::int64_t>(words[2 * i + 1]);
    }
    if (Magnitude(sum) > largest || (is_count && sum < 0)) return Impossible(slot_index, i);
    numbers.push_back(ToDouble(sum, is_count ? 0 : scale.fraction_bits()));
  }
  return {};
}

std::size_t WordsOf(const Slot& slot) {
  switch (slot.encoding) {
    case Encoding::kCount:
    case Encoding::kNoisy:
      return slot.count;
    case Encoding::kReal:
      return 2 * slot.count;
    case Encoding::kShort:
      return (slot.count + 1) / 2;
  }
  return 0;
}

std::size_t NumbersOf(std::span<const Slot> slots) {
  std::size_t numbers = 0;
  for (const Slot& slot : slots) numbers += slot.count;
  return numbers;
}

}  // namespace

std::size_t WordsOf(std::span<const Slot> slots) {
  std::size_t words = 0;
  for (const Slot& slot : slots) words += WordsOf(slot);
  return words;
}

Status CheckCapacity(std::span<const Slot> slots, std::uint32_t sites) {
  if (sites == 0) return Fail(ErrorCode::kInvalidArgument, "a sum of no sites has no encoding");
  for (std::size_t i = 0; i < slots.size(); ++i) TRY_STATUS(CheckSlot(slots[i], i, sites));
  return {};
}

Status AddFixedPoint(std::span<const double> values,
                     std::span<const Slot> slots,
                     std::uint32_t sites,
                     std::span<std::uint64_t> sum) {
  CHECK(sum.size() == WordsOf(slots));
  if (values.size() != NumbersOf(slots)) {
    return Fail(ErrorCode::kInvalidArgument, std::to_string(values.size()) +
                                                 " numbers for slots that hold " +
                                                 std::to_string(NumbersOf(slots)));
  }
  for (std::size_t i = 0; i < slots.size(); ++i) {
    const std::span<const double> numbers = values.first(slots[i].count);
    switch (slots[i].encoding) {
      case Encoding::kCount:
        for (std::size_t j = 0; j < numbers.size(); ++j) {
          TRY_STATUS(AddCount(numbers[j], slots[i], i, j, sum[j]));
        }
        break;
      case Encoding::kReal:
        TRY_STATUS(AddReals(numbers, slots[i], i, sites, sum.data()));
        break;
      case Encoding::kShort:
        TRY_STATUS(AddShorts(numbers, slots[i], i, sites, sum));
        break;
      case Encoding::kNoisy:
        TRY_STATUS(AddMultiples(numbers, slots[i], i, sum));
        break;
    }
    values = values.subspan(slots[i].count);
    sum = sum.subspan(WordsOf(slots[i]));
  }
  return {};
}

Result<RingVector> EncodeFixedPoint(std::span<const double> values,
                                    std::span<const Slot> slots,
                                    std::uint32_t sites) {
  TRY_STATUS(CheckCapacity(slots, sites));
  RingVector words(WordsOf(slots), 0);
  TRY_STATUS(AddFixedPoint(values, slots, sites, words));
  return words;
}

Result<std::vector<double>> DecodeFixedPoint(std::span<const std::uint64_t> sum,
                                             std::span<const Slot> slots,
                                             std::uint32_t sites) {
  TRY_STATUS(CheckCapacity(slots, sites));
  if (sum.size() != WordsOf(slots)) {
    return Fail(ErrorCode::kCorrupt, "a sum of " + std::to_string(sum.size()) +
                                         " words for slots of " + std::to_string(WordsOf(slots)));
  }
  std::vector<double> numbers;
  numbers.reserve(NumbersOf(slots));
  for (std::size_t i = 0; i < slots.size(); ++i) {
    const auto decode = slots[i].encoding == Encoding::kShort   ? DecodeShorts
                        : slots[i].encoding == Encoding::kNoisy ? DecodeMultiples
                                                                : DecodeSlot;
    TRY_STATUS(decode(sum.first(WordsOf(slots[i])), slots[i], i, sites, numbers));
    sum = sum.subspan(WordsOf(slots[i]));
  }
  return numbers;
}

double UnitsPerOne(const Slot& slot, std::uint32_t sites) {
  CHECK(slot.encoding == Encoding::kReal || slot.encoding == Encoding::kShort);
  const bool is_short = slot.encoding == Encoding::kShort;
  return std::ldexp(1.0,
                    is_short ? ShortExponent(slot, sites) : ScaleOf(slot, sites).high_exponent);
}

void IntegersOf(std::span<const std::uint64_t> words,
                const Slot& slot,
                std::size_t first,
                std::span<std::int64_t> integers) {
  CHECK(slot.encoding == Encoding::kReal || slot.encoding == Encoding::kShort);
  CHECK(words.size() == WordsOf(slot) && first + integers.size() <= slot.count);
  const bool is_short = slot.encoding == Encoding::kShort;
  for (std::size_t i = 0; i < integers.size(); ++i) {
    const std::size_t at = first + i;
    integers[i] =
        is_short ? HalfOf(words[at / 2], at % 2) : static_cast<std::int64_t>(words[2 * at]);
  }
}

}  // namespace consilium
