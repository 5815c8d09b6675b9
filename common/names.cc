#include "common/names.h"

#include <algorithm>

namespace consilium {
namespace {

std::string Folded(std::string_view text) {
  std::string folded;
  for (const char c : LowerCase(text)) {
    if (c != '_' && c != '-' && c != '.' && c != ' ') folded.push_back(c);
  }
  return folded;
}

std::size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> previous(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) previous[j] = j;
  std::vector<std::size_t> current(b.size() + 1);
  for (std::size_t i = 1; i <= a.size(); ++i) {
    current[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t substituted = previous[j - 1] + (a[i - 1] == b[j - 1] ? 0U : 1U);
      current[j] = std::min({previous[j] + 1, current[j - 1] + 1, substituted});
    }
    std::swap(previous, current);
  }
  return previous[b.size()];
}

}  // namespace

std::string LowerCase(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

std::string NearestName(std::string_view wanted, const std::vector<std::string>& names) {
  constexpr std::size_t kLongestCompared = 100;
  const std::string target = Folded(wanted.substr(0, kLongestCompared));
  std::string best;
  // Two letters that changed places count as two.
  std::size_t best_distance = std::max<std::size_t>(2, target.size() / 3) + 1;
  for (const std::string& name : names) {
    const std::string candidate = Folded(std::string_view(name).substr(0, kLongestCompared));
    const std::size_t distance = EditDistance(target, candidate);
    if (distance < best_distance && distance < target.size()) {
      best_distance = distance;
      best = name;
    }
  }
  return best;
}

std::string JoinNames(const std::vector<std::string>& names,
                      std::size_t at_most,
                      std::string_view last) {
  std::string joined;
  const std::size_t shown = names.size() <= at_most ? names.size() : at_most;
  for (std::size_t i = 0; i < shown; ++i) {
    if (i > 0) joined += i + 1 == names.size() ? " " + std::string(last) + " " : ", ";
    joined += names[i];
  }
  if (shown < names.size()) joined += " and " + std::to_string(names.size() - shown) + " more";
  return joined;
}

}  // namespace consilium
