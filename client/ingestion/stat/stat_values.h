#pragma once

// What the numbers in files of SAS, SPSS and Stata mean, by the format that stands with a variable:
// a date is a number there, counted from an epoch of the program's own.

#include <cstdint>
#include <string>
#include <string_view>

namespace consilium {

enum class StatFormat : std::uint8_t { kSas7bdat = 1, kXpt, kSav, kPor, kDta };

enum class NumberMeaning : std::uint8_t {
  kNumber = 1,
  kDaysFrom1960,          ///< SAS dates, Stata %td.
  kSecondsFrom1960,       ///< SAS datetimes.
  kMillisecondsFrom1960,  ///< Stata %tc.
  kDayIn1582Seconds,      ///< SPSS dates: seconds from 1582-10-14 of which the day counts.
  kSecondsFrom1582,       ///< SPSS datetimes.
  kWeeksFrom1960,         ///< Stata %tw: 52 a year, the first begins on 1 January.
  kMonthsFrom1960,        ///< Stata %tm.
  kQuartersFrom1960,      ///< Stata %tq.
  kHalfYearsFrom1960,     ///< Stata %th.
  kLeapSeconds,           ///< Stata %tC: not read.
  kBusinessDays           ///< Stata %tb: not read, the calendar lies in another file.
};

/// `format` as the file has it: "DATE9.", "DATETIME20", "%tdCCYY-NN-DD". One that is not known as a
/// date's is a plain number's. SAS: "Formats and Informats" of SAS 9.4, SPSS: "Date and Time
/// Formats" of its Command Syntax Reference, Stata: [D] Datetime.
NumberMeaning MeaningOf(StatFormat file, std::string_view format);

/// The number as text, with every digit that tells it apart and, if it is whole, without exponent;
/// a day as 2024-05-01; a time as 2024-05-01 13:45:00, with milliseconds where there are any.
/// Weeks, months, quarters and half-years are their first day. What is no day between the years 1
/// and 9999 stays the file's number. `day_only` leaves out the time of day.
void AppendNumber(double value, NumberMeaning meaning, bool day_only, std::string& out);

}  // namespace consilium
