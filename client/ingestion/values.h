#pragma once

// From the text of a field to a number. Strict: what is not certain is a fault, never a guess.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

#include "client/quality/quality_report.h"

namespace consilium {

struct NumberFormat {
  char decimal = '.';     ///< '.' or ','.
  char thousands = '\0';  ///< '.', ',', '\'' or ' '; none by default. Never equal to `decimal`.
};

/// Optional sign, digits with the decimal mark, optional exponent. With a thousands separator,
/// groups of three. The result is finite and correctly rounded.
tl::expected<double, DataFault> ParseNumber(std::string_view text, const NumberFormat& format);

/// true/false, t/f, yes/no, y/n, ja/nein, j/n, oui/non, si/no, 1/0 and 1.0/0.0, in any case of
/// letters.
std::optional<bool> ParseBoolean(std::string_view text);

enum class DateFormat { kIso, kDayMonthYearDots, kMonthDayYear, kDayMonthYear, kCompact };

/// "YYYY-MM-DD", "DD.MM.YYYY", "MM/DD/YYYY", "DD/MM/YYYY", "YYYYMMDD".
std::optional<DateFormat> FindDateFormat(std::string_view name);

/// Days since 1970-01-01 of a day that exists. ISO days may carry a midnight ("2020-01-05
/// 00:00:00"), as databases write them. Day and month may have one digit, except in ISO and compact
/// form.
tl::expected<double, DataFault> ParseDay(std::string_view text,
                                         const std::vector<DateFormat>& formats);

/// A day with the time of that day.
struct DayTime {
  std::int64_t day = 0;  ///< Since 1970-01-01.
  std::int64_t millisecond = 0;
};

/// A day as ParseDay() takes it, or one with a time behind a space or T: "HH:MM", "HH:MM:SS",
/// fractions of a second, and a zone, which is left aside: day and time are those of the clock that
/// was read.
tl::expected<DayTime, DataFault> ParseDayTime(std::string_view text,
                                              const std::vector<DateFormat>& formats);

/// A day in this format.
std::string DayText(std::int64_t day, DateFormat format);

}  // namespace consilium
