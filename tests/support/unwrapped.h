#pragma once

#include <string>
#include <string_view>

namespace consilium::testing {

/// The text with one blank for each run of blanks and line ends: what a page says, however wide.
inline std::string Unwrapped(std::string_view text) {
  std::string words;
  for (const char c : text) {
    const bool blank = c == ' ' || c == '\n';
    if (!blank) words += c;
    if (blank && (words.empty() || words.back() != ' ')) words += ' ';
  }
  return words;
}

}  // namespace consilium::testing
