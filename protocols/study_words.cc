#include "protocols/study_words.h"

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

}  // namespace consilium
