#include "client/ingestion/fhir/fhir_time.h"

#include <optional>
#include <string>

#include <gtest/gtest.h>

namespace consilium {
namespace {

Temporal Moment(std::string_view text) {
  const auto moment = Temporal::ParseDateTime(text);
  EXPECT_TRUE(moment.has_value()) << text;
  return moment.value_or(*Temporal::ParseDate("2000"));
}

std::optional<int> Compare(std::string_view left, std::string_view right) {
  return Moment(left).Compare(Moment(right));
}

TEST(TemporalTest, ReadsWhatFhirWrites) {
  for (const char* text : {"2020", "2020-02", "2020-02-29", "2020-02-29T23:59:60Z",
                           "2020-02-29T10:00", "2020-02-29T10:00:00.123456+14:00"}) {
    EXPECT_TRUE(Temporal::ParseDateTime(text).has_value()) << text;
  }
  for (const char* text :
       {"", "20", "2020-", "2020-13", "2020-00-01", "2021-02-29", "2020-02-30", "0000-01-01",
        "2020-02-29T", "2020-02-29T24:00", "2020-02-29T10", "2020-02-29T10:00:00.", "2020-1-1",
        "2020-02-29T10:00+15:00", "2020-02-29T10:00+1", "2020-02-29 10:00", "2020-02-29x",
        "2020-02T10:00"}) {
    EXPECT_FALSE(Temporal::ParseDateTime(text).has_value()) << text;
  }
  EXPECT_FALSE(Temporal::ParseDate("2020-01-01T10:00").has_value());
  EXPECT_TRUE(Temporal::ParseTime("10:00:30.5").has_value());
  EXPECT_FALSE(Temporal::ParseTime("10:00Z").has_value());
}

TEST(TemporalTest, ComparesMomentsInTheirZones) {
  EXPECT_EQ(Compare("2020-01-01T10:00:00+02:00", "2020-01-01T08:00:00Z"), 0);
  EXPECT_EQ(Compare("2020-01-01T00:30:00+02:00", "2019-12-31T22:31:00Z"), -1);
  EXPECT_EQ(Compare("2020-12-31T23:30:00-03:00", "2021-01-01T02:29:59.999Z"), 1);
  EXPECT_EQ(Compare("2020-01-01T10:00:00Z", "2020-01-01T10:00:00.000Z"), 0);
}

TEST(TemporalTest, DoesNotSayWhatACoarserOneLeavesOpen) {
  EXPECT_EQ(Compare("2020", "2020-05"), std::nullopt);
  EXPECT_EQ(Compare("2019", "2020-05"), -1);
  EXPECT_EQ(Compare("2020-05-01", "2020-05-01T10:00:00Z"), std::nullopt);
  EXPECT_EQ(Compare("2020-05-02", "2020-05-01T10:00:00Z"), 1);
  // Without a zone a time may be hours away.
  EXPECT_EQ(Compare("2020-05-01T10:00:00", "2020-05-01T10:00:00Z"), std::nullopt);
  EXPECT_EQ(Compare("2020-05-03T10:00:00", "2020-05-01T10:00:00Z"), 1);
  EXPECT_EQ(Temporal::ParseTime("10:00")->Compare(Moment("2020")), std::nullopt);
  EXPECT_EQ(Temporal::ParseTime("10:00:01")->Compare(*Temporal::ParseTime("10:00:02")), -1);
}

TEST(TemporalTest, HasTheFirstAndLastMomentItCanMean) {
  EXPECT_EQ(Temporal::ParseDate("2020")->HighBoundary(), "2020-12-31");
  EXPECT_EQ(Temporal::ParseDate("2020-02")->HighBoundary(), "2020-02-29");
  EXPECT_EQ(Temporal::ParseDate("1900-02")->HighBoundary(), "1900-02-28");
  EXPECT_EQ(Moment("2010").LowBoundary(), "2010-01-01T00:00:00.000+14:00");
  EXPECT_EQ(Moment("2010-10-10T12:34:00+02:00").HighBoundary(), "2010-10-10T12:34:00.999+02:00");
  EXPECT_EQ(Temporal::ParseTime("12:34")->HighBoundary(), "12:34:59.999");
}

TEST(TemporalTest, CountsMilliseconds) {
  EXPECT_EQ(Moment("1970").FirstMillisecond(), 0);
  EXPECT_EQ(Moment("1970-01-01T01:00:00+01:00").FirstMillisecond(), 0);
  EXPECT_EQ(Moment("1969-12-31T23:59:59.5Z").FirstMillisecond(), -500);
  EXPECT_EQ(Moment("2020-02-29").FirstMillisecond(), 1582934400000);
}

}  // namespace
}  // namespace consilium
