#pragma once

// What people and JSON call a study, its states and decisions about it.

#include <span>
#include <string_view>
#include <vector>

#include "common/result.h"
#include "protocols/messages.h"

namespace consilium {

std::string_view Name(StudyState state);   ///< "paused"
std::string_view Name(DecisionKind kind);  ///< "declined"

/// The one study whose number begins with these digits, at least four. kNotFound otherwise, with
/// `command` as the one that shows the numbers.
Result<StudyId> StudyWithDigits(std::span<const StudyId> studies,
                                std::string_view digits,
                                std::string_view command);

/// The same among the keys of a map.
template <class StudiesByNumber>
Result<StudyId> StudyWithDigitsIn(const StudiesByNumber& studies,
                                  std::string_view digits,
                                  std::string_view command) {
  std::vector<StudyId> numbers;
  for (const auto& [number, study] : studies) numbers.push_back(number);
  return StudyWithDigits(numbers, digits, command);
}

}  // namespace consilium
