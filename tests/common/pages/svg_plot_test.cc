// Also of svg_curves.cc and svg_parts.cc.

#include "common/pages/svg_plot.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace consilium {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(SvgPlotTest, TicksAreRoundAndInside) {
  EXPECT_EQ(TicksOf(0, 10, 5), (std::vector<double>{0, 2, 4, 6, 8, 10}));
  EXPECT_EQ(TicksOf(-0.3, 1.2, 3), (std::vector<double>{0, 0.5, 1}));
  EXPECT_EQ(TicksOf(1e6, 1.1e6, 2), (std::vector<double>{1e6, 1.05e6, 1.1e6}));
}

TEST(SvgPlotTest, AnIntervalBeyondTheScaleEndsInAnArrow) {
  const ForestRow narrow{"federated", Series::kFederated, 1.0, 0.9, 1.1, ""};
  const ForestRow wide{"small", Series::kAlone, 1.2, -1e6, 1e6, ""};
  const auto paths = [](const std::string& svg) {
    std::size_t count = 0;
    for (std::size_t at = svg.find("<path"); at != std::string::npos;
         at = svg.find("<path", at + 1))
      ++count;
    return count;
  };
  EXPECT_EQ(paths(ForestPlot("t", {narrow}, {})), 0u);
  EXPECT_EQ(paths(ForestPlot("t", {narrow, wide}, {})), 2u);
}

TEST(SvgPlotTest, NoPlotHasANumberThatIsNone) {
  const std::string plots =
      ForestPlot("t", {{"a", Series::kFederated, std::nullopt, 0, 0, "none"}}, {}) +
      ForestPlot("t", {{"a", Series::kFederated, 0.0, 0, 0, ""}}, 0.0) +
      LinePlot("t", "x", "y", {{1, 5}}) + LinePlot("t", "x", "y", {{1, 5}, {2, 5}}) +
      BarPlot("t", {{"a", 0, "0", Series::kAlone, false}}, {}) + StripPlot("t", {}, {}) +
      StripPlot("t", {{"a", Series::kAlone, {3, 3}}}, 3.0) + StepPlot("t", "x", {}, 1) +
      StepPlot("t", "x", {{"a", {}, {}, {}}}, 1);
  EXPECT_THAT(plots, AllOf(Not(HasSubstr("nan")), Not(HasSubstr("inf"))));
  EXPECT_EQ(LinePlot("t", "x", "y", {}), "");
}

TEST(SvgPlotTest, CurvesFallInStepsAndTheirLimitsGoAsFarAsTheyAreKnown) {
  // From x = 50 to 490 for times 0 to 4, from y = 12 (all) to 240 (none).
  const std::string svg = StepPlot(
      "t", "x", {{"a", {{1, 0.5}, {2, 0}}, {{1, 0.25}}, {{1, 1}}}, {"b", {{4, 0.5}}, {}, {}}}, 4);
  EXPECT_THAT(svg, AllOf(HasSubstr("\"M50.0 12.0H160.0V126.0H270.0V240.0H490.0\""),
                         HasSubstr("\"M50.0 12.0H160.0V183.0\""),
                         HasSubstr("\"M50.0 12.0H490.0V126.0H490.0\""),
                         HasSubstr("stroke-dasharray=\"8 4\"")));
}

TEST(SvgPlotTest, ALongLabelIsCutBetweenCharactersAndKeptAsATitle) {
  const std::string svg =
      BarPlot("t", {{"Universitätsspital Zürich Nord", 1, "1", Series::kAlone, false}}, {});
  EXPECT_THAT(svg, AllOf(HasSubstr("<title>Universitätsspital Zürich Nord</title>"),
                         HasSubstr("Universitätsspital …")));
}

TEST(BandPlotTest, LabelsThatWouldLieOnOneAnotherMoveApart) {
  std::vector<BandCurve> curves;
  for (int i = 0; i < 12; ++i) {
    curves.push_back({"c" + std::to_string(i), {{1, 0, 0, 0}, {2, 1 + 1e-6 * i, 1, 1}}});
  }
  const std::string svg = BandPlot("t", "round", "y", curves);
  std::vector<double> heights;
  for (std::size_t at = svg.find("class=\"label\""); at != std::string::npos;
       at = svg.find("class=\"label\"", at + 1)) {
    const std::size_t y = svg.rfind("y=\"", at);
    heights.push_back(std::stod(svg.substr(y + 3)));
  }
  ASSERT_EQ(heights.size(), 12u);
  for (std::size_t i = 1; i < heights.size(); ++i) EXPECT_GE(heights[i] - heights[i - 1], 14);
  EXPECT_LE(heights.back(), 210);
}

TEST(BandPlotTest, HasNoNumberThatIsNone) {
  EXPECT_EQ(BandPlot("t", "x", "y", {}), "");
  EXPECT_EQ(BandPlot("t", "x", "y", {{"empty", {}}}), "");
  EXPECT_THAT(BandPlot("t", "x", "y", {{"a", {{1, 0, 0, 0}}}, {"empty", {}}}),
              AllOf(Not(HasSubstr("nan")), Not(HasSubstr("inf"))));
}

}  // namespace
}  // namespace consilium
