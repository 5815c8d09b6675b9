#include "common/result.h"

#include <algorithm>

namespace consilium {
namespace {

/// With a capital letter, unless it begins with what people type: "csv = ...", "consilium-sim ...".
std::string AsSentence(std::string text) {
  const std::size_t end =
      std::min(text.find_first_not_of("abcdefghijklmnopqrstuvwxyz"), text.size());
  const std::string_view rest = std::string_view(text).substr(end);
  const bool is_word = rest.empty() || rest.front() == ' ' || rest.front() == ',';
  if (end > 0 && is_word && !rest.starts_with(" =")) {
    text.front() = static_cast<char>(text.front() - 'a' + 'A');
  }
  return text;
}

}  // namespace

std::string Describe(const Error& error) {
  if (error.remedy.empty()) return error.message;
  const bool ends = error.message.ends_with('.');
  return error.message + (ends ? " " : ". ") + AsSentence(error.remedy);
}

}  // namespace consilium
