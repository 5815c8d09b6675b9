// How a site's rows lie in memory, and in which orders they are met.

#include "protocols/analyses/train/site_rows.h"

#include <algorithm>
#include <map>
#include <set>

#include <gtest/gtest.h>

#include "common/crypto/hash.h"
#include "tests/protocols/analyses/train/train_testing.h"
#include "tests/support/train_plan.h"

namespace consilium::train {
namespace {

using testing::TrainPatients;
using testing::TrainPlanOf;

ByteArray<32> SeedOf(std::uint64_t number) { return Hasher("test").Add(number).Finish().bytes; }

TEST(DrawnOrderTest, EveryRowIsMetOnceAndRunsLieTogether) {
  for (const std::size_t rows : {8U, 9U, 15U, 180U, 200U}) {
    for (const std::size_t run : {std::size_t{1}, kRun}) {
      const std::vector<std::uint32_t> order = DrawnOrder(rows, run, SeedOf(rows));
      std::set<std::size_t> met;
      for (std::size_t k = 0; k < order.size(); ++k) {
        EXPECT_LT(order[k], rows + run - 1);
        met.insert(order[k] % rows);
        if (k % run != 0) {
          EXPECT_EQ(order[k], order[k - 1] + 1);
        }
      }
      EXPECT_EQ(order.size(), rows);
      EXPECT_EQ(met.size(), rows);
    }
  }
}

/// A count is binomial with mean 500 and deviation 21.8; one of 2 x 529 beyond 6 deviations: 2e-6.
TEST(DrawnOrderTest, EachRowIsAsLikelyAtEachPlace) {
  constexpr std::size_t kRows = 23;
  constexpr std::size_t kDraws = 500 * kRows;
  for (const std::size_t run : {std::size_t{1}, kRun}) {
    std::map<std::pair<std::size_t, std::size_t>, int> counts;
    for (std::size_t draw = 0; draw < kDraws; ++draw) {
      const std::vector<std::uint32_t> order = DrawnOrder(kRows, run, SeedOf(draw));
      for (std::size_t k = 0; k < kRows; ++k) ++counts[{k, order[k] % kRows}];
    }
    ASSERT_EQ(counts.size(), kRows * kRows);
    for (const auto& [place, count] : counts) EXPECT_NEAR(count, 500, 6 * 21.8);
  }
}

SiteRows RowsOf(const std::string& rest, std::size_t patients) {
  const Plan plan = TrainPlanOf("ill", "rounds = 2\nstandardise = \"range\"\n" + rest);
  const TrainPlan parsed = testing::TrainPlanIn(plan);
  return MakeSiteRows(parsed, RangeScaling(parsed), TrainPatients(plan, patients, 4)).value();
}

TEST(SiteRowsTest, RowsAreDrawnInRunsWhereBatchesAreMadeOfWholeOnes) {
  EXPECT_EQ(RowsOf("model = \"logistic\"\nbatch_size = 32", 200).run, kRun);
  EXPECT_EQ(RowsOf("model = \"logistic\"\nbatch_size = 20", 200).run, 1u);
  EXPECT_EQ(RowsOf("model = \"logistic\"\nbatch_size = 32", 30).run, 1u) << "one batch of 30";
  EXPECT_EQ(RowsOf("model = \"mlp\"\nhidden = [4]\nbatch_size = 32", 200).run, 1u);
}

TEST(SiteRowsTest, RowsLieInTheDrawnOrderThenTheFirstAgainThenThoseHeldOut) {
  const std::string rest = "model = \"logistic\"\nbatch_size = 16\nvalidation = 0.25";
  const SiteRows rows = RowsOf(rest, 100);
  const Plan plan = TrainPlanOf("ill", "rounds = 2\nstandardise = \"range\"\n" + rest);
  const Cohort cohort = TrainPatients(plan, 100, 4);
  ASSERT_EQ(rows.run, kRun);
  ASSERT_EQ(rows.learned.size(), 75u);
  ASSERT_EQ(rows.held_out.size(), 25u);
  EXPECT_FALSE(std::is_sorted(rows.learned.begin(), rows.learned.end()));
  const auto expect = [&](std::size_t at, std::uint32_t row) {
    const double dose = cohort.values(row, 1);
    EXPECT_EQ(rows.values.data()[at * rows.stride], static_cast<float>((dose - 5) / 5));
    EXPECT_EQ(rows.values.data()[at * rows.stride + rows.inputs], 1.0F);
    EXPECT_EQ(rows.targets[at], static_cast<float>(cohort.values(row, 0)));
  };
  for (std::size_t k = 0; k < 75; ++k) expect(k, rows.learned[k]);
  for (std::size_t k = 0; k + 1 < kRun; ++k) expect(75 + k, rows.learned[k]);
  ASSERT_EQ(rows.first_held_out(), 75 + kRun - 1);
  for (std::size_t k = 0; k < 25; ++k) expect(rows.first_held_out() + k, rows.held_out[k]);
}

}  // namespace
}  // namespace consilium::train
