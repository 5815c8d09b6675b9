#pragma once

// Code points of UTF-8 text that somebody else has written, and which of them must not be shown as
// they are.

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace consilium {

struct CodePoint {
  std::size_t bytes = 0;     ///< Of its UTF-8 form; 0 where the text does not begin with one.
  std::uint32_t number = 0;  ///< "U+0041" is 0x41.
};

/// Of a text that is not empty. Overlong forms, surrogates and numbers above U+10FFFF are none.
CodePoint FirstCodePoint(std::string_view text);

/// Whether a terminal, viewer or browser acts upon it instead of showing it: C0 and C1 controls
/// (line ends among them), line and paragraph separators, marks, overrides and isolates of
/// direction, the byte-order mark.
bool IsControl(std::uint32_t code_point);

/// Whether a text is UTF-8 without such a code point.
bool IsPlain(std::string_view text);

}  // namespace consilium
