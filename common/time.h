#pragma once

// Points in time as values. There is no way to ask here what time it is: whoever owns the clock
// (a runtime, a simulator) passes a Moment in.

#include <chrono>
#include <cstdint>
#include <string>

#include "common/result.h"

namespace consilium {

using Duration = std::chrono::milliseconds;

/// Milliseconds of a clock that only goes forward; its zero means nothing.
struct Instant {
  std::int64_t milliseconds = 0;
  constexpr auto operator<=>(const Instant&) const = default;
};
constexpr Instant operator+(Instant instant, Duration duration) {
  return Instant{instant.milliseconds + duration.count()};
}
constexpr Duration operator-(Instant later, Instant earlier) {
  return Duration(later.milliseconds - earlier.milliseconds);
}

/// Seconds since 1970-01-01T00:00:00Z. For records and expiry dates, never for deadlines.
struct UtcSeconds {
  std::int64_t seconds = 0;
  constexpr auto operator<=>(const UtcSeconds&) const = default;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(seconds);
  }
};

/// What the clocks say when something happens.
struct Moment {
  Instant monotonic;
  UtcSeconds utc;
};

/// A calendar day without a time zone.
struct Date {
  int year = 0;
  unsigned month = 0;
  unsigned day = 0;
  constexpr auto operator<=>(const Date&) const = default;
};

Date DateOf(UtcSeconds utc);
/// Days since 1970-01-01, negative before.
std::int64_t DaysSinceEpoch(const Date& date);
std::string ToText(const Date& date);                   ///< "2027-06-30"
std::string ToText(UtcSeconds utc);                     ///< "2027-06-30T12:00:00Z"
Result<Date> ParseDate(std::string_view text);          ///< "2027-06-30"; refuses 2027-02-30.
Result<Duration> ParseDuration(std::string_view text);  ///< "500ms", "60s", "5min", "2h".

}  // namespace consilium
