// What is merged or left out, and the curves that are drawn of the rest.

#include "protocols/analyses/evaluate/curves.h"

#include <cmath>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace consilium::evaluate {
namespace {

using ::testing::ElementsAre;

TEST(MergeBinsTest, NoPartHasAFewRowsEventsOrOthers) {
  // Five rows without an event are a part; five with one event are not.
  EXPECT_THAT(
      MergeBins(std::vector<double>{0, 1, 2, 3, 6}, std::vector<double>{5, 4, 4, 1, 0}, 5, 5),
      ElementsAre(0, 3, 4));
  // What is left at the end joins those before, as far back as it must.
  EXPECT_THAT(MergeBins(std::vector<double>{5, 0, 0, 1}, std::vector<double>{5, 5, 0, 0}, 5, 5),
              ElementsAre(3));
  EXPECT_THAT(MergeBins(std::vector<double>{0, 5, 0, 2}, std::vector<double>{5, 5, 0, 0}, 5, 5),
              ElementsAre(0, 3));
  // Empty bins belong to what comes after, and at the end to what was before.
  EXPECT_THAT(
      MergeBins(std::vector<double>{0, 5, 0, 5, 0}, std::vector<double>{0, 0, 0, 0, 0}, 5, 5),
      ElementsAre(1, 4));
  EXPECT_THAT(MergeBins(std::vector<double>{1, 0}, std::vector<double>{0, 1}, 5, 5),
              ElementsAre(1));
}

RC_GTEST_PROP(MergeBinsTest, CoversAllBinsWithLargePartsOrOne, ()) {
  const auto bins = *rc::gen::inRange<std::size_t>(1, 40);
  const auto count = rc::gen::map(rc::gen::inRange(0, 9), [](int n) { return n * 1.0; });
  const auto events = *rc::gen::container<std::vector<double>>(bins, count);
  const auto others = *rc::gen::container<std::vector<double>>(bins, count);
  const double minimum = *rc::gen::inRange(1, 12);
  const double rows = *rc::gen::inRange(0, 30);
  const std::vector<std::size_t> ends = MergeBins(events, others, minimum, rows);
  RC_ASSERT(!ends.empty() && ends.back() == bins - 1);
  std::size_t bin = 0;
  for (const std::size_t end : ends) {
    double part_events = 0;
    double part_others = 0;
    for (; bin <= end; ++bin) {
      part_events += events[bin];
      part_others += others[bin];
    }
    if (ends.size() == 1) break;
    RC_ASSERT(IsLarge(part_events + part_others, part_events, minimum));
    RC_ASSERT(part_events + part_others >= rows);
  }
}

TEST(LeftOutTest, WhatIsLeftOutIsLargeTogether) {
  const auto left_out = [](std::vector<double> rows, std::vector<double> events) {
    return LeftOut(rows, events, 5);
  };
  EXPECT_THAT(left_out({50, 60}, {20, 20}), ElementsAre(false, false));
  EXPECT_THAT(left_out({50, 4}, {20, 0}), ElementsAre(true, true));
  EXPECT_THAT(left_out({50, 60, 40, 6}, {20, 20, 20, 1}), ElementsAre(false, false, true, true));
  // Two levels of three rows are six with three events: still too few.
  EXPECT_THAT(left_out({50, 40, 3, 3}, {20, 20, 1, 2}), ElementsAre(false, true, true, true));
  EXPECT_THAT(left_out({50, 4, 8}, {20, 4, 7}), ElementsAre(true, true, true));
  EXPECT_THAT(left_out({50, 9, 8}, {20, 6, 2}), ElementsAre(false, true, true));
  // A level that nobody has tells nothing, and one that all have is the whole.
  EXPECT_THAT(left_out({50, 0}, {20, 0}), ElementsAre(false, false));
  EXPECT_THAT(left_out({0, 3}, {0, 1}), ElementsAre(false, true));
}

RC_GTEST_PROP(LeftOutTest, NeitherAShownLevelNorTheRestIsSmall, ()) {
  const auto levels = *rc::gen::inRange<std::size_t>(1, 8);
  const auto count = rc::gen::map(rc::gen::inRange(0, 15), [](int n) { return n * 1.0; });
  const auto events = *rc::gen::container<std::vector<double>>(levels, count);
  const auto others = *rc::gen::container<std::vector<double>>(levels, count);
  std::vector<double> rows;
  for (std::size_t i = 0; i < levels; ++i) rows.push_back(events[i] + others[i]);
  const std::vector<bool> left_out = LeftOut(rows, events, 5);
  double rest = 0;
  double rest_events = 0;
  bool any_shown = false;
  for (std::size_t i = 0; i < levels; ++i) {
    if (left_out[i]) {
      rest += rows[i];
      rest_events += events[i];
    } else if (rows[i] > 0) {
      any_shown = true;
      RC_ASSERT(IsLarge(rows[i], events[i], 5));
    }
  }
  RC_ASSERT(!any_shown || rest == 0 || IsLarge(rest, rest_events, 5));
}

EvaluatePlan PlanWith(std::size_t bins) {
  EvaluatePlan plan;
  plan.bins = bins;
  return plan;
}

/// Ten bins; 20 rows in each of the first and the sixth.
TEST(DrawCurvesTest, NetBenefitIsWhatItIsByHand) {
  std::vector<double> events(10, 0.0);
  std::vector<double> others(10, 0.0);
  std::vector<double> predicted(10, 0.0);
  events[0] = 5;
  others[0] = 15;
  predicted[0] = 1;
  events[5] = 14;
  others[5] = 6;
  predicted[5] = 11;
  const Curves curves = DrawCurves(PlanWith(10), events, others, predicted);
  ASSERT_EQ(curves.decision.size(), 1u);
  const DecisionPoint& point = curves.decision[0];
  EXPECT_DOUBLE_EQ(point.threshold, 0.1);
  EXPECT_DOUBLE_EQ(point.sensitivity, 14.0 / 19);
  EXPECT_DOUBLE_EQ(point.specificity, 15.0 / 21);
  EXPECT_DOUBLE_EQ(point.net_benefit, (14 - 6 * (0.1 / 0.9)) / 40);
  EXPECT_DOUBLE_EQ(point.treat_all, (19 - 21 * (0.1 / 0.9)) / 40);
  ASSERT_EQ(curves.calibration.size(), 2u);
  EXPECT_EQ(curves.calibration[0].from, 0);
  EXPECT_DOUBLE_EQ(curves.calibration[0].to, 0.1);
  EXPECT_DOUBLE_EQ(curves.calibration[1].from, 0.1);
  EXPECT_EQ(curves.calibration[1].to, 1);
  EXPECT_DOUBLE_EQ(curves.calibration[1].predicted, 0.55);
  EXPECT_DOUBLE_EQ(curves.calibration[1].observed, 0.7);
  EXPECT_EQ(curves.calibration[1].events, 14);
}

TEST(EvaluatePlanTest, ABinBeginsAtItsLowerEndToTheLastDigit) {
  for (const std::size_t bins : {7u, 100u, 1000u}) {
    const EvaluatePlan plan = PlanWith(bins);
    for (std::size_t bin = 0; bin < bins; ++bin) {
      EXPECT_EQ(plan.BinOf(plan.LowerEnd(bin)), bin);
      if (bin == 0) continue;
      EXPECT_EQ(plan.BinOf(std::nextafter(plan.LowerEnd(bin), 0)), bin - 1);
    }
    EXPECT_EQ(plan.BinOf(1), bins - 1);
  }
}

TEST(EvaluatePlanTest, ScoreBinsAreOpenAtTheirEnds) {
  const EvaluatePlan plan = PlanWith(100);
  EXPECT_EQ(plan.ScoreBinOf(-1e9), 0u);
  EXPECT_EQ(plan.ScoreBinOf(1e9), plan.score_bins - 1);
  for (std::size_t bin = 0; bin < plan.score_bins; ++bin) {
    EXPECT_EQ(plan.ScoreBinOf(plan.ScoreOf(bin)), bin);
  }
}

}  // namespace
}  // namespace consilium::evaluate
