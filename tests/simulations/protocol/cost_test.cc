// Covers simulations/protocol/cost_report.cc as well. Predictions are checked against the machines
// themselves on the virtual network.

#include "simulations/protocol/cost.h"

#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "protocols/secure_sum/limits.h"
#include "simulations/draws.h"
#include "simulations/protocol/protocol_run.h"

namespace consilium {
namespace {

using ::testing::HasSubstr;

Plan PlanOf(std::size_t features, std::string_view outcome_range = "[0, 100]") {
  std::string text =
      "[study]\ntitle = \"T\"\nrequested_by = \"R\"\npermit = \"none\"\nexpires = 2027-06-30\n"
      "minimum_sites = 3\n[contract]\npatient = \"id\"\n"
      "[[contract.column]]\nname = \"y\"\ntype = \"number\"\nrange = " +
      std::string(outcome_range) + "\n";
  std::string names;
  for (std::size_t j = 0; j < features; ++j) {
    const std::string name = "x" + std::to_string(j);
    text += "[[contract.column]]\nname = \"" + name + "\"\ntype = \"number\"\nrange = [-1, 1]\n";
    names += (j == 0 ? "\"" : ", \"") + name + "\"";
  }
  return ParsePlan(text + "[analysis]\nkind = \"linear\"\noutcome = \"y\"\nfeatures = [" + names +
                       "]\n[privacy]\nminimum_patients = 5\n",
                   "plan.toml")
      .value();
}

std::vector<Cohort> Cohorts(const Plan& plan, std::uint32_t sites) {
  std::vector<Cohort> cohorts(sites);
  SeededRandom random = StreamOf(5, "cost test");
  for (Cohort& cohort : cohorts) {
    cohort.columns = plan.analysis->columns();
    cohort.patients = 4 * plan.analysis->columns().size();
    cohort.values.resize(static_cast<Eigen::Index>(cohort.patients),
                         static_cast<Eigen::Index>(cohort.columns.size()));
    for (Eigen::Index i = 0; i < cohort.values.size(); ++i) {
      cohort.values.data()[i] = random.Unit();
    }
  }
  return cohorts;
}

struct CostCase {
  const char* name;
  std::uint32_t sites;
  std::size_t features;
  NetworkModel network;
};

void PrintTo(const CostCase& test, std::ostream* out) { *out << test.name; }

class CostTest : public ::testing::TestWithParam<CostCase> {};

TEST_P(CostTest, IsWhatTheMachinesTake) {
  const CostCase& test = GetParam();
  const Plan plan = PlanOf(test.features);
  const std::vector<Cohort> cohorts = Cohorts(plan, test.sites);
  ProtocolOptions run_options;
  run_options.network = test.network;
  const Result<RecordedRun> ran = RunOverProtocol(plan, ViewsOf(cohorts), run_options);
  ASSERT_TRUE(ran.has_value()) << Describe(ran.error());
  const RecordedRun& run = *ran;
  CostOptions options;
  options.sites = test.sites;
  options.network = test.network;
  std::vector<AskedRound> asked;
  for (const RoundRecord& round : run.rounds) {
    asked.push_back({round.answer_bytes / sizeof(std::uint64_t)});
  }

  const StudyCost cost = PredictRounds(options, asked);

  for (std::size_t i = 0; i < run.rounds.size(); ++i) {
    const RoundTraffic& traffic = *run.rounds[i].traffic;
    // The run is over with the last sum, which then still has to go down to the sites.
    if (i + 1 == run.rounds.size() && asked[i].words > kChunkWords) break;
    EXPECT_EQ(cost.rounds[i].bytes_to_site * test.sites, traffic.bytes_to_sites);
    EXPECT_EQ(cost.rounds[i].bytes_from_site * test.sites, traffic.bytes_from_sites);
  }
  // Within 2 %: who comes first on a line that several wait for is not the same in both.
  const auto seconds = static_cast<double>(run.protocol->traffic.lasted.count());
  EXPECT_NEAR(static_cast<double>(cost.takes.count()), seconds, 0.02 * seconds);
}

constexpr Duration kNone{0};

INSTANTIATE_TEST_SUITE_P(
    Networks,
    CostTest,
    ::testing::Values(
        CostCase{"three", 3, 2, {Duration(20), kNone, 0, 0, kNone}},
        CostCase{"slow_lines", 5, 10, {Duration(50), kNone, 256e3, 0, kNone}},
        CostCase{"computing", 7, 3, {Duration(10), kNone, 10e6, 100e6, Duration(3'000)}},
        CostCase{"slow_coordinator", 20, 5, {Duration(30), kNone, 10e6, 2e6, kNone}},
        CostCase{"many", 60, 4, {Duration(40), kNone, 5e6, 50e6, Duration(500)}},
        CostCase{"neighbours", 129, 2, {Duration(40), kNone, 5e6, 0, kNone}},
        CostCase{"one_chunk", 4, 90, {Duration(25), kNone, 2e6, 0, Duration(200)}},
        CostCase{"sums_on_a_slow_line", 5, 330, {Duration(25), kNone, 0, 4e6, kNone}},
        CostCase{"four_chunks", 5, 330, {Duration(25), kNone, 20e6, 50e6, Duration(200)}}),
    [](const auto& one) { return std::string(one.param.name); });

TEST(CostPredictionTest, TakesTheNumberOfRoundsThatIsGiven) {
  CostOptions options;
  options.sites = 6;
  options.rounds = 12;
  const StudyCost cost = PredictCost(PlanOf(2), options).value();
  EXPECT_EQ(cost.rounds.size(), 12u);
  EXPECT_TRUE(cost.rounds_given);
}

TEST(CostPredictionTest, RefusesFederationsThatTheProtocolDoesNotTake) {
  for (const std::uint32_t sites : {0U, 2U, 5'000'000U}) {
    CostOptions options;
    options.sites = sites;
    EXPECT_FALSE(PredictCost(PlanOf(2), options).has_value()) << sites;
  }
}

TEST(CostPredictionTest, IsPrintedForPeopleAndForPrograms) {
  const Plan plan = PlanOf(2);
  CostOptions options;
  options.sites = 6;
  options.network.site_bandwidth = 10e6;
  const StudyCost cost = PredictCost(plan, options).value();
  const std::string text = CostText(plan, options, cost);
  EXPECT_THAT(text, HasSubstr("T, 6 sites"));
  EXPECT_THAT(text, HasSubstr("10 Mbit/s"));
  EXPECT_THAT(text, HasSubstr("masked vector"));
  const auto json = nlohmann::json::parse(CostJson(plan, options, cost));
  EXPECT_EQ(json["sites"], 6);
  EXPECT_EQ(json["bytes_to_each_site"], cost.bytes_to_site);
  EXPECT_EQ(json["rounds"].size(), cost.rounds.size());
  EXPECT_EQ(json["network"]["site_bits_per_second"], 10e6);
}

}  // namespace
}  // namespace consilium
