#include "protocols/analyses/survival/grid.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace consilium::survival {
namespace {

using Ends = std::vector<std::uint32_t>;

TEST(MergeBinsTest, BinsGrowUntilTheyHoldEnoughEvents) {
  EXPECT_EQ(MergeBins({2, 1, 2, 5, 4, 1}, 5), (Ends{2, 3, 5}));
}

TEST(MergeBinsTest, RunsWithoutEventsStayApart) {
  EXPECT_EQ(MergeBins({0, 0, 3, 0, 2, 0, 6, 0, 0}, 5), (Ends{1, 4, 5, 6, 8}));
}

TEST(MergeBinsTest, LateBinsAreClosedFirstAndWhatIsLeftAtTheStartJoinsTheBinBehind) {
  EXPECT_EQ(MergeBins({5, 0, 5, 0, 2, 0, 1, 0}, 5), (Ends{0, 1, 6, 7}));
  EXPECT_EQ(MergeBins({4, 4, 4, 4, 3, 2}, 5), (Ends{1, 3, 5}));
  EXPECT_EQ(MergeBins({1, 0, 5, 5}, 5), (Ends{2, 3}));
}

TEST(MergeBinsTest, TooFewInAllIsNoGrid) {
  EXPECT_TRUE(MergeBins({2, 0, 2}, 5).empty());
  EXPECT_TRUE(MergeBins({0, 0}, 1).empty());
}

RC_GTEST_PROP(MergeBinsTest, EveryMergedBinHasNoneOrEnoughAndNothingIsLost, ()) {
  const double minimum = *rc::gen::inRange(1, 8);
  std::vector<double> events(*rc::gen::inRange<std::size_t>(1, 40));
  double all = 0;
  for (double& number : events) {
    number = std::max(0, *rc::gen::inRange(-4, 6));
    all += number;
  }
  const Ends ends = MergeBins(events, minimum);
  RC_ASSERT(ends.empty() == (all < minimum));
  if (ends.empty()) return;
  RC_ASSERT(ends.back() == events.size() - 1);
  double seen = 0;
  for (const double number : Merged(events, ends)) {
    RC_ASSERT(number == 0 || number >= minimum);
    seen += number;
  }
  RC_ASSERT(seen == all);
}

}  // namespace
}  // namespace consilium::survival
