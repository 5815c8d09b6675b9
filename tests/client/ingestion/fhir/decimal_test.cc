#include "client/ingestion/fhir/decimal.h"

#include <optional>
#include <string>

#include <gtest/gtest.h>

namespace consilium {
namespace {

Decimal Of(std::string_view text) {
  const auto decimal = Decimal::Parse(text);
  EXPECT_TRUE(decimal.has_value()) << text;
  return decimal.value_or(Decimal(0));
}

std::string Text(const std::optional<Decimal>& decimal) {
  return decimal ? decimal->ToText() : "none";
}

TEST(DecimalTest, KeepsTheDigitsThatWereWritten) {
  EXPECT_EQ(Of("1.0").ToText(), "1.0");
  EXPECT_EQ(Of("-0.050").ToText(), "-0.050");
  EXPECT_EQ(Of("0").ToText(), "0");
  EXPECT_EQ(Of("1.5e3").ToText(), "1500");
  EXPECT_EQ(Of("12E-4").ToText(), "0.0012");
  EXPECT_EQ(Of("999999999999999999").ToText(), "999999999999999999");
}

TEST(DecimalTest, RefusesWhatItCannotHoldExactly) {
  for (const char* text : {"", "-", ".", "abc", "1.2.3", "1e", "1e+-1", "1 ", "1000000000000000000",
                           "1e400", "1e99999999999", "0.1234567890123456789", "1e-19"}) {
    EXPECT_FALSE(Decimal::Parse(text).has_value()) << text;
  }
  EXPECT_FALSE(Decimal::Parse(std::string(100'000, '9')).has_value());
  // Zeros behind the point cost nothing, nor does a zero of any size.
  EXPECT_EQ(Of("1.0000000000000000000000").Compare(Of("1")), 0);
  EXPECT_EQ(Of("0e500").Compare(Of("0")), 0);
}

TEST(DecimalTest, ComputesWithoutTheErrorsOfBinaryFractions) {
  EXPECT_EQ(Text(Of("0.1").Plus(Of("0.2"))), "0.3");
  EXPECT_EQ(Text(Of("1.10").Minus(Of("2"))), "-0.90");
  EXPECT_EQ(Text(Of("1.5").Times(Of("-0.4"))), "-0.60");
  EXPECT_EQ(Text(Of("3").Over(Of("2"))), "1.5");
  EXPECT_EQ(Text(Of("6").Over(Of("0.003"))), "2000");
  EXPECT_EQ(Text(Of("1").Over(Of("3"))), "0.333333333333333333");
  EXPECT_EQ(Text(Of("-2").Over(Of("3"))), "-0.666666666666666667");
  EXPECT_EQ(Text(Of("1").Over(Of("0.00"))), "none");
  EXPECT_EQ(Text(Of("999999999999999999").Plus(Of("1"))), "none");
  EXPECT_EQ(Text(Of("999999999999999999").Times(Of("999999999999999999"))), "none");
  EXPECT_EQ(Text(Of("999999999999999999").Over(Of("0.1"))), "none");
}

TEST(DecimalTest, ComparesValuesAndNotDigits) {
  EXPECT_EQ(Of("1.0").Compare(Of("1")), 0);
  EXPECT_LT(Of("-3").Compare(Of("-2.999")), 0);
  EXPECT_GT(Of("999999999999999999").Compare(Of("0.000000000000000001")), 0);
  EXPECT_EQ(Of("4.00").Whole(), 4);
  EXPECT_FALSE(Of("4.01").Whole().has_value());
}

TEST(DecimalTest, HasBoundariesHalfAUnitAway) {
  EXPECT_EQ(Text(Of("1.0").LowBoundary()), "0.95");
  EXPECT_EQ(Text(Of("1.0").HighBoundary()), "1.05");
  EXPECT_EQ(Text(Of("7").LowBoundary()), "6.5");
  EXPECT_EQ(Text(Of("-7").HighBoundary()), "-6.5");
  EXPECT_EQ(Text(Of("0").LowBoundary()), "-0.5");
}

}  // namespace
}  // namespace consilium
