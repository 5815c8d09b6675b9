// How the split of the patients over hospitals matters: to the last digits only, and the order of
// hospitals not at all. What a site refuses to answer.

#include <algorithm>
#include <cmath>
#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "protocols/analyses/glm/query.h"
#include "simulations/plain_federation.h"
#include "tests/protocols/analyses/regression_testing.h"

namespace consilium::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

Plan LogisticPlan() {
  return PlanOf(Boolean("y") + Number("x", 0, 10) + Category("g", {"a", "b"}),
                "kind = \"logistic\"\noutcome = \"y\"\nfeatures = [\"x\", \"g\"]");
}

/// A cohort of any size whose outcome follows x, from a small linear congruential sequence.
Cohort Patients(const Plan& plan, std::size_t count, std::uint64_t seed) {
  Cohort cohort;
  cohort.columns = plan.analysis->columns();
  cohort.values.resize(static_cast<Eigen::Index>(count), 3);
  cohort.patients = count;
  const auto draw = [&seed] {
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return static_cast<double>(seed >> 40) / static_cast<double>(1 << 24);
  };
  for (Eigen::Index i = 0; i < cohort.values.rows(); ++i) {
    const double x = 10 * draw();
    cohort.values(i, 1) = x;
    cohort.values(i, 2) = draw() < 0.4 ? 1 : 0;
    cohort.values(i, 0) = draw() < 1 / (1 + std::exp(3 - 0.6 * x)) ? 1 : 0;
  }
  return cohort;
}

Cohort Part(const Cohort& cohort, Eigen::Index from, Eigen::Index count) {
  Cohort part;
  part.columns = cohort.columns;
  part.values = cohort.values.middleRows(from, count);
  part.patients = static_cast<std::uint64_t>(count);
  return part;
}

TEST(RegressionTest, OrderOfSitesChangesNoBit) {
  const Plan plan = LogisticPlan();
  std::vector<Cohort> cohorts;
  for (std::uint64_t site = 0; site < 6; ++site) cohorts.push_back(Patients(plan, 30 + site, site));
  const Outcome first = RunOn(plan, cohorts);
  std::reverse(cohorts.begin(), cohorts.end());
  std::swap(cohorts[1], cohorts[4]);
  const Outcome second = RunOn(plan, cohorts);
  EXPECT_EQ(first.result.json, second.result.json);
  ASSERT_EQ(first.queries.size(), second.queries.size());
  for (std::size_t i = 0; i < first.queries.size(); ++i) {
    EXPECT_EQ(first.queries[i].body, second.queries[i].body);
  }
}

RC_GTEST_PROP(RegressionTest, AnySplitOfThePatientsGivesTheSameFit, ()) {
  const Plan plan = LogisticPlan();
  const Cohort all = Patients(plan, 240, 7);
  const Json pooled = RunOn(plan, {all}).json;
  std::vector<Cohort> cohorts;
  Eigen::Index at = 0;
  while (at < all.values.rows()) {
    const Eigen::Index size =
        std::min<Eigen::Index>(*rc::gen::inRange<Eigen::Index>(0, 120), all.values.rows() - at);
    cohorts.push_back(Part(all, at, size));
    at += size;
    if (cohorts.size() > 20) break;
  }
  cohorts.push_back(Part(all, at, all.values.rows() - at));
  const Json federated = RunOn(plan, cohorts).json;
  RC_ASSERT(federated["patients"] == pooled["patients"]);
  for (std::size_t j = 0; j < 3; ++j) {
    for (const char* field : {"estimate", "std_error"}) {
      const double one = pooled["coefficients"][j][field];
      const double many = federated["coefficients"][j][field];
      RC_ASSERT(std::abs(one - many) <= 1e-12 * std::abs(one));
    }
  }
}

TEST(RegressionTest, AnswersWhatItDescribes) {
  const Plan plan = LogisticPlan();
  const Cohort cohort = Patients(plan, 50, 1);
  const Outcome outcome = RunOn(plan, {cohort});
  for (const Query& query : outcome.queries) {
    std::size_t count = 0;
    const std::vector<Slice> slices = plan.analysis->Describe(query).value();
    for (const Slice& slice : slices) {
      EXPECT_FALSE(slice.meaning.empty());
      count += slice.slot.count;
    }
    EXPECT_EQ(plan.analysis->Answer(query, cohort)->values.size(), count);
  }
}

TEST(RegressionTest, ReviewListsEverySliceThatWillLeave) {
  const Plan plan = LogisticPlan();
  const std::vector<Slice> review = plan.analysis->DescribeForReview();
  const Outcome outcome = RunOn(plan, {Patients(plan, 50, 1)});
  for (const Query& query : outcome.queries) {
    const std::vector<Slice> slices = plan.analysis->Describe(query).value();
    for (const Slice& slice : slices) {
      const auto listed = std::find_if(review.begin(), review.end(), [&slice](const Slice& other) {
        return other.name == slice.name && other.shape == slice.shape;
      });
      EXPECT_NE(listed, review.end()) << slice.name;
    }
  }
}

TEST(RegressionTest, CountsPatientsOnceHoweverManyRowsTheyHave) {
  const Plan plan = LogisticPlan();
  Cohort cohort = Patients(plan, 50, 1);
  cohort.patients = 20;
  const Outcome outcome = RunOn(plan, {cohort});
  EXPECT_EQ(outcome.result.patients, 20u);
  EXPECT_EQ(outcome.json["rows"], 50);
}

TEST(RegressionTest, RefusesACohortThatBreaksTheContract) {
  const Plan plan = LogisticPlan();
  const Query query = RunOn(plan, {Patients(plan, 50, 1)}).queries.back();
  const double bad[][2] = {{0, 0.5},
                           {0, 2},
                           {1, 10.5},
                           {1, -1},
                           {1, std::numeric_limits<double>::quiet_NaN()},
                           {1, std::numeric_limits<double>::infinity()},
                           {2, 2},
                           {2, 0.5}};
  for (const auto& [column, value] : bad) {
    Cohort cohort = Patients(plan, 50, 1);
    cohort.values(17, static_cast<Eigen::Index>(column)) = value;
    const Result<Contribution> answer = plan.analysis->Answer(query, cohort);
    ASSERT_FALSE(answer.has_value());
    EXPECT_EQ(answer.error().code, ErrorCode::kDataQuality);
    EXPECT_THAT(answer.error().message,
                HasSubstr("\"" + cohort.columns[static_cast<std::size_t>(column)] + "\""));
    EXPECT_THAT(answer.error().message, Not(HasSubstr("10.5")));
  }
}

TEST(RegressionTest, RefusesBytesThatAreNoQuery) {
  const Plan plan = LogisticPlan();
  const std::vector<Query> queries = RunOn(plan, {Patients(plan, 50, 1)}).queries;
  const auto expect_refused = [&plan](const Bytes& body) {
    const Result<std::vector<Slice>> slices = plan.analysis->Describe({body});
    ASSERT_FALSE(slices.has_value());
    EXPECT_EQ(slices.error().code, ErrorCode::kInvalidArgument);
  };
  expect_refused({});
  for (const Query& query : queries) {
    Bytes longer = query.body;
    longer.push_back(std::byte{0});
    expect_refused(longer);
    expect_refused(Bytes(query.body.begin(), query.body.end() - 1));
    Bytes unknown_step = query.body;
    unknown_step[0] = std::byte{9};
    expect_refused(unknown_step);
  }
}

TEST(RegressionTest, RefusesQueriesWithOtherDimensionsOrImpossibleNumbers) {
  const Plan plan = LogisticPlan();
  glm::GlmQuery good;
  good.step = glm::Step::kNewton;
  good.scaling.centres = {5, 0.5};
  good.scaling.scales = {2, 0.5};
  good.coefficients = {0, 1, 1};
  ASSERT_TRUE(plan.analysis->Describe(glm::EncodeQuery(good)).has_value());
  std::vector<glm::GlmQuery> bad(7, good);
  bad[0].coefficients = {0, 1};
  bad[1].scaling.scales[0] = 0;
  bad[2].scaling.scales[1] = -1;
  bad[3].coefficients[2] = std::numeric_limits<double>::quiet_NaN();
  bad[4].coefficients[2] = 1e300;
  bad[5].scaling.centres.push_back(1);
  bad[6].outcome_scale = 2;
  for (const glm::GlmQuery& query : bad) {
    const Result<std::vector<Slice>> slices = plan.analysis->Describe(glm::EncodeQuery(query));
    ASSERT_FALSE(slices.has_value());
    EXPECT_EQ(slices.error().code, ErrorCode::kInvalidArgument);
  }
}

TEST(RegressionTest, FitsTheBoundsItStatesAtTheEdgesOfTheContract) {
  const Plan plan = LogisticPlan();
  Cohort edges;
  edges.columns = plan.analysis->columns();
  edges.values.resize(4, 3);
  edges.values << 0, 0, 1, 1, 10, 0, 0, 10, 1, 1, 0, 0;
  edges.patients = 4;
  const std::vector<CohortView> sites(3, CohortView(edges));
  PlainFederation federation(*plan.analysis, sites);
  glm::GlmQuery query;
  query.step = glm::Step::kNewton;
  query.scaling.centres = {9, 0.1};
  query.scaling.scales = {0.01, 0.3};
  query.coefficients = {-40, 30, 7};
  EXPECT_EQ(federation.Sum(glm::EncodeQuery(query)).values[0], 12);
}

}  // namespace
}  // namespace consilium::testing
