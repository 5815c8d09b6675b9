#include "protocols/analyses/glm/tables.h"

#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace consilium::glm {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(TablesTest, ARatioHasItsLimitsButTheInterceptHasNone) {
  const std::vector<Coefficient> lines = {WaldLine(std::string(kIntercept), -1, 0.5, 0.95),
                                          WaldLine("age", 0.25, 0.1, 0.95)};
  const nlohmann::ordered_json json = CoefficientsJson(lines, {"HR", "hazard_ratio"});
  EXPECT_FALSE(json[0].contains("hazard_ratio"));
  EXPECT_DOUBLE_EQ(json[1]["hazard_ratio"].get<double>(), std::exp(0.25));
  EXPECT_DOUBLE_EQ(json[1]["hazard_ratio_low"].get<double>(), std::exp(lines[1].low));
  EXPECT_DOUBLE_EQ(json[1]["hazard_ratio_high"].get<double>(), std::exp(lines[1].high));
  // pnorm(-2.5) * 2 and 0.25 - qnorm(0.975) * 0.1 in R
  EXPECT_NEAR(lines[1].p_value, 0.0124193306515523, 1e-15);
  EXPECT_NEAR(lines[1].low, 0.0540036015459946, 1e-14);
  EXPECT_THAT(CoefficientTable(lines, {"HR", "hazard_ratio"}, "z", 0.95), HasSubstr("HR\n"));
  EXPECT_THAT(CoefficientsJson(lines, {}).dump(), Not(HasSubstr("ratio")));
}

TEST(TablesTest, LongSentencesAreBrokenAtBlanks) {
  const std::string text = Wrapped(std::string(90, 'a') + " bbbbbbb " + std::string(120, 'c'));
  EXPECT_EQ(text, std::string(90, 'a') + "\nbbbbbbb\n" + std::string(120, 'c') + "\n");
}

TEST(TablesTest, WhatIsNoNumberIsADashAndNull) {
  const double none = std::nan("");
  const std::vector<Coefficient> lines = {{"x", 1.5, none, none, none, none, none}};
  EXPECT_THAT(CoefficientTable(lines, {}, "t", 0.95),
              ::testing::EndsWith("1.5           -        -         -                       -\n"));
  EXPECT_TRUE(CoefficientsJson(lines, {})[0]["std_error"].is_null());
}

TEST(TablesTest, HugeStatisticsLeaveABlankBetweenCells) {
  const std::vector<Coefficient> lines = {
      {"x", -1.23456789e-11, 1.2345e-100, -1.234567e+120, 1e-310, -1.23456e-200, -1.23456e-100}};
  const std::string table = CoefficientTable(lines, {}, "t", 0.95);
  EXPECT_THAT(table, ::testing::HasSubstr(" -1.23e+120 "));
  EXPECT_THAT(table, ::testing::HasSubstr(" 0 "));
}

}  // namespace
}  // namespace consilium::glm
