#pragma once

// The durable forms of a site's state, one struct a table.

#include <optional>
#include <string>
#include <vector>

#include "client/policy/approvers.h"
#include "common/ids.h"
#include "common/time.h"
#include "common/wire.h"
#include "protocols/messages.h"

namespace consilium {

inline constexpr std::size_t kMaxStateBytes = 64 * 1024 * 1024;

/// Table "study", key: the StudyId. What must survive a crash so that no secret is used twice.
struct SiteStudyRecord {
  std::string plan_text;
  UtcSeconds offered_at;
  std::optional<Decision> decision;         ///< Ours; none while nobody has decided.
  StudyState state = StudyState::kOffered;  ///< As the coordinator last said.
  std::string reason;
  RoundNumber last_round;  ///< Newest start that was taken part in.
  AttemptNumber last_attempt;
  std::vector<SiteId> frozen;   ///< on_loss = "wait": the sites of the first round.
  RoundNumber confirmed_round;  ///< Newest session whose survivors were confirmed.
  AttemptNumber confirmed_attempt;
  Digest confirmed_transcript;
  RoundNumber released_round;    ///< Newest round that shares were released for,
  std::vector<SiteId> released;  ///< and the survivors it was opened for.

  template <class Archive>
  void serialize(Archive& archive) {
    archive(AtMost<204'800>(plan_text), offered_at, decision,
            EnumBetween<StudyState::kOffered, StudyState::kStopped>(state), AtMost<2'000>(reason),
            last_round, last_attempt, AtMost<kMaxSites>(frozen), confirmed_round, confirmed_attempt,
            confirmed_transcript, released_round, AtMost<kMaxSites>(released));
  }
};

/// Table "approval", key: the StudyId. How the study is approved beyond the bare decision; there is
/// none of a study that was approved before there were signatures.
struct ApprovalRecord {
  std::optional<std::int64_t> last_day;       ///< Days since 1970-01-01; none: the plan's.
  std::vector<ApprovalSignature> signatures;  ///< Under the approval that holds now.
  std::vector<ApprovalSignature> pending;     ///< Under the next one, until there are enough.

  template <class Archive>
  void serialize(Archive& archive) {
    archive(last_day, AtMost<kMaxSignatures>(signatures), AtMost<kMaxSignatures>(pending));
  }
};

/// Table "sum", key: the StudyId and the round. A sum made known, whole.
struct KnownSum {
  std::vector<SiteId> survivors;
  std::uint32_t capacity = 0;
  std::vector<std::uint64_t> sum;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(AtMost<kMaxSites>(survivors), capacity, AtMost<kMaxVectorWords>(sum));
  }
};

/// Table "state", key: the StudyId. What an analysis keeps at this site from round to round. An
/// answer's next state is durable before the answer leaves, and becomes the state only when that
/// very attempt is closed with this site among the survivors.
struct SiteStateRecord {
  Bytes state;
  RoundNumber candidate_round;  ///< 0 while there is no candidate.
  AttemptNumber candidate_attempt;
  Bytes candidate;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(AtMost<kMaxStateBytes>(state), candidate_round, candidate_attempt,
            AtMost<kMaxStateBytes>(candidate));
  }
};

/// Table "privacy", key: "spent". What all answers with noise tell of a patient together.
struct PrivacyRecord {
  double rho = 0;  ///< Of zero-concentrated differential privacy: it adds up over answers.

  template <class Archive>
  void serialize(Archive& archive) {
    archive(rho);
  }
};

/// Table "excluded", key: the patient's code. Since when the patient takes no part in any answer.
struct ExcludedRecord {
  UtcSeconds at;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(at);
  }
};

/// Table "sketched", key: the question's digest. How often an answer to it was sketched: each time
/// tells more of it.
struct SketchedRecord {
  StudyId study;
  RoundNumber round;
  std::uint32_t times = 0;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(study, round, times);
  }
};

/// Table "answered", key: the question's digest. Whom the answer was summed with.
struct AnsweredRecord {
  StudyId study;
  RoundNumber round;
  std::vector<SiteId> survivors;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(study, round, AtMost<kMaxSites>(survivors));
  }
};

}  // namespace consilium
