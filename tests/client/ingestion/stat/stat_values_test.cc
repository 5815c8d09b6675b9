#include "client/ingestion/stat/stat_values.h"

#include <gtest/gtest.h>

namespace consilium {
namespace {

using Meaning = NumberMeaning;

std::string Text(double value, NumberMeaning meaning, bool day_only = false) {
  std::string text;
  AppendNumber(value, meaning, day_only, text);
  return text;
}

TEST(StatValuesTest, KnowsSasFormatsOfDates) {
  for (const char* format : {"DATE9", "DATE9.", "date", "YYMMDD10.", "YYMMDDN8.", "DDMMYYP10",
                             "MMDDYYS8", "E8601DA10", "B8601DA", "MONYY7.", "WORDDATE18.",
                             "JULIAN7", "NLDATE20.", "WEEKDATX", "EURDFDE9", "YEAR4"}) {
    EXPECT_EQ(MeaningOf(StatFormat::kSas7bdat, format), Meaning::kDaysFrom1960) << format;
    EXPECT_EQ(MeaningOf(StatFormat::kXpt, format), Meaning::kDaysFrom1960) << format;
  }
  for (const char* format : {"DATETIME20.", "DATETIME", "E8601DT26.6", "NLDATM", "DTDATE9."}) {
    EXPECT_EQ(MeaningOf(StatFormat::kSas7bdat, format), Meaning::kSecondsFrom1960) << format;
  }
  // Times of day and durations, numbers, a hospital's own formats.
  for (const char* format : {"TIME8.", "HHMM5", "BEST12.", "8.2", "", ".", "COMMA9.2", "DATING",
                             "WEEKUSE", "SEXF", "YEARGRP", "MMYYX"}) {
    EXPECT_EQ(MeaningOf(StatFormat::kSas7bdat, format), Meaning::kNumber) << format;
  }
}

TEST(StatValuesTest, KnowsSpssFormatsOfDates) {
  for (const char* format :
       {"DATE11", "ADATE10", "EDATE10", "SDATE10", "JDATE5", "MOYR6", "QYR6", "WKYR8"}) {
    EXPECT_EQ(MeaningOf(StatFormat::kSav, format), Meaning::kDayIn1582Seconds) << format;
    EXPECT_EQ(MeaningOf(StatFormat::kPor, format), Meaning::kDayIn1582Seconds) << format;
  }
  for (const char* format : {"DATETIME17", "DATETIME23.2", "YMDHMS19"}) {
    EXPECT_EQ(MeaningOf(StatFormat::kSav, format), Meaning::kSecondsFrom1582) << format;
  }
  for (const char* format : {"F8.2", "TIME8", "DTIME13", "WKDAY3", "MONTH9", "COMMA8.2", ""}) {
    EXPECT_EQ(MeaningOf(StatFormat::kSav, format), Meaning::kNumber) << format;
  }
}

TEST(StatValuesTest, KnowsStataFormatsOfDates) {
  const auto meaning = [](std::string_view format) { return MeaningOf(StatFormat::kDta, format); };
  EXPECT_EQ(meaning("%td"), Meaning::kDaysFrom1960);
  EXPECT_EQ(meaning("%-tdCCYY-NN-DD"), Meaning::kDaysFrom1960);
  EXPECT_EQ(meaning("%d"), Meaning::kDaysFrom1960);
  EXPECT_EQ(meaning("%dD_m_Y"), Meaning::kDaysFrom1960);
  EXPECT_EQ(meaning("%tc"), Meaning::kMillisecondsFrom1960);
  EXPECT_EQ(meaning("%tC"), Meaning::kLeapSeconds);
  EXPECT_EQ(meaning("%tbnyse"), Meaning::kBusinessDays);
  EXPECT_EQ(meaning("%tw"), Meaning::kWeeksFrom1960);
  EXPECT_EQ(meaning("%tm"), Meaning::kMonthsFrom1960);
  EXPECT_EQ(meaning("%tq"), Meaning::kQuartersFrom1960);
  EXPECT_EQ(meaning("%th"), Meaning::kHalfYearsFrom1960);
  for (const char* format : {"%ty", "%9.0g", "%8.2f", "", "%", "%t", "td"}) {
    EXPECT_EQ(meaning(format), Meaning::kNumber) << format;
  }
}

TEST(StatValuesTest, WritesNumbersWithEveryDigit) {
  EXPECT_EQ(Text(0.1, Meaning::kNumber), "0.1");
  EXPECT_EQ(Text(0.1 + 0.2, Meaning::kNumber), "0.30000000000000004");
  EXPECT_EQ(Text(-2.5, Meaning::kNumber), "-2.5");
  EXPECT_EQ(Text(5e-324, Meaning::kNumber), "5e-324");
  EXPECT_EQ(Text(1.7976931348623157e308, Meaning::kNumber), "1.7976931348623157e+308");
}

TEST(StatValuesTest, WritesWholeNumbersAsPatientsAreCalled) {
  EXPECT_EQ(Text(100'000, Meaning::kNumber), "100000");
  EXPECT_EQ(Text(70'000'000'000, Meaning::kNumber), "70000000000");
  EXPECT_EQ(Text(-0.0, Meaning::kNumber), "0");
}

// 2024-02-29 is day 19782 from 1970-01-01, and 3653 more from 1960-01-01 (3 leap years), 141428
// more from 1582-10-14.
TEST(StatValuesTest, CountsFromEachProgramsEpoch) {
  EXPECT_EQ(Text(0, Meaning::kDaysFrom1960), "1960-01-01");
  EXPECT_EQ(Text(23'435, Meaning::kDaysFrom1960), "2024-02-29");
  EXPECT_EQ(Text(-1, Meaning::kDaysFrom1960), "1959-12-31");
  EXPECT_EQ(Text(23'435.75, Meaning::kDaysFrom1960), "2024-02-29");
  EXPECT_EQ(Text(23'435 * 86'400.0 + 3'661, Meaning::kSecondsFrom1960), "2024-02-29 01:01:01");
  EXPECT_EQ(Text(-1, Meaning::kSecondsFrom1960), "1959-12-31 23:59:59");
  EXPECT_EQ(Text(23'435 * 86'400'000.0, Meaning::kMillisecondsFrom1960), "2024-02-29 00:00:00");
  EXPECT_EQ(Text(23'435 * 86'400'000.0 + 7, Meaning::kMillisecondsFrom1960),
            "2024-02-29 00:00:00.007");
  EXPECT_EQ(Text(161'210 * 86'400.0, Meaning::kDayIn1582Seconds), "2024-02-29");
  EXPECT_EQ(Text(161'210 * 86'400.0 + 50'000, Meaning::kDayIn1582Seconds), "2024-02-29");
  EXPECT_EQ(Text(161'210 * 86'400.0 + 50'000, Meaning::kSecondsFrom1582), "2024-02-29 13:53:20");
  EXPECT_EQ(Text(0, Meaning::kSecondsFrom1582), "1582-10-14 00:00:00");
}

TEST(StatValuesTest, CountsStatasLongerUnits) {
  EXPECT_EQ(Text(0, Meaning::kMonthsFrom1960), "1960-01-01");
  EXPECT_EQ(Text(769, Meaning::kMonthsFrom1960), "2024-02-01");
  EXPECT_EQ(Text(-1, Meaning::kMonthsFrom1960), "1959-12-01");
  EXPECT_EQ(Text(257, Meaning::kQuartersFrom1960), "2024-04-01");
  EXPECT_EQ(Text(129, Meaning::kHalfYearsFrom1960), "2024-07-01");
  EXPECT_EQ(Text(64 * 52 + 1, Meaning::kWeeksFrom1960), "2024-01-08");
  EXPECT_EQ(Text(-1, Meaning::kWeeksFrom1960), "1959-12-24");
  EXPECT_EQ(Text(0.5, Meaning::kMonthsFrom1960), "0.5");
}

TEST(StatValuesTest, LeavesOutTheTimeOfDayOnDemand) {
  EXPECT_EQ(Text(23'435 * 86'400.0 + 3'661, Meaning::kSecondsFrom1960, true), "2024-02-29");
  EXPECT_EQ(Text(2.5, Meaning::kNumber, true), "2.5");
}

TEST(StatValuesTest, MakesNoDayOfWhatIsNone) {
  EXPECT_EQ(Text(1e300, Meaning::kDaysFrom1960), "1e+300");
  EXPECT_EQ(Text(2'936'549, Meaning::kDaysFrom1960), "9999-12-31");
  EXPECT_EQ(Text(2'936'550, Meaning::kDaysFrom1960), "2936550");
  EXPECT_EQ(Text(-715'509, Meaning::kDaysFrom1960), "0001-01-01");
  EXPECT_EQ(Text(-715'510, Meaning::kDaysFrom1960), "-715510");
  EXPECT_EQ(Text(9e5, Meaning::kMonthsFrom1960), "900000");
  EXPECT_EQ(Text(8e17, Meaning::kSecondsFrom1582), "8e+17");
}

}  // namespace
}  // namespace consilium
