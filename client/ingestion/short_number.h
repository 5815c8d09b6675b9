#pragma once

// Most numbers of a table: a sign, up to 15 digits, at most one decimal mark. Their digits and the
// power of ten are exact in a double, so that the quotient of the two is the nearest double to what
// is written (Clinger 1990, "How to read floating point numbers accurately"). NaN stands for every
// other text, number or not: somebody has to look at it more closely.

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string_view>

namespace consilium {

inline constexpr double kNoShortNumber = std::numeric_limits<double>::quiet_NaN();
inline constexpr std::array<double, 16> kPowersOfTen = {
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};

/// One character after the other; without a sign, of any length.
inline double ShortNumberByDigits(std::string_view text, char decimal) {
  if (text.empty() || text.size() > 16) return kNoShortNumber;
  std::uint64_t digits = 0;
  std::size_t count = 0;
  std::size_t mark = text.size();
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c >= '0' && c <= '9') {
      digits = 10 * digits + static_cast<std::uint64_t>(c - '0');
      ++count;
    } else if (c == decimal && mark == text.size()) {
      mark = i;
    } else {
      return kNoShortNumber;
    }
  }
  if (count == 0 || count > 15) return kNoShortNumber;
  const std::size_t fraction = mark == text.size() ? 0 : text.size() - mark - 1;
  return static_cast<double>(digits) / kPowersOfTen[fraction];
}

/// One to eight characters as the last ones of a word, zeros before them; the first character is in
/// the lowest byte. No loop and no branch depends on the characters: a table's numbers have now
/// four, now six, and a processor that guesses wrong waits longer than all of this takes.
inline std::uint64_t LastOfEight(std::string_view text) {
  constexpr std::uint64_t kZeros = 0x3030303030303030U;
  const std::size_t size = text.size();
  const std::size_t empty_bits = 8 * (8 - size);
  std::uint64_t word = 0;
  if (size >= 4) {
    std::uint32_t first = 0;
    std::uint32_t last = 0;
    std::memcpy(&first, text.data(), sizeof first);
    std::memcpy(&last, text.data() + size - sizeof last, sizeof last);
    word = (static_cast<std::uint64_t>(last) << 32U) |
           (static_cast<std::uint64_t>(first) << empty_bits);
  } else {
    const auto at = [&](std::size_t i) {
      const auto byte = static_cast<unsigned char>(text[i]);
      return static_cast<std::uint64_t>(byte) << (empty_bits + 8 * i);
    };
    word = at(0) | at(size / 2) | at(size - 1);
  }
  return word | (kZeros & ~(~std::uint64_t{0} << empty_bits));
}

/// The same as ShortNumberByDigits() of one to eight characters, all at once on a little-endian
/// machine: digits are checked, and added up in pairs, fours and eights, side by side in one word
/// (Lemire 2021, "Number parsing at a gigabyte per second", section 5).
inline double ShortNumberOfEight(std::string_view text, char decimal) {
  constexpr std::uint64_t kEach = 0x0101010101010101U;
  constexpr std::uint64_t kHighNibbles = 0xF0F0F0F0F0F0F0F0U;
  std::uint64_t word = LastOfEight(text);
  // The lowest byte that is the mark becomes 0 and is found by the borrow that it takes.
  const std::uint64_t other = word ^ (kEach * static_cast<unsigned char>(decimal));
  const std::uint64_t found = (other - kEach) & ~other & (kEach << 7U);
  std::size_t fraction = 0;
  if (found != 0) {
    if (text.size() == 1) return kNoShortNumber;
    const auto at = static_cast<std::size_t>(std::countr_zero(found)) / 8;
    const std::uint64_t before = (std::uint64_t{1} << (8 * at)) - 1;
    // What is before the mark takes its place.
    word = (word & ~((before << 8U) | 0xFFU)) | ((word & before) << 8U) | '0';
    fraction = 7 - at;
  }
  const bool digits_only = (word & kHighNibbles) == 0x3030303030303030U &&
                           ((word + 0x0606060606060606U) & kHighNibbles) == 0x3030303030303030U;
  if (!digits_only) return kNoShortNumber;
  word -= 0x3030303030303030U;
  word = 10 * word + (word >> 8U);
  constexpr std::uint64_t kPairs = 0x000000FF000000FFU;
  const std::uint64_t digits = ((word & kPairs) * (100 + (std::uint64_t{1'000'000} << 32U)) +
                                ((word >> 16U) & kPairs) * (1 + (std::uint64_t{10'000} << 32U))) >>
                               32U;
  return static_cast<double>(digits) / kPowersOfTen[fraction];
}

/// The number; NaN if the text is not as said above.
inline double ShortNumber(std::string_view text, char decimal) {
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  const bool at_once = std::endian::native == std::endian::little && text.size() - 1 < 8;
  const double value =
      at_once ? ShortNumberOfEight(text, decimal) : ShortNumberByDigits(text, decimal);
  return negative ? -value : value;
}

}  // namespace consilium
