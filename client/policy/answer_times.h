#pragma once

// When a site answers: hours of the day and days of the week, in a time zone that the policy states
// as a fixed offset, so that no machine's setting and no summer time changes what was decided.

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "common/result.h"
#include "common/settings.h"
#include "common/time.h"

namespace consilium {

/// Minutes after midnight, from the first up to but without the last. Over midnight where the last
/// is not later: the window then belongs to the day that it begins on.
struct AnswerHours {
  std::uint16_t first = 0;
  std::uint16_t last = 0;
  bool operator==(const AnswerHours&) const = default;
};

/// By default always.
struct AnswerTimes {
  std::vector<AnswerHours> hours;                                         ///< None: the whole day.
  std::array<bool, 7> days = {true, true, true, true, true, true, true};  ///< Monday first.
  std::int32_t offset_minutes = 0;                                        ///< Local time less UTC.

  bool Contain(UtcSeconds at) const;
  /// "22:00-06:00 on mon, tue, wed (+01:00)"
  std::string InWords() const;
};

/// The keys `answer_hours`, `answer_days` and `time_zone` of a policy, where it has them. An empty
/// list is refused: it could mean always as well as never.
Result<AnswerTimes> ParseAnswerTimes(const Settings& settings);

/// "Mon 2026-06-01 23:10 (+01:00)": a moment as the policy's people read their clock.
std::string LocalText(const AnswerTimes& times, UtcSeconds at);

}  // namespace consilium
