#include "common/time.h"

#include <gmock/gmock.h>
#include <rapidcheck/gtest.h>

namespace consilium {
namespace {

TEST(DateTest, ReadsCalendarDays) {
  EXPECT_EQ(ParseDate("2027-06-30").value(), (Date{2027, 6, 30}));
  EXPECT_EQ(ParseDate("2024-02-29").value(), (Date{2024, 2, 29}));
  EXPECT_EQ(ToText(Date{2027, 6, 3}), "2027-06-03");
}

TEST(DateTest, RefusesDaysThatDoNotExist) {
  for (const char* text : {"2027-02-30", "2023-02-29", "2027-13-01", "2027-00-10", "2027-6-30",
                           "2027/06/30", "27-06-30", "2027-06-30 ", "", "2027-06-3x"}) {
    EXPECT_FALSE(ParseDate(text).has_value()) << text;
  }
}

TEST(DateTest, CountsDaysFromTheEpoch) {
  EXPECT_EQ(DaysSinceEpoch(Date{1970, 1, 1}), 0);
  EXPECT_EQ(DaysSinceEpoch(Date{1969, 12, 31}), -1);
  EXPECT_EQ(DaysSinceEpoch(Date{2000, 3, 1}), 11017);
}

TEST(UtcSecondsTest, IsWrittenAsIso8601) {
  EXPECT_EQ(ToText(UtcSeconds{0}), "1970-01-01T00:00:00Z");
  EXPECT_EQ(ToText(UtcSeconds{-1}), "1969-12-31T23:59:59Z");
  EXPECT_EQ(ToText(UtcSeconds{951'782'399}), "2000-02-28T23:59:59Z");
  EXPECT_EQ(DateOf(UtcSeconds{951'782'400}), (Date{2000, 2, 29}));
}

RC_GTEST_PROP(DateTest, GivesBackTheDayOfAnyTime, ()) {
  const auto day = *rc::gen::inRange<std::int64_t>(-300'000, 2'900'000);
  const Date date = DateOf(UtcSeconds{day * 86'400 + 86'399});
  RC_ASSERT(DaysSinceEpoch(date) == day);
  RC_ASSERT(ParseDate(ToText(date)).value() == date);
}

TEST(DurationTest, ReadsAWholeNumberAndAUnit) {
  EXPECT_EQ(ParseDuration("500ms").value(), Duration(500));
  EXPECT_EQ(ParseDuration("60s").value(), Duration(60'000));
  EXPECT_EQ(ParseDuration("5min").value(), Duration(300'000));
  EXPECT_EQ(ParseDuration("2h").value(), Duration(7'200'000));
}

TEST(DurationTest, RefusesEverythingElse) {
  for (const char* text : {"", "5", "s", "0s", "-1s", "1.5s", "5 s", "5m", "99999999999h", "5S"}) {
    EXPECT_FALSE(ParseDuration(text).has_value()) << text;
  }
}

TEST(InstantTest, MovesByDurations) {
  EXPECT_EQ(Instant{5} + Duration(7), Instant{12});
  EXPECT_EQ(Instant{12} - Instant{5}, Duration(7));
}

}  // namespace
}  // namespace consilium
