#include "common/time.h"

#include <charconv>
#include <cstdio>
#include <utility>

namespace consilium {
namespace {

constexpr std::int64_t kSecondsPerDay = 86'400;

std::int64_t FloorDivide(std::int64_t numerator, std::int64_t denominator) {
  const std::int64_t quotient = numerator / denominator;
  return numerator % denominator < 0 ? quotient - 1 : quotient;
}

std::chrono::year_month_day CalendarDay(UtcSeconds utc) {
  return std::chrono::year_month_day(
      std::chrono::sys_days(std::chrono::days(FloorDivide(utc.seconds, kSecondsPerDay))));
}

std::chrono::year_month_day CalendarDay(const Date& date) {
  return std::chrono::year_month_day(std::chrono::year(date.year), std::chrono::month(date.month),
                                     std::chrono::day(date.day));
}

template <class Number>
bool ParseWhole(std::string_view text, Number& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size();
}

}  // namespace

Date DateOf(UtcSeconds utc) {
  const std::chrono::year_month_day day = CalendarDay(utc);
  return Date{static_cast<int>(day.year()), static_cast<unsigned>(day.month()),
              static_cast<unsigned>(day.day())};
}

std::int64_t DaysSinceEpoch(const Date& date) {
  return std::chrono::sys_days(CalendarDay(date)).time_since_epoch().count();
}

std::string ToText(const Date& date) {
  char text[40];
  std::snprintf(text, sizeof text, "%04d-%02u-%02u", date.year, date.month, date.day);
  return text;
}

std::string ToText(UtcSeconds utc) {
  const std::int64_t second =
      utc.seconds - FloorDivide(utc.seconds, kSecondsPerDay) * kSecondsPerDay;
  char text[16];
  std::snprintf(text, sizeof text, "T%02d:%02d:%02dZ", static_cast<int>(second / 3600),
                static_cast<int>(second / 60 % 60), static_cast<int>(second % 60));
  return ToText(DateOf(utc)) + text;
}

Result<Date> ParseDate(std::string_view text) {
  Date date;
  const bool shaped = text.size() == 10 && text[4] == '-' && text[7] == '-';
  if (!shaped || !ParseWhole(text.substr(0, 4), date.year) ||
      !ParseWhole(text.substr(5, 2), date.month) || !ParseWhole(text.substr(8, 2), date.day) ||
      !CalendarDay(date).ok()) {
    return Fail(ErrorCode::kInvalidArgument, "'" + std::string(text) + "' is no date",
                "Write a calendar day as YYYY-MM-DD.");
  }
  return date;
}

Result<Duration> ParseDuration(std::string_view text) {
  constexpr std::pair<std::string_view, std::int64_t> kUnits[] = {
      {"ms", 1}, {"min", 60'000}, {"s", 1'000}, {"h", 3'600'000}};
  for (const auto& [unit, milliseconds] : kUnits) {
    std::int64_t count = 0;
    if (!text.ends_with(unit)) continue;
    if (!ParseWhole(text.substr(0, text.size() - unit.size()), count)) continue;
    if (count <= 0 || count > 1'000'000'000) continue;
    return Duration(count * milliseconds);
  }
  return Fail(ErrorCode::kInvalidArgument, "'" + std::string(text) + "' is no duration",
              "Write a whole number and a unit: 500ms, 60s, 5min or 2h.");
}

}  // namespace consilium
