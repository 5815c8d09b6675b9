#include "client/ingestion/values.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <system_error>
#include <utility>

#include "client/ingestion/short_number.h"
#include "common/names.h"

namespace consilium {
namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

std::size_t DigitsAt(std::string_view text, std::size_t position) {
  std::size_t count = 0;
  while (position + count < text.size() && IsDigit(text[position + count])) ++count;
  return count;
}

// Groups of three after the first separator: "1.234.567". Returns what lies before the decimal mark
// without separators, or nothing if the grouping is wrong.
std::optional<std::string> WithoutThousands(std::string_view whole, char separator) {
  std::string digits;
  std::size_t in_group = 0;
  bool grouped = false;
  for (const char c : whole) {
    if (c == separator) {
      if (in_group == 0 || in_group > 3 || (grouped && in_group != 3)) return std::nullopt;
      grouped = true;
      in_group = 0;
    } else {
      digits.push_back(c);
      ++in_group;
    }
  }
  if (grouped && in_group != 3) return std::nullopt;
  return digits;
}

// True if `text` is digits, with separators and at most a sign before: a number in another dress.
bool IsDigitsWith(std::string_view text, std::string_view separators) {
  if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
  if (text.empty() || !IsDigit(text.front())) return false;
  for (const char c : text) {
    if (!IsDigit(c) && separators.find(c) == std::string_view::npos) return false;
  }
  return true;
}

std::size_t CountOf(std::string_view text, char c) {
  std::size_t count = 0;
  for (const char other : text) count += other == c ? 1U : 0U;
  return count;
}

// Why a text that is not a number in this format is not one, as far as can be told.
DataFault Diagnose(std::string_view text, const NumberFormat& format) {
  const std::string lower = LowerCase(text);
  const std::string_view unsigned_text =
      lower.starts_with('-') || lower.starts_with('+') ? std::string_view(lower).substr(1) : lower;
  for (const std::string_view word : {"nan", "inf", "infinity", "#num!", "1.#inf", "1.#qnan"}) {
    if (unsigned_text == word) return DataFault::kNotFinite;
  }
  const char other = format.decimal == '.' ? ',' : '.';
  if (IsDigitsWith(text, ".,' ")) {
    const std::size_t others = CountOf(text, other);
    const bool only_other = others == 1 && IsDigitsWith(text, std::string(1, other));
    const bool three_follow = only_other && text.size() - text.find(other) == 4;
    if (only_other && !three_follow) {
      return other == ',' ? DataFault::kLooksLikeDecimalComma : DataFault::kLooksLikeDecimalPoint;
    }
    return DataFault::kLooksLikeThousands;
  }
  return DataFault::kNotANumber;
}

// [sign] digits [mark digits] [e [sign] digits], at least one digit before the exponent.
bool IsPlainNumber(std::string_view text) {
  std::size_t position = text.starts_with('-') || text.starts_with('+') ? 1 : 0;
  std::size_t digits = DigitsAt(text, position);
  position += digits;
  if (position < text.size() && text[position] == '.') {
    const std::size_t fraction = DigitsAt(text, position + 1);
    position += 1 + fraction;
    digits += fraction;
  }
  if (digits == 0) return false;
  if (position < text.size() && (text[position] == 'e' || text[position] == 'E')) {
    ++position;
    if (position < text.size() && (text[position] == '-' || text[position] == '+')) ++position;
    const std::size_t exponent = DigitsAt(text, position);
    if (exponent == 0) return false;
    position += exponent;
  }
  return position == text.size();
}

// A run of digits within bounds on their number; -1 if there is none.
int TakeNumber(std::string_view& text, std::size_t fewest, std::size_t most) {
  const std::size_t digits = DigitsAt(text, 0);
  if (digits < fewest || digits > most) return -1;
  int value = 0;
  for (const char c : text.substr(0, digits)) value = value * 10 + (c - '0');
  text.remove_prefix(digits);
  return value;
}

bool Take(std::string_view& text, std::string_view expected) {
  if (!text.starts_with(expected)) return false;
  text.remove_prefix(expected.size());
  return true;
}

struct DateParts {
  int year = -1;
  int month = -1;
  int day = -1;
};

std::optional<DateParts> SplitDay(std::string_view text, DateFormat format) {
  DateParts parts;
  if (format == DateFormat::kIso || format == DateFormat::kCompact) {
    if (format == DateFormat::kCompact && text.size() != 8) return std::nullopt;
    const std::string_view dash = format == DateFormat::kIso ? "-" : "";
    const std::string_view year = text.substr(0, 4);
    if (DigitsAt(year, 0) != 4) return std::nullopt;
    std::string_view year_digits = year;
    parts.year = TakeNumber(year_digits, 4, 4);
    text.remove_prefix(4);
    if (!Take(text, dash) || DigitsAt(text, 0) < 2) return std::nullopt;
    std::string_view month = text.substr(0, 2);
    parts.month = TakeNumber(month, 2, 2);
    text.remove_prefix(2);
    if (!Take(text, dash)) return std::nullopt;
    parts.day = TakeNumber(text, 2, 2);
    const bool midnight = text == " 00:00:00" || text == "T00:00:00" || text == " 00:00";
    if (!text.empty() && !(format == DateFormat::kIso && midnight)) return std::nullopt;
    return parts;
  }
  const std::string_view mark = format == DateFormat::kDayMonthYearDots ? "." : "/";
  const int first = TakeNumber(text, 1, 2);
  if (!Take(text, mark)) return std::nullopt;
  const int second = TakeNumber(text, 1, 2);
  if (!Take(text, mark)) return std::nullopt;
  parts.year = TakeNumber(text, 4, 4);
  if (!text.empty()) return std::nullopt;
  const bool month_first = format == DateFormat::kMonthDayYear;
  parts.month = month_first ? first : second;
  parts.day = month_first ? second : first;
  return parts;
}

// "Z", "+02", "+02:00", "+0200" or nothing.
bool IsZone(std::string_view text) {
  if (text.empty() || text == "Z") return true;
  if (text.front() != '+' && text.front() != '-') return false;
  text.remove_prefix(1);
  std::string_view digits = text.substr(0, 2);
  const int hours = TakeNumber(digits, 2, 2);
  if (hours < 0 || hours > 14) return false;
  text.remove_prefix(2);
  Take(text, ":");
  return text.empty() || (text.size() == 2 && DigitsAt(text, 0) == 2);
}

// "HH:MM[:SS[.fff]]" with a zone or without one, as milliseconds.
std::optional<std::int64_t> TimeOfDay(std::string_view text) {
  const int hours = TakeNumber(text, 1, 2);
  if (hours < 0 || hours > 23 || !Take(text, ":")) return std::nullopt;
  const int minutes = TakeNumber(text, 2, 2);
  if (minutes < 0 || minutes > 59) return std::nullopt;
  std::int64_t milliseconds = (hours * std::int64_t{60} + minutes) * 60'000;
  if (Take(text, ":")) {
    const int seconds = TakeNumber(text, 2, 2);
    if (seconds < 0 || seconds > 60) return std::nullopt;
    milliseconds += seconds * std::int64_t{1000};
    if (Take(text, ".")) {
      const std::size_t digits = DigitsAt(text, 0);
      if (digits == 0) return std::nullopt;
      std::int64_t scale = 100;
      for (std::size_t i = 0; i < digits; ++i, scale /= 10) {
        milliseconds += (text[i] - '0') * scale;
      }
      text.remove_prefix(digits);
    }
  }
  if (!IsZone(text)) return std::nullopt;
  return milliseconds;
}

}  // namespace

tl::expected<double, DataFault> ParseNumber(std::string_view text, const NumberFormat& format) {
  if (const double value = ShortNumber(text, format.decimal); !std::isnan(value)) return value;
  const auto fault = [&] { return tl::make_unexpected(Diagnose(text, format)); };
  // With a comma as the decimal mark a point is no part of a number, and the other way round.
  std::string plain(text);
  if (format.thousands != '\0') {
    const std::size_t sign = text.starts_with('-') || text.starts_with('+') ? 1 : 0;
    const std::size_t mark =
        std::min(text.find_first_of(std::string{format.decimal, 'e', 'E'}), text.size());
    if (mark < sign) return fault();
    const auto whole = WithoutThousands(text.substr(sign, mark - sign), format.thousands);
    if (!whole) return fault();
    plain = std::string(text.substr(0, sign)) + *whole + std::string(text.substr(mark));
  }
  if (format.decimal == ',') {
    if (plain.find('.') != std::string::npos) return fault();
    const std::size_t comma = plain.find(',');
    if (comma != std::string::npos) plain[comma] = '.';
  }
  if (!IsPlainNumber(plain)) return fault();
  const char* begin = plain.data() + (plain.front() == '+' ? 1 : 0);
  double value = 0;
  const auto [end, error] = std::from_chars(begin, plain.data() + plain.size(), value);
  if (error == std::errc::result_out_of_range) return tl::make_unexpected(DataFault::kNotFinite);
  if (error != std::errc{} || end != plain.data() + plain.size()) return fault();
  if (!std::isfinite(value)) return tl::make_unexpected(DataFault::kNotFinite);
  return value;
}

std::optional<bool> ParseBoolean(std::string_view text) {
  constexpr std::array<std::string_view, 9> kYes = {"true", "t",   "yes", "y",  "ja",
                                                    "j",    "oui", "1",   "1.0"};
  constexpr std::array<std::string_view, 9> kNo = {"false", "f", "no",  "n", "nein",
                                                   "non",   "0", "0.0", ""};
  if (text.empty()) return std::nullopt;
  if (text == "1") return true;
  if (text == "0") return false;
  const std::string lower = LowerCase(text);
  if (lower == "si") return true;
  for (const std::string_view word : kYes) {
    if (lower == word) return true;
  }
  for (const std::string_view word : kNo) {
    if (lower == word) return false;
  }
  return std::nullopt;
}

std::optional<DateFormat> FindDateFormat(std::string_view name) {
  if (name == "YYYY-MM-DD") return DateFormat::kIso;
  if (name == "DD.MM.YYYY") return DateFormat::kDayMonthYearDots;
  if (name == "MM/DD/YYYY") return DateFormat::kMonthDayYear;
  if (name == "DD/MM/YYYY") return DateFormat::kDayMonthYear;
  if (name == "YYYYMMDD") return DateFormat::kCompact;
  return std::nullopt;
}

tl::expected<double, DataFault> ParseDay(std::string_view text,
                                         const std::vector<DateFormat>& formats) {
  for (const DateFormat format : formats) {
    const auto parts = SplitDay(text, format);
    if (!parts || parts->year < 1 || parts->month < 1 || parts->day < 1) continue;
    const auto month = std::chrono::month(static_cast<unsigned>(parts->month));
    const auto day = std::chrono::day(static_cast<unsigned>(parts->day));
    const std::chrono::year_month_day date(std::chrono::year(parts->year), month, day);
    if (!date.ok()) continue;
    return static_cast<double>(std::chrono::sys_days(date).time_since_epoch().count());
  }
  return tl::make_unexpected(DataFault::kNotADate);
}

tl::expected<DayTime, DataFault> ParseDayTime(std::string_view text,
                                              const std::vector<DateFormat>& formats) {
  if (const auto day = ParseDay(text, formats)) return DayTime{static_cast<std::int64_t>(*day), 0};
  const std::size_t mark = text.find_first_of("T ");
  if (mark == std::string_view::npos) return tl::make_unexpected(DataFault::kNotADate);
  const auto day = ParseDay(text.substr(0, mark), formats);
  const auto time = TimeOfDay(text.substr(mark + 1));
  if (!day || !time) return tl::make_unexpected(DataFault::kNotADate);
  return DayTime{static_cast<std::int64_t>(*day), *time};
}

std::string DayText(std::int64_t day, DateFormat format) {
  const std::chrono::year_month_day date{std::chrono::sys_days(std::chrono::days(day))};
  const int y = static_cast<int>(date.year());
  const auto m = static_cast<unsigned>(date.month());
  const auto d = static_cast<unsigned>(date.day());
  std::array<char, 32> text{};
  switch (format) {
    case DateFormat::kIso:
      std::snprintf(text.data(), text.size(), "%04d-%02u-%02u", y, m, d);
      break;
    case DateFormat::kDayMonthYearDots:
      std::snprintf(text.data(), text.size(), "%02u.%02u.%04d", d, m, y);
      break;
    case DateFormat::kMonthDayYear:
      std::snprintf(text.data(), text.size(), "%02u/%02u/%04d", m, d, y);
      break;
    case DateFormat::kDayMonthYear:
      std::snprintf(text.data(), text.size(), "%02u/%02u/%04d", d, m, y);
      break;
    case DateFormat::kCompact:
      std::snprintf(text.data(), text.size(), "%04d%02u%02u", y, m, d);
      break;
  }
  return text.data();
}

}  // namespace consilium
