#include "client/ingestion/fhir/fhir_time.h"

#include <algorithm>

#include "common/time.h"

namespace consilium {
namespace {

constexpr int kMinutesOfDay = 24 * 60;
constexpr std::int64_t kSecondsOfDay = 24 * 60 * 60;

// Exactly this many digits, or nothing is taken.
std::optional<int> TakeDigits(std::string_view& text, std::size_t count) {
  if (text.size() < count) return std::nullopt;
  int value = 0;
  for (const char c : text.substr(0, count)) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + (c - '0');
  }
  text.remove_prefix(count);
  return value;
}

bool Take(std::string_view& text, char expected) {
  if (text.empty() || text.front() != expected) return false;
  text.remove_prefix(1);
  return true;
}

int DaysOf(int year, int month) {
  constexpr std::array<int, 12> kDays = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  return month == 2 && leap ? 29 : kDays[static_cast<std::size_t>(month - 1)];
}

std::string Padded(int value, std::size_t width) {
  std::string digits = std::to_string(value);
  if (digits.size() < width) digits.insert(0, width - digits.size(), '0');
  return digits;
}

std::string ZoneText(int minutes) {
  const int size = std::abs(minutes);
  return (minutes < 0 ? "-" : "+") + Padded(size / 60, 2) + ":" + Padded(size % 60, 2);
}

}  // namespace

bool Temporal::TakeDate(std::string_view& text) {
  const auto year = TakeDigits(text, 4);
  if (!year || *year == 0) return false;
  parts_[kYear] = *year;
  precision_ = kYear;
  if (!Take(text, '-')) return true;
  const auto month = TakeDigits(text, 2);
  if (!month || *month < 1 || *month > 12) return false;
  parts_[kMonth] = *month;
  precision_ = kMonth;
  if (!Take(text, '-')) return true;
  const auto day = TakeDigits(text, 2);
  if (!day || *day < 1 || *day > DaysOf(*year, *month)) return false;
  parts_[kDay] = *day;
  precision_ = kDay;
  return true;
}

bool Temporal::TakeTime(std::string_view& text) {
  const auto hour = TakeDigits(text, 2);
  if (!hour || *hour > 23 || !Take(text, ':')) return false;
  const auto minute = TakeDigits(text, 2);
  if (!minute || *minute > 59) return false;
  parts_[kMinute] = *hour * 60 + *minute;
  precision_ = kMinute;
  if (!Take(text, ':')) return true;
  const auto second = TakeDigits(text, 2);
  // 60 is a leap second.
  if (!second || *second > 60) return false;
  parts_[kSecond] = *second;
  precision_ = kSecond;
  if (!Take(text, '.')) return true;
  int milliseconds = 0;
  std::size_t digits = 0;
  for (auto digit = TakeDigits(text, 1); digit; digit = TakeDigits(text, 1), ++digits) {
    if (digits < 3) milliseconds = milliseconds * 10 + *digit;
  }
  if (digits == 0) return false;
  for (; digits < 3; ++digits) milliseconds *= 10;
  parts_[kMillisecond] = milliseconds;
  precision_ = kMillisecond;
  return true;
}

bool Temporal::TakeZone(std::string_view& text) {
  if (text.empty()) return true;
  if (Take(text, 'Z')) {
    zone_ = 0;
    return true;
  }
  const bool west = text.front() == '-';
  if (!Take(text, west ? '-' : '+')) return false;
  const auto hours = TakeDigits(text, 2);
  if (!hours || *hours > 14 || !Take(text, ':')) return false;
  const auto minutes = TakeDigits(text, 2);
  if (!minutes || *minutes > 59) return false;
  zone_ = (west ? -1 : 1) * (*hours * 60 + *minutes);
  return true;
}

std::optional<Temporal> Temporal::ParseDate(std::string_view text) {
  Temporal result;
  if (!result.TakeDate(text) || !text.empty()) return std::nullopt;
  return result;
}

std::optional<Temporal> Temporal::ParseDateTime(std::string_view text) {
  Temporal result;
  result.kind_ = TemporalKind::kDateTime;
  if (!result.TakeDate(text)) return std::nullopt;
  if (result.precision_ == kDay && Take(text, 'T') &&
      (!result.TakeTime(text) || !result.TakeZone(text))) {
    return std::nullopt;
  }
  if (!text.empty()) return std::nullopt;
  return result;
}

std::optional<Temporal> Temporal::ParseTime(std::string_view text) {
  Temporal result;
  result.kind_ = TemporalKind::kTime;
  if (!result.TakeTime(text) || !text.empty()) return std::nullopt;
  return result;
}

std::optional<Temporal> Temporal::Parse(TemporalKind kind, std::string_view text) {
  switch (kind) {
    case TemporalKind::kDate:
      return ParseDate(text);
    case TemporalKind::kDateTime:
      return ParseDateTime(text);
    case TemporalKind::kTime:
      return ParseTime(text);
  }
  return std::nullopt;
}

// The same moment with UTC's day and time, which may be the day before or after.
Temporal Temporal::InUtc() const {
  if (!zone_ || *zone_ == 0) return *this;
  Temporal result = *this;
  result.zone_ = 0;
  int minute = parts_[kMinute] - *zone_;
  std::int64_t days = 0;
  for (; minute < 0; minute += kMinutesOfDay) --days;
  for (; minute >= kMinutesOfDay; minute -= kMinutesOfDay) ++days;
  result.parts_[kMinute] = minute;
  const Date day{parts_[kYear], static_cast<unsigned>(parts_[kMonth]),
                 static_cast<unsigned>(parts_[kDay])};
  const Date shifted = DateOf(UtcSeconds{(DaysSinceEpoch(day) + days) * kSecondsOfDay});
  result.parts_[kYear] = shifted.year;
  result.parts_[kMonth] = static_cast<int>(shifted.month);
  result.parts_[kDay] = static_cast<int>(shifted.day);
  return result;
}

std::optional<int> Temporal::Compare(const Temporal& other) const {
  const bool time = kind_ == TemporalKind::kTime;
  if (time != (other.kind_ == TemporalKind::kTime)) return std::nullopt;
  const bool both_zones = zone_.has_value() && other.zone_.has_value();
  const Temporal left = both_zones ? InUtc() : *this;
  const Temporal right = both_zones ? other.InUtc() : other;
  // Seconds and their fraction are one precision: 10:00:00 is 10:00:00.000.
  const auto reach = [](Precision precision) {
    return precision == kSecond ? kMillisecond : precision;
  };
  Precision common = std::min(reach(precision_), reach(other.precision_));
  const bool one_zone =
      HasTime() && other.HasTime() && zone_.has_value() != other.zone_.has_value();
  if (one_zone) common = kDay;
  for (std::size_t part = time ? kMinute : kYear; part <= common; ++part) {
    if (left.parts_[part] != right.parts_[part]) {
      return left.parts_[part] < right.parts_[part] ? -1 : 1;
    }
  }
  if (one_zone || reach(precision_) != reach(other.precision_)) return std::nullopt;
  return 0;
}

std::string Temporal::Boundary(bool low) const {
  Parts parts = parts_;
  if (precision_ < kMonth) parts[kMonth] = low ? 1 : 12;
  if (precision_ < kDay) parts[kDay] = low ? 1 : DaysOf(parts[kYear], parts[kMonth]);
  if (precision_ < kMinute) parts[kMinute] = low ? 0 : kMinutesOfDay - 1;
  if (precision_ < kSecond) parts[kSecond] = low ? 0 : 59;
  if (precision_ < kMillisecond) parts[kMillisecond] = low ? 0 : 999;
  const std::string date =
      Padded(parts[kYear], 4) + "-" + Padded(parts[kMonth], 2) + "-" + Padded(parts[kDay], 2);
  if (kind_ == TemporalKind::kDate) return date;
  const std::string time = Padded(parts[kMinute] / 60, 2) + ":" + Padded(parts[kMinute] % 60, 2) +
                           ":" + Padded(parts[kSecond], 2) + "." + Padded(parts[kMillisecond], 3);
  if (kind_ == TemporalKind::kTime) return time;
  return date + "T" + time + ZoneText(zone_.value_or(low ? 14 * 60 : -12 * 60));
}

std::string Temporal::LowBoundary() const { return Boundary(true); }
std::string Temporal::HighBoundary() const { return Boundary(false); }

std::int64_t Temporal::FirstMillisecond() const {
  const Date day{parts_[kYear], static_cast<unsigned>(parts_[kMonth]),
                 static_cast<unsigned>(parts_[kDay])};
  const std::int64_t minutes =
      DaysSinceEpoch(day) * kMinutesOfDay + parts_[kMinute] - zone_.value_or(0);
  return (minutes * 60 + parts_[kSecond]) * 1000 + parts_[kMillisecond];
}

}  // namespace consilium
