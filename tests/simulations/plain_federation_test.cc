#include "simulations/plain_federation.h"

#include <limits>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "protocols/plan.h"

namespace consilium {
namespace {

Plan MakePlan() {
  return ParsePlan(
             "[study]\ntitle = \"T\"\nrequested_by = \"R\"\nexpires = 2027-06-30\n"
             "minimum_sites = 3\n[contract]\npatient = \"id\"\n"
             "[[contract.column]]\nname = \"y\"\ntype = \"number\"\nrange = [0, 100]\n"
             "[[contract.column]]\nname = \"x\"\ntype = \"number\"\nrange = [0, 100]\n"
             "[analysis]\nkind = \"linear\"\noutcome = \"y\"\nfeatures = [\"x\"]\n",
             "plan.toml")
      .value();
}

Cohort MakeCohort(double start, int rows) {
  Cohort cohort;
  cohort.columns = {"y", "x"};
  cohort.values.resize(rows, 2);
  for (int i = 0; i < rows; ++i) {
    cohort.values(i, 1) = start + i * 0.7;
    cohort.values(i, 0) = 3 + 0.3 * cohort.values(i, 1) + 0.1 * (i % 3);
  }
  cohort.patients = static_cast<std::uint64_t>(rows);
  return cohort;
}

std::vector<const Cohort*> Pointers(const std::vector<Cohort>& cohorts) {
  std::vector<const Cohort*> pointers;
  for (const Cohort& cohort : cohorts) pointers.push_back(&cohort);
  return pointers;
}

TEST(PlainFederationTest, NumberOfThreadsChangesNoBit) {
  const Plan plan = MakePlan();
  std::vector<Cohort> cohorts;
  for (int site = 0; site < 23; ++site) cohorts.push_back(MakeCohort(0.1 * site, 5 + site));
  const PlainRun one = RunPlain(*plan.analysis, Pointers(cohorts), 1).value();
  for (const unsigned threads : {2U, 5U, 64U}) {
    EXPECT_EQ(RunPlain(*plan.analysis, Pointers(cohorts), threads)->result.json, one.result.json);
  }
  EXPECT_EQ(one.result.sites, 23u);
}

TEST(PlainFederationTest, CountsRoundsAndTellsTheWatcher) {
  const Plan plan = MakePlan();
  const std::vector<Cohort> cohorts = {MakeCohort(1, 9), MakeCohort(2, 9)};
  std::vector<std::uint32_t> seen;
  const PlainRun run = RunPlain(*plan.analysis, Pointers(cohorts), 1, [&seen](std::uint32_t round) {
                         seen.push_back(round);
                       }).value();
  ASSERT_GE(run.rounds, 2U);
  ASSERT_EQ(seen.size(), run.rounds);
  for (std::uint32_t i = 0; i < seen.size(); ++i) EXPECT_EQ(seen[i], i + 1);
}

TEST(PlainFederationTest, EndsWithTheErrorOfTheFirstSiteThatRefuses) {
  const Plan plan = MakePlan();
  std::vector<Cohort> cohorts = {MakeCohort(1, 9), MakeCohort(2, 9), MakeCohort(3, 9)};
  cohorts[1].values(2, 0) = std::numeric_limits<double>::quiet_NaN();
  cohorts[2].values(2, 1) = 101;
  for (const unsigned threads : {1U, 3U}) {
    const Result<PlainRun> run = RunPlain(*plan.analysis, Pointers(cohorts), threads);
    ASSERT_FALSE(run.has_value());
    EXPECT_EQ(run.error().code, ErrorCode::kDataQuality);
    EXPECT_THAT(run.error().message, ::testing::HasSubstr("\"y\""));
  }
}

}  // namespace
}  // namespace consilium
