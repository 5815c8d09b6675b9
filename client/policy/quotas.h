#pragma once

// How much a site answers in a day and a month, over all studies, and how often in one. Counted
// from the ledger, which is durable before an answer leaves: there is no second count to differ.

#include <cstdint>
#include <string_view>
#include <vector>

#include "common/ids.h"
#include "common/result.h"
#include "common/settings.h"
#include "common/storage.h"
#include "common/time.h"

namespace consilium {

/// The most that may be answered. A day is the 24 hours before, a month the 30 days before: no
/// midnight lets twice as much through.
struct Quotas {
  std::uint32_t answers_a_day = 0;
  std::uint32_t answers_a_month = 0;
  std::uint32_t studies_a_month = 0;  ///< Different ones.
};

/// The keys `maximum_answers_a_day`, `maximum_answers_a_month` and `maximum_studies_a_month` of a
/// policy in place of `quotas`, where it has them.
Status ParseQuotas(const Settings& settings, Quotas& quotas);

/// What a site has answered already.
struct AnswersSoFar {
  std::uint64_t a_day = 0;
  std::uint64_t a_month = 0;
  std::uint64_t other_studies_a_month = 0;  ///< Without the one that asks.
};

class AnswerHistory {
 public:
  /// From the stored ledger, whose links and signatures were verified. kCorrupt for a record of an
  /// answer that names no study.
  Status Restore(const RecordStore& store, std::string_view ledger_table);

  /// An attempt that came to nothing counts as well: what was sent was sent.
  void Add(const StudyId& study, UtcSeconds at) { answers_.push_back({study, at}); }

  /// What counts when `study` asks. Records from after `now` count: a clock that was set back gives
  /// no quota back.
  AnswersSoFar Before(UtcSeconds now, const StudyId& study) const;
  /// All that the study was ever given.
  std::uint64_t AnswersTo(const StudyId& study) const;

 private:
  struct Answer {
    StudyId study;
    UtcSeconds at;
  };
  std::vector<Answer> answers_;
};

}  // namespace consilium
