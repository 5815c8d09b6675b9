// client/policy/answer_times.h: hours and days in which answers may leave.

#include "client/policy/answer_times.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace consilium {
namespace {

using ::testing::HasSubstr;

constexpr std::int64_t kHour = 3'600;
/// Monday 2026-06-01, 00:00 UTC.
constexpr std::int64_t kMonday = 1'780'272'000;

Result<AnswerTimes> Parsed(const std::string& toml) {
  return ParseAnswerTimes(Settings::Parse(toml, "policy.toml").value());
}

AnswerTimes Times(const std::string& toml) {
  auto times = Parsed(toml);
  EXPECT_TRUE(times.has_value()) << Describe(times.error());
  return times.value_or(AnswerTimes{});
}

/// Hours from Monday 00:00 UTC, in halves, at which nothing but the times stands against it.
std::string HalfHours(const AnswerTimes& times, int from, int to) {
  std::string open;
  for (int half = from; half < to; ++half) {
    open += times.Contain({kMonday + half * kHour / 2}) ? '1' : '0';
  }
  return open;
}

TEST(AnswerTimesTest, WithoutAKeyAnyTimeIsRight) {
  const AnswerTimes always = Times("");
  EXPECT_EQ(HalfHours(always, 0, 14 * 24).find('0'), std::string::npos);
}

TEST(AnswerTimesTest, AWindowHoldsItsFirstMinuteAndNotItsLast) {
  const AnswerTimes times = Times("answer_hours = [\"08:00-09:30\"]");
  EXPECT_FALSE(times.Contain({kMonday + 8 * kHour - 1}));
  EXPECT_TRUE(times.Contain({kMonday + 8 * kHour}));
  EXPECT_TRUE(times.Contain({kMonday + 9 * kHour + 1'799}));
  EXPECT_FALSE(times.Contain({kMonday + 9 * kHour + 1'800}));
}

TEST(AnswerTimesTest, AWindowOverMidnightBelongsToTheDayItBeginsOn) {
  const AnswerTimes times =
      Times("answer_hours = [\"22:00-06:00\"]\nanswer_days = [\"mon\", \"fri\"]");
  EXPECT_FALSE(times.Contain({kMonday + 1 * kHour})) << "the night of Sunday";
  EXPECT_TRUE(times.Contain({kMonday + 23 * kHour}));
  EXPECT_TRUE(times.Contain({kMonday + 29 * kHour})) << "Tuesday, 5 o'clock";
  EXPECT_FALSE(times.Contain({kMonday + 30 * kHour}));
  EXPECT_FALSE(times.Contain({kMonday + 47 * kHour})) << "Tuesday night";
  EXPECT_TRUE(times.Contain({kMonday + (4 * 24 + 24 + 5) * kHour})) << "Saturday, 5 o'clock";
}

TEST(AnswerTimesTest, SeveralWindowsAddUp) {
  const AnswerTimes times = Times("answer_hours = [\"00:00-01:00\", \"23:00-24:00\"]");
  EXPECT_EQ(HalfHours(times, 0, 48), "11" + std::string(44, '0') + "11");
}

TEST(AnswerTimesTest, TheZoneIsAFixedDistanceFromUtc) {
  const AnswerTimes east = Times("answer_hours = [\"01:00-02:00\"]\ntime_zone = \"+01:00\"");
  EXPECT_TRUE(east.Contain({kMonday}));
  EXPECT_FALSE(east.Contain({kMonday + kHour}));
  // Half past five hours behind, Monday 00:00 UTC is Sunday evening.
  const AnswerTimes west = Times("answer_days = [\"sun\"]\ntime_zone = \"-05:30\"");
  EXPECT_TRUE(west.Contain({kMonday}));
  EXPECT_TRUE(west.Contain({kMonday + 5 * kHour + 1'799}));
  EXPECT_FALSE(west.Contain({kMonday + 5 * kHour + 1'800}));
  EXPECT_THAT(LocalText(west, {kMonday}), "sun 2026-05-31 18:30 (-05:30)");
}

TEST(AnswerTimesTest, BeforeNineteenSeventyDaysHaveNames) {
  const AnswerTimes wednesday = Times("answer_days = [\"wed\"]");
  EXPECT_TRUE(wednesday.Contain({-1})) << "1969-12-31";
  EXPECT_FALSE(wednesday.Contain({0}));
}

TEST(AnswerTimesTest, SaysItselfInWords) {
  EXPECT_EQ(Times("answer_hours = [\"22:00-06:00\"]\nanswer_days = [\"mon\", \"sun\"]\n"
                  "time_zone = \"+05:45\"")
                .InWords(),
            "22:00-06:00 on mon, sun (+05:45)");
  EXPECT_EQ(Times("").InWords(), "any hour (UTC)");
}

TEST(AnswerTimesTest, WhatIsNoTimeIsNamed) {
  const std::vector<std::string> mistakes = {
      "answer_hours = []",
      "answer_hours = [\"22:00\"]",
      "answer_hours = [\"22-06\"]",
      "answer_hours = [\"24:00-06:00\"]",
      "answer_hours = [\"22:00-24:01\"]",
      "answer_hours = [\"22:60-23:00\"]",
      "answer_hours = [\"08:00-08:00\"]",
      "answer_hours = [\"8:00-09:00\"]",
      "answer_hours = [\"08:00 09:00\"]",
      "answer_hours = [\"0a:00-09:00\"]",
      "answer_hours = [\"08:00-09:00\", \"\"]",
      "answer_hours = \"08:00-09:00\"",
      "answer_days = []",
      "answer_days = [\"Mon\"]",
      "answer_days = [\"mon\", \"someday\"]",
      "time_zone = \"Europe/Berlin\"",
      "time_zone = \"01:00\"",
      "time_zone = \"+15:00\"",
      "time_zone = \"-13:00\"",
      "time_zone = \"\"",
      "time_zone = 1",
  };
  for (const std::string& mistake : mistakes) {
    const auto times = Parsed(mistake);
    ASSERT_FALSE(times.has_value()) << mistake;
    EXPECT_THAT(Describe(times.error()), HasSubstr("policy.toml:1:")) << mistake;
  }
}

}  // namespace
}  // namespace consilium
