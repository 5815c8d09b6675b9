#pragma once

// Small helpers for names that people write: keys, columns, levels.

#include <string>
#include <string_view>
#include <vector>

namespace consilium {

/// Without spaces and tabs at both ends.
inline std::string_view Trimmed(std::string_view text) {
  const auto is_space = [](char c) { return c == ' ' || c == '\t'; };
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

/// ASCII letters in lower case, everything else as it is.
std::string LowerCase(std::string_view text);

/// The name that `wanted` was most likely meant to be; "" if none is near. Case of letters and the
/// characters "_", "-", "." and space count little.
std::string NearestName(std::string_view wanted, const std::vector<std::string>& names);

/// "a, b and c", or with another word before the last; after `at_most` names "a, b and 12 more".
std::string JoinNames(const std::vector<std::string>& names,
                      std::size_t at_most = 20,
                      std::string_view last = "and");

}  // namespace consilium
