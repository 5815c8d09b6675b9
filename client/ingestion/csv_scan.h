#pragma once

// Finds the bytes of delimited text that mean something, 64 at a time.

#include <bit>
#include <cstddef>
#include <cstdint>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace consilium {

inline constexpr std::size_t kCsvBlock = 64;

struct CsvBlockMarks {
  std::uint64_t marks = 0;  ///< Bit i: byte i is the delimiter, a quote, CR, LF or NUL.
  bool is_ascii = true;     ///< No byte is beyond ASCII.

  bool operator==(const CsvBlockMarks&) const = default;
};

inline CsvBlockMarks CsvMarksPortable(const char* block, char delimiter) {
  CsvBlockMarks result;
  for (std::size_t i = 0; i < kCsvBlock; ++i) {
    const char c = block[i];
    const bool mark = c == delimiter || c == '"' || c == '\n' || c == '\r' || c == '\0';
    result.marks |= static_cast<std::uint64_t>(mark) << i;
    result.is_ascii = result.is_ascii && static_cast<unsigned char>(c) < 0x80;
  }
  return result;
}

#if defined(__SSE2__)
inline CsvBlockMarks CsvMarks(const char* block, char delimiter) {
  const __m128i delimiters = _mm_set1_epi8(delimiter);
  const __m128i quotes = _mm_set1_epi8('"');
  const __m128i line_feeds = _mm_set1_epi8('\n');
  const __m128i carriage_returns = _mm_set1_epi8('\r');
  CsvBlockMarks result;
  __m128i high_bits = _mm_setzero_si128();
  for (std::size_t part = 0; part < 4; ++part) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(block + 16 * part));
    const __m128i text =
        _mm_or_si128(_mm_cmpeq_epi8(bytes, delimiters), _mm_cmpeq_epi8(bytes, quotes));
    const __m128i lines =
        _mm_or_si128(_mm_cmpeq_epi8(bytes, line_feeds), _mm_cmpeq_epi8(bytes, carriage_returns));
    const __m128i nul = _mm_cmpeq_epi8(bytes, _mm_setzero_si128());
    const __m128i found = _mm_or_si128(_mm_or_si128(text, lines), nul);
    const auto bits = static_cast<std::uint32_t>(_mm_movemask_epi8(found));
    result.marks |= static_cast<std::uint64_t>(bits) << (16 * part);
    high_bits = _mm_or_si128(high_bits, bytes);
  }
  result.is_ascii = _mm_movemask_epi8(high_bits) == 0;
  return result;
}
#else
inline CsvBlockMarks CsvMarks(const char* block, char delimiter) {
  return CsvMarksPortable(block, delimiter);
}
#endif

/// Goes from mark to mark. The text must be followed by a NUL, so that there always is a next one,
/// and by kCsvBlock bytes that may be read.
class CsvMarkCursor {
 public:
  CsvMarkCursor() = default;
  CsvMarkCursor(const char* text, char delimiter, std::size_t position)
      : text_(text), delimiter_(delimiter), block_(position) {
    LookAtBlock();
  }

  /// The first mark that was not gone over yet.
  std::size_t Peek() {
    while (marks_ == 0) {
      block_ += kCsvBlock;
      LookAtBlock();
    }
    return block_ + static_cast<std::size_t>(std::countr_zero(marks_));
  }
  /// Goes over the mark that Peek() has found.
  void Pass() { marks_ &= marks_ - 1; }
  /// Both.
  std::size_t Next() {
    const std::size_t mark = Peek();
    Pass();
    return mark;
  }
  /// Whether all is ASCII from where it began to the mark that was found, and some bytes behind it.
  bool is_ascii() const { return is_ascii_; }

 private:
  void LookAtBlock() {
    const CsvBlockMarks found = CsvMarks(text_ + block_, delimiter_);
    marks_ = found.marks;
    is_ascii_ = is_ascii_ && found.is_ascii;
  }

  const char* text_ = nullptr;
  char delimiter_ = ',';
  std::size_t block_ = 0;
  std::uint64_t marks_ = 0;
  bool is_ascii_ = true;
};

}  // namespace consilium
