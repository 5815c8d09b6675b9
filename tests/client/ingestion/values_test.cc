#include "client/ingestion/values.h"

#include <charconv>
#include <cmath>
#include <string>

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include "common/names.h"

namespace consilium {
namespace {

constexpr NumberFormat kPoint{};
constexpr NumberFormat kComma{.decimal = ','};

DataFault FaultOf(std::string_view text, const NumberFormat& format) {
  const auto value = ParseNumber(text, format);
  EXPECT_FALSE(value.has_value()) << text;
  return value ? DataFault::kPatientMissing : value.error();
}

TEST(ParseNumberTest, ReadsNumbersWithAPoint) {
  EXPECT_EQ(*ParseNumber("42", kPoint), 42);
  EXPECT_EQ(*ParseNumber("-0.5", kPoint), -0.5);
  EXPECT_EQ(*ParseNumber("+1.25", kPoint), 1.25);
  EXPECT_EQ(*ParseNumber(".5", kPoint), 0.5);
  EXPECT_EQ(*ParseNumber("5.", kPoint), 5);
  EXPECT_EQ(*ParseNumber("1.5e3", kPoint), 1500);
  EXPECT_EQ(*ParseNumber("1E-2", kPoint), 0.01);
}

TEST(ParseNumberTest, ReadsNumbersWithAComma) {
  EXPECT_EQ(*ParseNumber("1,82", kComma), 1.82);
  EXPECT_EQ(*ParseNumber("-1,5e2", kComma), -150);
  EXPECT_EQ(*ParseNumber("70", kComma), 70);
}

RC_GTEST_PROP(ParseNumberPropertyTest, ShortNumbersAreTheNearestDoublesToo, ()) {
  const auto digits =
      *rc::gen::container<std::string>(rc::gen::elementOf(std::string("0123456789")));
  const auto fraction =
      *rc::gen::container<std::string>(rc::gen::elementOf(std::string("0123456789")));
  RC_PRE(!digits.empty() || !fraction.empty());
  const bool negative = *rc::gen::arbitrary<bool>();
  const std::string text = (negative ? "-" : "") + digits + "." + fraction;
  double nearest = 0;
  std::from_chars(text.data(), text.data() + text.size(), nearest);
  const auto value = ParseNumber(text, kPoint);
  RC_ASSERT(value.has_value());
  RC_ASSERT(*value == nearest);
  RC_ASSERT(std::signbit(*value) == std::signbit(nearest));
  std::string comma = text;
  comma[comma.find('.')] = ',';
  RC_ASSERT(ParseNumber(comma, kComma).value() == nearest);
}

TEST(ParseNumberTest, ReadsThousandsInGroupsOfThreeOnly) {
  const NumberFormat german{.decimal = ',', .thousands = '.'};
  EXPECT_EQ(*ParseNumber("1.234.567,5", german), 1234567.5);
  EXPECT_EQ(*ParseNumber("1234", german), 1234);
  EXPECT_EQ(*ParseNumber("-12.345", german), -12345);
  for (const char* text :
       {"1.23", "1.23.456", "1.2345", "1234.567", ".123", "1..234", "1.234,5,6", "1,234.5"}) {
    EXPECT_FALSE(ParseNumber(text, german).has_value()) << text;
  }
  const NumberFormat swiss{.decimal = '.', .thousands = '\''};
  EXPECT_EQ(*ParseNumber("1'234.5", swiss), 1234.5);
}

TEST(ParseNumberTest, ADecimalCommaIsRecognisedNotGuessed) {
  EXPECT_EQ(FaultOf("1,82", kPoint), DataFault::kLooksLikeDecimalComma);
  EXPECT_EQ(FaultOf("1.82", kComma), DataFault::kLooksLikeDecimalPoint);
  EXPECT_EQ(FaultOf("1,234", kPoint), DataFault::kLooksLikeThousands);
  EXPECT_EQ(FaultOf("1,234,567", kPoint), DataFault::kLooksLikeThousands);
  EXPECT_EQ(FaultOf("1 234", kPoint), DataFault::kLooksLikeThousands);
}

TEST(ParseNumberTest, RefusesWhatIsNoFiniteNumber) {
  for (const char* text : {"NaN", "nan", "-nan", "Inf", "-inf", "Infinity", "1e999", "1e-999"}) {
    EXPECT_EQ(FaultOf(text, kPoint), DataFault::kNotFinite) << text;
  }
}

TEST(ParseNumberTest, RefusesEverythingElse) {
  for (const char* text :
       {"", "-", ".", "e5", "1e", "1e+", "0x10", "12a", "<5", "1.2.3a", "--1", "1 000 EUR", "٣"}) {
    EXPECT_EQ(FaultOf(text, kPoint), DataFault::kNotANumber) << text;
  }
}

RC_GTEST_PROP(ParseNumberPropertyTest, ReadsBackEveryFiniteNumber, ()) {
  const auto value = *rc::gen::suchThat<double>([](double x) { return std::isfinite(x); });
  char text[64];
  const auto end = std::to_chars(text, text + sizeof text, value).ptr;
  std::string written(text, end);
  RC_ASSERT(*ParseNumber(written, kPoint) == value);
  for (char& c : written) {
    if (c == '.') c = ',';
  }
  RC_ASSERT(*ParseNumber(written, kComma) == value);
}

TEST(ParseBooleanTest, KnowsTheListedWordsInAnyCase) {
  for (const char* text : {"true", "T", "yes", "Y", "ja", "J", "1", "1.0", "oui", "si", "TRUE"}) {
    EXPECT_EQ(ParseBoolean(text), true) << text;
  }
  for (const char* text : {"false", "F", "no", "N", "nein", "0", "0.0", "non", "False"}) {
    EXPECT_EQ(ParseBoolean(text), false) << text;
  }
  for (const char* text : {"", "2", "-1", "x", "yess", "on", "wahr"}) {
    EXPECT_EQ(ParseBoolean(text), std::nullopt) << text;
  }
}

TEST(ParseDayTest, ReadsEachFormat) {
  EXPECT_EQ(*ParseDay("1970-01-02", {DateFormat::kIso}), 1);
  EXPECT_EQ(*ParseDay("1970-01-02 00:00:00", {DateFormat::kIso}), 1);
  EXPECT_EQ(*ParseDay("02.01.1970", {DateFormat::kDayMonthYearDots}), 1);
  EXPECT_EQ(*ParseDay("2.1.1970", {DateFormat::kDayMonthYearDots}), 1);
  EXPECT_EQ(*ParseDay("01/02/1970", {DateFormat::kMonthDayYear}), 1);
  EXPECT_EQ(*ParseDay("02/01/1970", {DateFormat::kDayMonthYear}), 1);
  EXPECT_EQ(*ParseDay("19700102", {DateFormat::kCompact}), 1);
  EXPECT_EQ(*ParseDay("29.02.2024", {DateFormat::kIso, DateFormat::kDayMonthYearDots}), 19782);
}

TEST(ParseDayTest, RefusesDaysThatDoNotExistAndOtherFormats) {
  EXPECT_FALSE(ParseDay("2023-02-29", {DateFormat::kIso}).has_value());
  EXPECT_FALSE(ParseDay("31.04.2024", {DateFormat::kDayMonthYearDots}).has_value());
  EXPECT_FALSE(ParseDay("13/01/2024", {DateFormat::kMonthDayYear}).has_value());
  EXPECT_FALSE(ParseDay("02.01.70", {DateFormat::kDayMonthYearDots}).has_value());
  EXPECT_FALSE(ParseDay("2024-01-05 13:30:00", {DateFormat::kIso}).has_value());
  for (const char* text : {"", "2024", "2024-1-5", "2024-01", "2024-01-", "202", "02.01.", "1/2"}) {
    for (const DateFormat format : {DateFormat::kIso, DateFormat::kDayMonthYearDots,
                                    DateFormat::kMonthDayYear, DateFormat::kCompact}) {
      EXPECT_FALSE(ParseDay(text, {format}).has_value()) << text;
    }
  }
}

TEST(NearestNameTest, SuggestsTheLikelyName) {
  const std::vector<std::string> names{"patient_id", "age", "Thal_ach", "oldpeak"};
  EXPECT_EQ(NearestName("PatientID", names), "patient_id");
  EXPECT_EQ(NearestName("thalach", names), "Thal_ach");
  EXPECT_EQ(NearestName("oldpeek", names), "oldpeak");
  EXPECT_EQ(NearestName("zzzz", names), "");
}

}  // namespace
}  // namespace consilium
