#include "client/ingestion/stat/stat_values.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <initializer_list>
#include <optional>

#include "common/written_number.h"

namespace consilium {
namespace {

constexpr std::int64_t kMillisecondsADay = 86'400'000;
constexpr std::int64_t k1960 = -3'653;         // Days from 1970-01-01 to 1960-01-01,
constexpr std::int64_t k1582 = -141'428;       // to 1582-10-14,
constexpr std::int64_t kYear1 = -719'162;      // to 0001-01-01
constexpr std::int64_t kYear9999 = 2'932'896;  // and to 9999-12-31.

bool IsOneOf(std::string_view name, std::initializer_list<std::string_view> names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

/// "DATE" of "date9.": in upper case, without width and decimals.
std::string FormatName(std::string_view format) {
  std::string name(format.substr(0, format.find('.')));
  while (!name.empty() && name.back() >= '0' && name.back() <= '9') name.pop_back();
  for (char& c : name) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return name;
}

/// "MMDDYY", and "MMDDYYS" with a letter for what stands between its parts.
bool IsSeparated(std::string_view name, std::initializer_list<std::string_view> bases) {
  return IsOneOf(name, bases) ||
         (!name.empty() && std::string_view("BCDNPS").find(name.back()) != std::string_view::npos &&
          IsOneOf(name.substr(0, name.size() - 1), bases));
}

NumberMeaning MeaningInSas(std::string_view name) {
  if (IsOneOf(name,
              {"DATETIME", "DATEAMPM", "MDYAMPM", "DTDATE",  "DTMONYY", "DTWKDATX", "DTYEAR",
               "DTYYQC",   "EURDFDT",  "E8601DT", "E8601DN", "E8601DX", "E8601DZ",  "E8601LX",
               "B8601DT",  "B8601DN",  "B8601DX", "B8601DZ", "B8601LX", "IS8601DT", "IS8601DN"}) ||
      name.starts_with("NLDATM")) {
    return NumberMeaning::kSecondsFrom1960;
  }
  if (IsOneOf(name,
              {"DATE",    "DAY",     "MONTH",    "YEAR",     "QTR",      "QTRR",     "MONNAME",
               "DOWNAME", "WEEKDAY", "MONYY",    "YYMON",    "JULDAY",   "JULIAN",   "PDJULG",
               "PDJULI",  "HDATE",   "HEBDATE",  "WEEKU",    "WEEKV",    "WEEKW",    "YYWEEKU",
               "YYWEEKV", "YYWEEKW", "WEEKDATE", "WEEKDATX", "WORDDATE", "WORDDATX", "MINGUO",
               "NENGO",   "E8601DA", "B8601DA",  "IS8601DA"}) ||
      IsSeparated(name, {"DDMMYY", "MMDDYY", "YYMMDD", "MMYY", "YYMM", "YYQ", "YYQR"}) ||
      name.starts_with("NLDATE") || name.starts_with("EURDF")) {
    return NumberMeaning::kDaysFrom1960;
  }
  return NumberMeaning::kNumber;
}

NumberMeaning MeaningInSpss(std::string_view name) {
  if (IsOneOf(name, {"DATETIME", "YMDHMS"})) return NumberMeaning::kSecondsFrom1582;
  if (IsOneOf(name, {"DATE", "ADATE", "EDATE", "SDATE", "JDATE", "QYR", "MOYR", "WKYR"})) {
    return NumberMeaning::kDayIn1582Seconds;
  }
  return NumberMeaning::kNumber;
}

NumberMeaning MeaningInStata(std::string_view format) {
  if (!format.starts_with('%')) return NumberMeaning::kNumber;
  format.remove_prefix(1);
  if (format.starts_with('-') || format.starts_with('~')) format.remove_prefix(1);
  if (format.starts_with('d')) return NumberMeaning::kDaysFrom1960;
  if (!format.starts_with('t') || format.size() < 2) return NumberMeaning::kNumber;
  switch (format[1]) {
    case 'd':
      return NumberMeaning::kDaysFrom1960;
    case 'c':
      return NumberMeaning::kMillisecondsFrom1960;
    case 'C':
      return NumberMeaning::kLeapSeconds;
    case 'b':
      return NumberMeaning::kBusinessDays;
    case 'w':
      return NumberMeaning::kWeeksFrom1960;
    case 'm':
      return NumberMeaning::kMonthsFrom1960;
    case 'q':
      return NumberMeaning::kQuartersFrom1960;
    case 'h':
      return NumberMeaning::kHalfYearsFrom1960;
    default:
      return NumberMeaning::kNumber;  // %ty is the year itself.
  }
}

/// A moment of a calendar that is a day, or a day and a time.
struct Moment {
  std::int64_t day = 0;           ///< From 1970-01-01.
  std::int64_t milliseconds = 0;  ///< Of that day.
  bool has_time = false;
};

/// `value` units of so many milliseconds after a day.
std::optional<Moment> After(std::int64_t epoch, double value, double milliseconds, bool has_time) {
  constexpr double kFarthest = 1e15;  // Milliseconds; some 30,000 years.
  const double rounded = std::nearbyint(value * milliseconds);
  if (!(std::abs(rounded) < kFarthest)) return std::nullopt;
  const auto whole = static_cast<std::int64_t>(rounded);
  const std::int64_t days = whole / kMillisecondsADay - (whole % kMillisecondsADay < 0 ? 1 : 0);
  return Moment{epoch + days, whole - days * kMillisecondsADay, has_time};
}

/// The first day of a month, or in it, counted from January 1960.
std::optional<Moment> InMonth(double value, int months_each) {
  if (!(std::abs(value) < 1e6) || value != std::nearbyint(value)) return std::nullopt;
  const int months = static_cast<int>(value) * months_each;
  const int years = months / 12 - (months % 12 < 0 ? 1 : 0);
  const std::chrono::year_month_day day(
      std::chrono::year(1960 + years),
      std::chrono::month(static_cast<unsigned>(months - 12 * years) + 1), std::chrono::day(1));
  if (1960 + years < 1 || 1960 + years > 9999) return std::nullopt;
  return Moment{std::chrono::sys_days(day).time_since_epoch().count(), 0, false};
}

std::optional<Moment> InWeek(double value) {
  constexpr int kWeeksAYear = 52;
  if (!(std::abs(value) < 1e6) || value != std::nearbyint(value)) return std::nullopt;
  const int weeks = static_cast<int>(value);
  const int years = weeks / kWeeksAYear - (weeks % kWeeksAYear < 0 ? 1 : 0);
  auto moment = InMonth(years, 12);
  if (moment) moment->day += 7 * (weeks - kWeeksAYear * years);
  return moment;
}

std::optional<Moment> MomentOf(double value, NumberMeaning meaning) {
  switch (meaning) {
    case NumberMeaning::kDaysFrom1960:
      // A fraction of a day is not shown by the program that wrote it, either.
      return After(k1960, std::floor(value), kMillisecondsADay, false);
    case NumberMeaning::kSecondsFrom1960:
      return After(k1960, value, 1'000, true);
    case NumberMeaning::kMillisecondsFrom1960:
      return After(k1960, value, 1, true);
    case NumberMeaning::kDayIn1582Seconds:
      return After(k1582, value, 1'000, false);
    case NumberMeaning::kSecondsFrom1582:
      return After(k1582, value, 1'000, true);
    case NumberMeaning::kWeeksFrom1960:
      return InWeek(value);
    case NumberMeaning::kMonthsFrom1960:
      return InMonth(value, 1);
    case NumberMeaning::kQuartersFrom1960:
      return InMonth(value, 3);
    case NumberMeaning::kHalfYearsFrom1960:
      return InMonth(value, 6);
    case NumberMeaning::kNumber:
    case NumberMeaning::kLeapSeconds:
    case NumberMeaning::kBusinessDays:
      break;
  }
  return std::nullopt;
}

void AppendPlain(double value, std::string& out) {
  NumberDigits digits{};
  out += WriteNumber(value, digits);
}

void AppendMoment(const Moment& moment, bool day_only, std::string& out) {
  const std::chrono::year_month_day date{std::chrono::sys_days(std::chrono::days(moment.day))};
  std::array<char, 40> text{};
  std::snprintf(text.data(), text.size(), "%04d-%02u-%02u", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()));
  out += text.data();
  if (day_only || !moment.has_time) return;
  const auto seconds = static_cast<int>(moment.milliseconds / 1'000);
  std::snprintf(text.data(), text.size(), " %02d:%02d:%02d", seconds / 3'600, seconds / 60 % 60,
                seconds % 60);
  out += text.data();
  if (moment.milliseconds % 1'000 == 0) return;
  std::snprintf(text.data(), text.size(), ".%03d", static_cast<int>(moment.milliseconds % 1'000));
  out += text.data();
}

}  // namespace

NumberMeaning MeaningOf(StatFormat file, std::string_view format) {
  switch (file) {
    case StatFormat::kSas7bdat:
    case StatFormat::kXpt:
      return MeaningInSas(FormatName(format));
    case StatFormat::kSav:
    case StatFormat::kPor:
      return MeaningInSpss(FormatName(format));
    case StatFormat::kDta:
      return MeaningInStata(format);
  }
  return NumberMeaning::kNumber;
}

void AppendNumber(double value, NumberMeaning meaning, bool day_only, std::string& out) {
  const std::optional<Moment> moment = MomentOf(value, meaning);
  if (moment && moment->day >= kYear1 && moment->day <= kYear9999) {
    AppendMoment(*moment, day_only, out);
  } else {
    AppendPlain(value, out);
  }
}

}  // namespace consilium
