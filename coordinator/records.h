#pragma once

// The durable forms of the coordinator's state, one struct a table.

#include <string>
#include <vector>

#include "common/ids.h"
#include "common/time.h"
#include "common/wire.h"
#include "protocols/messages.h"
#include "protocols/roster.h"

namespace consilium {

/// Table "invitation", key: the site's name.
struct InvitationRecord {
  std::string site_name;
  Digest token_hash;
  UtcSeconds invited_at;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(AtMost<64>(site_name), token_hash, invited_at);
  }
};

/// Table "superseded", key: the site's number. The key that a site connected with before
/// its newest; it lets the site in until it has connected with that one.
struct SupersededRecord {
  TransportKey transport;
  UtcSeconds since;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(transport, since);
  }
};

struct SiteDecision {
  SiteId site;
  DecisionKind kind = DecisionKind::kDeclined;
  UtcSeconds decided_at;
  Signature signature;  ///< The site's, on its Decision message.

  template <class Archive>
  void serialize(Archive& archive) {
    archive(site, EnumBetween<DecisionKind::kApproved, DecisionKind::kRevoked>(kind), decided_at,
            signature);
  }
};

/// What a study may release; a control answer has room for it, quoted. A regression's covariances
/// take 20 bytes each, so some 700 coefficients fit.
inline constexpr std::size_t kLargestResult = 12'000'000;
inline constexpr std::size_t kLargestTable = 1'000'000;

/// Table "study", key: the StudyId.
struct StudyRecord {
  std::string plan_text;
  StudyState state = StudyState::kOffered;
  std::string reason;  ///< Why it is paused, failed or stopped.
  UtcSeconds submitted_at;
  UtcSeconds started_at;
  UtcSeconds ended_at;
  std::vector<SiteDecision> decisions;
  std::vector<SiteId> sites;     ///< The frozen set, ascending; empty before the start.
  std::vector<SiteId> excluded;  ///< Refused for good during the study (on_loss = "continue").
  AttemptNumber attempt;         ///< The last one begun of the open round.
  std::vector<SiteId> released;  ///< Survivors a quorum of the open round was sent for, if any:
                                 ///< a retry must have exactly these.
  std::string result_json;
  std::string result_table;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(
        AtMost<204'800>(plan_text), EnumBetween<StudyState::kOffered, StudyState::kStopped>(state),
        AtMost<2'000>(reason), submitted_at, started_at, ended_at, AtMost<kMaxMembers>(decisions),
        AtMost<kMaxSites>(sites), AtMost<kMaxSites>(excluded), attempt, AtMost<kMaxSites>(released),
        AtMost<kLargestResult>(result_json), AtMost<kLargestTable>(result_table));
  }
};

/// Table "journal", key: StudyId and round. What makes a crash a pause: Run is fed from here.
struct JournalRecord {
  RoundNumber round;
  AttemptNumber attempt;
  Digest query;  ///< Of the query's bytes: a replay that asks otherwise is stopped.
  std::vector<SiteId> survivors;
  std::uint32_t capacity = 0;
  std::vector<std::uint64_t> sum;
  UtcSeconds closed_at;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(round, attempt, query, AtMost<kMaxSites>(survivors), capacity,
            AtMost<kMaxVectorWords>(sum), closed_at);
  }
};

}  // namespace consilium
