// Covers common/pages/svg_parts.cc and common/pages/number_text.cc, too.

#include "common/pages/svg_columns.h"

#include <regex>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace consilium {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

std::size_t CountOf(const std::string& svg, const std::string& text) {
  std::size_t count = 0;
  for (std::size_t at = svg.find(text); at != std::string::npos; at = svg.find(text, at + 1)) {
    ++count;
  }
  return count;
}

/// The least and the largest x of everything drawn.
void ExpectWithin(const std::string& svg) {
  static const std::regex kPlace(R"re( (x|x1|x2|cx)="([-0-9.]+)")re");
  for (std::sregex_iterator at(svg.begin(), svg.end(), kPlace), end; at != end; ++at) {
    const double x = std::stod((*at)[2].str());
    EXPECT_GE(x, 0) << at->str();
    EXPECT_LE(x, 360) << at->str();
  }
}

TEST(HistogramTest, HasAColumnForEachPartWithValues) {
  const std::string svg = Histogram("ages", {20, 10, {3, 0, 7, 1}, 0, 0, {}});
  EXPECT_EQ(CountOf(svg, "class=\"area fed\""), 3U);
  EXPECT_THAT(svg, AllOf(HasSubstr("aria-label=\"ages\""), Not(HasSubstr("hollow"))));
  ExpectWithin(svg);
}

TEST(HistogramTest, WhatLiesOutsideIsHollow) {
  HistogramData data{20, 10, {3, 5}, 2, 4, {}};
  data.quartiles = QuartileParts{0, 1, 1};
  const std::string svg = Histogram("t", data);
  EXPECT_EQ(CountOf(svg, "area hollow"), 2U);
  EXPECT_EQ(CountOf(svg, "class=\"box\""), 1U);
  ExpectWithin(svg);
  EXPECT_THAT(Histogram("t", {}), IsEmpty());
}

TEST(HistogramTest, OneRowAmongMillionsIsStillDrawn) {
  const std::string svg = Histogram("t", {0, 1, {1, 5'000'000}, 0, 0, {}});
  EXPECT_EQ(CountOf(svg, "class=\"area fed\""), 2U);
  EXPECT_THAT(svg, Not(HasSubstr("height=\"0.0\"")));
}

TEST(PeriodColumnsTest, NamesAreAsManyAsHaveRoom) {
  PeriodData data;
  for (int i = 0; i < 60; ++i) {
    data.names.push_back(std::to_string(1960 + i));
    data.values.emplace_back(i);
    data.beside.emplace_back(30);
  }
  data.step = 30;
  const std::string svg = PeriodColumns("t", data);
  EXPECT_EQ(CountOf(svg, "class=\"area fed\""), 59U);
  EXPECT_EQ(CountOf(svg, "<circle"), 60U);
  EXPECT_EQ(CountOf(svg, "class=\"truth\""), 1U);
  EXPECT_LT(CountOf(svg, ">19") + CountOf(svg, ">20"), 8U);
  ExpectWithin(svg);
  EXPECT_THAT(PeriodColumns("t", {}), IsEmpty());
}

TEST(PeriodCurveTest, HasAGapWhereThereIsNoValue) {
  PeriodData data;
  data.names = {"2019", "2020", "2021", "2022"};
  data.values = {5.0, std::nullopt, 6.0, 6.5};
  const std::string svg = PeriodCurve("t", data);
  EXPECT_EQ(CountOf(svg, "<circle"), 3U);
  EXPECT_EQ(CountOf(svg, "M"), 2U);
  ExpectWithin(svg);
  data.values.assign(4, std::nullopt);
  EXPECT_THAT(PeriodCurve("t", data), IsEmpty());
  data.values.assign(4, 7.0);
  EXPECT_THAT(PeriodCurve("t", data), Not(HasSubstr("nan")));
}

}  // namespace
}  // namespace consilium
