// Covers protocols/analyses/glm/scaling.cc and protocols/analyses/glm/slices.cc.

#include "protocols/analyses/glm/scaling.h"

#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "protocols/analyses/glm/slices.h"

namespace consilium::glm {
namespace {

/// A number from -2 to 10 and one level of a category, behind two outcomes.
Design TwoTerms() {
  Design design;
  design.columns = {"event", "time", "x", "stage"};
  design.features.resize(2);
  Term number;
  number.name = "x";
  number.minimum = -2;
  number.maximum = 10;
  Term level;
  level.name = "stage_II";
  level.feature = 1;
  level.indicator = level.of_category = true;
  level.level = 1;
  design.terms = {number, level};
  return design;
}

TEST(ScalingTest, TheContractsRangesBecomeMinusOneToOne) {
  const Design design = TwoTerms();
  const Scaling scaling = ScalingByRange(design);
  EXPECT_EQ(scaling.centres, (std::vector<double>{4, 0.5}));
  EXPECT_EQ(scaling.scales, (std::vector<double>{6, 0.5}));
  for (const double bound : TermBounds(scaling, design)) EXPECT_NEAR(bound, 1, 1e-8);
}

TEST(ScalingTest, BoundsReachTheFartherEndOfTheRange) {
  EXPECT_NEAR(StandardisedBound(-2, 10, 9, 0.5), 22, 1e-6);
  EXPECT_GE(StandardisedBound(-2, 10, 9, 0.5), 22);
}

TEST(ScalingTest, ReadsTermsBehindAllOutcomes) {
  const Design design = TwoTerms();
  const TermReader reader({{4, 0.25}, {6, 0.5}}, design);
  const double row[] = {1, 300, 7, 1};
  std::vector<double> terms(reader.size());
  reader.Read(row, terms);
  EXPECT_EQ(terms, (std::vector<double>{0.5, 1.5}));
}

TEST(ScalingTest, KnowsNumbersThatAreNoScaling) {
  const Design design = TwoTerms();
  EXPECT_TRUE(IsScalingOf({{0, 0}, {1, 1}}, design));
  EXPECT_FALSE(IsScalingOf({{0}, {1}}, design));
  EXPECT_FALSE(IsScalingOf({{0, 0}, {1, 0}}, design));
  EXPECT_FALSE(IsScalingOf({{0, 0}, {1, -1}}, design));
  EXPECT_FALSE(IsScalingOf({{0, std::numeric_limits<double>::quiet_NaN()}, {1, 1}}, design));
  EXPECT_FALSE(IsScalingOf({{0, 0}, {1, std::numeric_limits<double>::infinity()}}, design));
}

TEST(SlicesTest, RefusesABoundThatLeavesNoRoomForSites) {
  EXPECT_TRUE(CheckBounds({ScoreSlice(3, 1e280)}).has_value());
  const Status refused = CheckBounds({CountSlice("rows", "how many", 5), ScoreSlice(3, 1e295)});
  ASSERT_FALSE(refused.has_value());
  EXPECT_THAT(refused.error().message, ::testing::HasSubstr("\"score\""));
}

TEST(SlicesTest, ListsEachNameOnce) {
  std::vector<Slice> slices = CohortSlices(100);
  AppendNew({CountSlice("patients", "again", 5), InformationSlice(2, 1)}, slices);
  ASSERT_EQ(slices.size(), 3u);
  EXPECT_EQ(slices[2].shape, "3 (upper triangle of 2 x 2)");
  EXPECT_EQ(slices[2].slot.count, 3u);
}

}  // namespace
}  // namespace consilium::glm
