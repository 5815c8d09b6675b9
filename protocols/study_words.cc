#include "protocols/study_words.h"

#include <string>

namespace consilium {

std::string_view Name(StudyState state) {
  switch (state) {
    case StudyState::kOffered:
      return "offered";
    case StudyState::kRunning:
      return "running";
    case StudyState::kPaused:
      return "paused";
    case StudyState::kFinished:
      return "finished";
    case StudyState::kFailed:
      return "failed";
    case StudyState::kStopped:
      return "stopped";
  }
  return "";
}

std::string_view Name(DecisionKind kind) {
  switch (kind) {
    case DecisionKind::kApproved:
      return "approved";
    case DecisionKind::kDeclined:
      return "declined";
    case DecisionKind::kRevoked:
      return "revoked";
  }
  return "";
}

Result<StudyId> StudyWithDigits(std::span<const StudyId> studies,
                                std::string_view digits,
                                std::string_view command) {
  constexpr std::size_t kFewestDigits = 4;
  std::vector<StudyId> found;
  for (const StudyId& study : studies) {
    if (digits.size() >= kFewestDigits && study.ToHex().starts_with(digits)) found.push_back(study);
  }
  if (found.size() == 1) return found.front();
  return Fail(ErrorCode::kNotFound,
              (found.empty() ? "no study's number begins with '"
                             : "more than one study's number begins with '") +
                  std::string(digits) + "'",
              "Give at least " + std::to_string(kFewestDigits) + " digits of the number that `" +
                  std::string(command) + "` shows.");
}

}  // namespace consilium
