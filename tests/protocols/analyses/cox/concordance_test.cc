// Covers protocols/analyses/cox/concordance.cc and protocols/analyses/cox/follow_up.cc.

#include "protocols/analyses/cox/concordance.h"

#include <cmath>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace consilium::cox {
namespace {

TEST(TimeOrderTest, TheLongestComesFirstAndEqualTimesStandTogether) {
  const TimeOrder order = OrderByTime(std::vector<double>{3, 9, 3, 0, 12});
  EXPECT_EQ(order.order, (std::vector<std::size_t>{4, 1, 0, 2, 3}));
  ASSERT_EQ(order.groups.size(), 4u);
  EXPECT_EQ(order.groups[2].begin, 2u);
  EXPECT_EQ(order.groups[2].end, 4u);
}

TEST(TimeOrderTest, TimesThatRoundingTookApartAreEqual) {
  EXPECT_EQ(OrderByTime(std::vector<double>{0.1 + 0.2, 0.3, 5}).groups.size(), 2u);
  EXPECT_EQ(OrderByTime(std::vector<double>{1000, 1000 + 1e-6, 4000}).groups.size(), 2u);
  EXPECT_EQ(OrderByTime(std::vector<double>{1, 1 + 1e-6, 2}).groups.size(), 3u);
  EXPECT_TRUE(OrderByTime({}).groups.empty());
}

struct Patient {
  double time;
  bool event;
  double risk;
};

PairSums Count(const std::vector<Patient>& patients) {
  std::vector<double> times;
  std::vector<bool> event;
  std::vector<double> risks;
  for (const Patient& patient : patients) {
    times.push_back(patient.time);
    event.push_back(patient.event);
    risks.push_back(patient.risk);
  }
  return CountPairs(OrderByTime(times), event, risks);
}

/// Every pair by itself.
PairSums CountOneByOne(const std::vector<Patient>& patients) {
  PairSums sums;
  for (const Patient& one : patients) {
    double score = 0;
    double count = 0;
    for (const Patient& other : patients) {
      if (&one == &other) continue;
      const bool one_first =
          one.event && (one.time < other.time || (one.time == other.time && !other.event));
      const bool other_first =
          other.event && (other.time < one.time || (one.time == other.time && !one.event));
      if (!one_first && !other_first) continue;
      const double first = one_first ? one.risk : other.risk;
      const double last = one_first ? other.risk : one.risk;
      ++count;
      score += first > last ? 1 : first < last ? -1 : 0;
      if (!one_first) continue;
      (first > last ? sums.concordant : first < last ? sums.discordant : sums.tied) += 1;
    }
    sums.squares += score * score;
    sums.products += score * count;
    sums.counts += count * count;
  }
  return sums;
}

RC_GTEST_PROP(ConcordanceTest, CountsEveryPairOnce, ()) {
  std::vector<Patient> patients;
  const auto size = *rc::gen::inRange<std::size_t>(0, 40);
  for (std::size_t i = 0; i < size; ++i) {
    patients.push_back({static_cast<double>(*rc::gen::inRange(0, 9)), *rc::gen::arbitrary<bool>(),
                        static_cast<double>(*rc::gen::inRange(0, 6))});
  }
  const PairSums fast = Count(patients);
  const PairSums slow = CountOneByOne(patients);
  RC_ASSERT(fast.concordant == slow.concordant);
  RC_ASSERT(fast.discordant == slow.discordant);
  RC_ASSERT(fast.tied == slow.tied);
  RC_ASSERT(fast.squares == slow.squares);
  RC_ASSERT(fast.products == slow.products);
  RC_ASSERT(fast.counts == slow.counts);
}

TEST(ConcordanceTest, PerfectOrderHasNoStandardError) {
  const Concordance concordance = ConcordanceOf(Count({{1, true, 3}, {2, true, 2}, {3, false, 1}}));
  EXPECT_EQ(concordance.estimate, 1);
  EXPECT_EQ(concordance.std_error, 0);
}

TEST(ConcordanceTest, IsThatOfR) {
  // concordance(Surv(c(1,2,2,3,5,5), c(1,1,0,1,0,1)) ~ c(2,5,1,4,4,3), reverse = TRUE)
  const PairSums sums =
      Count({{1, true, 2}, {2, true, 5}, {2, false, 1}, {3, true, 4}, {5, false, 4}, {5, true, 3}});
  const Concordance concordance = ConcordanceOf(sums);
  EXPECT_EQ(sums.concordant, 6);
  EXPECT_EQ(sums.discordant, 5);
  EXPECT_EQ(sums.tied, 1);
  EXPECT_NEAR(concordance.estimate, 0.54166666666666674, 1e-15);
  EXPECT_NEAR(concordance.std_error, 0.20430125949105069, 1e-14);
}

}  // namespace
}  // namespace consilium::cox
