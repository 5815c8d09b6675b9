#pragma once

// FHIR's dates, dateTimes and times. They may be as coarse as a year, and two of different
// coarseness are neither equal nor different where the coarser one does not say.

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace consilium {

enum class TemporalKind : std::uint8_t { kDate, kDateTime, kTime };

class Temporal {
 public:
  /// "2020", "2020-05", "2020-05-01".
  static std::optional<Temporal> ParseDate(std::string_view text);
  /// A date, or one with "T10:00:00.000+02:00"; the seconds, their fraction and the zone may lack.
  static std::optional<Temporal> ParseDateTime(std::string_view text);
  /// "10:00:00.000"; seconds and fraction may lack.
  static std::optional<Temporal> ParseTime(std::string_view text);
  static std::optional<Temporal> Parse(TemporalKind kind, std::string_view text);

  TemporalKind kind() const { return kind_; }
  /// True if it says more than a day.
  bool HasTime() const { return precision_ > kDay; }

  /// -1, 0 or 1; empty if it cannot be told: one is coarser, or only one has a zone, or one is a
  /// time of day and the other is not.
  std::optional<int> Compare(const Temporal& other) const;

  /// The first and the last moment that the text can mean, as text of its kind. A dateTime without
  /// a zone may be in any: +14:00 is where a day begins first, -12:00 where it ends last.
  std::string LowBoundary() const;
  std::string HighBoundary() const;

  /// Milliseconds since 1970-01-01T00:00:00 of the first moment, a missing zone taken as UTC.
  std::int64_t FirstMillisecond() const;

 private:
  enum Precision : std::uint8_t { kYear, kMonth, kDay, kMinute, kSecond, kMillisecond };
  using Parts = std::array<int, 6>;  // Year, month, day, minute of the day, second, millisecond.

  bool TakeDate(std::string_view& text);
  bool TakeTime(std::string_view& text);
  bool TakeZone(std::string_view& text);
  Temporal InUtc() const;
  std::string Boundary(bool low) const;

  TemporalKind kind_ = TemporalKind::kDate;
  Precision precision_ = kYear;
  std::optional<int> zone_;  // Minutes east of UTC.
  Parts parts_{1970, 1, 1, 0, 0, 0};
};

}  // namespace consilium
