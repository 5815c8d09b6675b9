// The machines on a virtual network give the very bits of plain sums, whatever network and faults.

#include "simulations/protocol/protocol_run.h"

#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "protocols/header.h"
#include "protocols/result_document.h"
#include "simulations/draws.h"

namespace consilium {
namespace {

using ::testing::HasSubstr;

std::string PlanText(const std::string& kind, const std::string& outcome) {
  return "[study]\ntitle = \"T\"\nrequested_by = \"R\"\npermit = \"none\"\nexpires = 2020-06-30\n"
         "minimum_sites = 3\n[contract]\npatient = \"id\"\n"
         "[[contract.column]]\nname = \"ill\"\ntype = \"boolean\"\n"
         "[[contract.column]]\nname = \"visits\"\ntype = \"integer\"\nrange = [0, 60]\n"
         "[[contract.column]]\nname = \"dose\"\ntype = \"number\"\nrange = [-20, 20]\n"
         "[[contract.column]]\nname = \"age\"\ntype = \"number\"\nrange = [0, 100]\n"
         "[analysis]\nkind = \"" +
         kind + "\"\noutcome = \"" + outcome +
         "\"\nfeatures = [\"age\"]\n[privacy]\nminimum_patients = 5\n";
}

Plan PlanOf(const std::string& kind, const std::string& outcome) {
  return ParsePlan(PlanText(kind, outcome), "plan.toml").value();
}

std::vector<Cohort> Cohorts(const Plan& plan, std::uint32_t sites, std::size_t rows = 40) {
  std::vector<Cohort> cohorts(sites);
  SeededRandom random = StreamOf(7, "protocol run test");
  for (Cohort& cohort : cohorts) {
    cohort.columns = plan.analysis->columns();
    cohort.patients = rows;
    cohort.values.resize(static_cast<Eigen::Index>(rows), 2);
    for (Eigen::Index row = 0; row < cohort.values.rows(); ++row) {
      const double age = 20 + 60 * random.Unit();
      const std::string& outcome = cohort.columns.front();
      cohort.values(row, 1) = age;
      cohort.values(row, 0) = outcome == "ill"      ? (random.Unit() < age / 100 ? 1 : 0)
                              : outcome == "visits" ? std::floor(age / 20 + 3 * random.Unit())
                                                    : age / 30 + random.Unit();
    }
  }
  return cohorts;
}

/// A network that takes its time, and every kind of fault that an experiment can ask for.
ProtocolOptions BadWeather(std::uint64_t seed) {
  ProtocolOptions options;
  options.seed = seed;
  options.network.latency = Duration(30);
  options.network.jitter = Duration(200);
  options.network.site_bandwidth = 512'000;
  options.network.coordinator_bandwidth = 2e6;
  options.network.computing = Duration(700);
  options.faults = {.cuts = 0.003,
                    .site_crashes = 0.002,
                    .coordinator_crashes = 0.001,
                    .slow_answers = 0.02,
                    .stops = 0.002};
  return options;
}

class ProtocolRunTest : public ::testing::TestWithParam<std::pair<const char*, const char*>> {};

TEST_P(ProtocolRunTest, GivesTheBitsOfPlainSumsInAnyWeather) {
  const Plan plan = PlanOf(GetParam().first, GetParam().second);
  for (const std::uint32_t sites : {3U, 7U, 20U}) {
    const std::vector<Cohort> cohorts = Cohorts(plan, sites);
    const PlainRun plain = RunPlain(*plan.analysis, ViewsOf(cohorts)).value();
    const std::string expected = ResultDocument(plan, plain.result, plain.rounds);
    ProtocolOptions calm;
    calm.network.computing = Duration(0);
    for (const ProtocolOptions& options : {calm, BadWeather(1), BadWeather(2)}) {
      const Result<RecordedRun> run = RunOverProtocol(plan, ViewsOf(cohorts), options);
      ASSERT_TRUE(run.has_value()) << Describe(run.error());
      EXPECT_EQ(ResultDocument(plan, run->run.result, run->run.rounds), expected);
      EXPECT_EQ(run->run.result.table, plain.result.table);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Analyses,
                         ProtocolRunTest,
                         ::testing::Values(std::pair{"linear", "dose"},
                                           std::pair{"logistic", "ill"},
                                           std::pair{"poisson", "visits"}),
                         [](const auto& one) { return std::string(one.param.first); });

TEST(ProtocolRunTest, GivesTheBitsOfPlainSumsWhereSitesChooseNeighbours) {
  const Plan plan = PlanOf("linear", "dose");
  const std::vector<Cohort> cohorts = Cohorts(plan, 129);
  const PlainRun plain = RunPlain(*plan.analysis, ViewsOf(cohorts)).value();
  ProtocolOptions options;
  options.network.latency = Duration(30);
  options.faults = {.cuts = 0.004, .site_crashes = 0.0005};
  const Result<RecordedRun> run = RunOverProtocol(plan, ViewsOf(cohorts), options);
  ASSERT_TRUE(run.has_value()) << Describe(run.error());
  EXPECT_EQ(ResultDocument(plan, run->run.result, run->run.rounds),
            ResultDocument(plan, plain.result, plain.rounds));
  EXPECT_FALSE(run->protocol->faults.empty());
}

/// Sites draw their noise from their own generators there, so it is another than that of plain
/// sums.
TEST(ProtocolRunTest, SumsWithNoiseAreThoseOfTheAnswersUpToIt) {
  std::string text = PlanText("summary", "ill");
  const std::string regression = "outcome = \"ill\"\nfeatures = [\"age\"]\n";
  text.replace(text.find(regression), regression.size(),
               "by = \"ill\"\nvariables = [\"age\"]\nmantel_haenszel = false\n");
  // More than any policy's preset allows: a simulation's hospitals ask for no more than the plan.
  // It covers the attempts that bad weather breaks off, too.
  text += "[privacy.dp]\nnoise_multiplier = 0.3\nepsilon = 100\ndelta = 1e-5\n";
  const Plan plan = ParsePlan(text, "plan.toml").value();
  std::vector<Cohort> cohorts = Cohorts(plan, 5);
  for (Cohort& cohort : cohorts) {
    for (Eigen::Index i = 0; i < cohort.values.rows(); ++i)
      cohort.values(i, 0) = i % 2 == 0 ? 1 : 0;
  }
  const Result<RecordedRun> run = RunOverProtocol(plan, ViewsOf(cohorts), BadWeather(3));
  ASSERT_TRUE(run.has_value()) << Describe(run.error());
  const auto result = nlohmann::json::parse(run->run.result.json);
  const double rows = result["rows"];
  EXPECT_NE(rows, 200);
  EXPECT_NEAR(rows, 200, 20);
}

TEST(ProtocolRunTest, NotesWhatEachRoundTook) {
  const Plan plan = PlanOf("logistic", "ill");
  const std::vector<Cohort> cohorts = Cohorts(plan, 5);
  ProtocolOptions options;
  options.network.latency = Duration(100);
  options.network.computing = Duration(2'000);
  std::vector<std::uint32_t> told;
  options.watcher = [&](std::uint32_t round) { told.push_back(round); };
  const RecordedRun run = RunOverProtocol(plan, ViewsOf(cohorts), options).value();
  ASSERT_EQ(told.size(), run.rounds.size());
  std::uint64_t to_sites = 0;
  for (std::size_t i = 0; i < run.rounds.size(); ++i) {
    EXPECT_EQ(told[i], i + 1);
    const RoundRecord& round = run.rounds[i];
    EXPECT_EQ(round.sites, 5u);
    ASSERT_TRUE(round.traffic.has_value());
    to_sites += round.traffic->bytes_to_sites;
    EXPECT_GT(round.traffic->bytes_to_sites, 5 * 4 * kHeaderBytes);
    EXPECT_GT(round.traffic->bytes_from_sites, 5 * round.answer_bytes);
    // Four times to the sites and back, and the answer in between.
    EXPECT_GE(round.traffic->lasted, Duration(2'000 + 6 * 100));
    EXPECT_LE(round.traffic->lasted, Duration(2'000 + 10 * 100));
  }
  ASSERT_TRUE(run.protocol.has_value());
  EXPECT_GT(run.protocol->traffic.bytes_to_sites, to_sites);
  EXPECT_TRUE(run.protocol->faults.empty());
}

TEST(ProtocolRunTest, CountsTheFaultsItInjectedAndRepeatsItselfForASeed) {
  const Plan plan = PlanOf("linear", "dose");
  const std::vector<Cohort> cohorts = Cohorts(plan, 6);
  const RecordedRun one = RunOverProtocol(plan, ViewsOf(cohorts), BadWeather(3)).value();
  const RecordedRun same = RunOverProtocol(plan, ViewsOf(cohorts), BadWeather(3)).value();
  const RecordedRun other = RunOverProtocol(plan, ViewsOf(cohorts), BadWeather(4)).value();
  EXPECT_FALSE(one.protocol->faults.empty());
  EXPECT_EQ(one.protocol->faults, same.protocol->faults);
  EXPECT_EQ(one.protocol->traffic.bytes_from_sites, same.protocol->traffic.bytes_from_sites);
  EXPECT_EQ(one.protocol->traffic.lasted, same.protocol->traffic.lasted);
  EXPECT_NE(one.protocol->traffic.lasted, other.protocol->traffic.lasted);
}

TEST(ProtocolRunTest, ALineCarriesOneMessageAfterTheOther) {
  const Plan plan = PlanOf("linear", "dose");
  const std::vector<Cohort> cohorts = Cohorts(plan, 4);
  ProtocolOptions options;
  options.network.computing = Duration(0);
  const RecordedRun fast = RunOverProtocol(plan, ViewsOf(cohorts), options).value();
  options.network.coordinator_bandwidth = 64'000;
  const RecordedRun slow = RunOverProtocol(plan, ViewsOf(cohorts), options).value();
  EXPECT_EQ(fast.protocol->traffic.lasted, Duration(0));
  // 8 kB/s each way: as long as the fuller way takes, and no longer than one after the other.
  const RoundTraffic& round = *slow.rounds.front().traffic;
  const double seconds = static_cast<double>(round.lasted.count()) / 1'000;
  const auto to_sites = static_cast<double>(round.bytes_to_sites);
  const auto from_sites = static_cast<double>(round.bytes_from_sites);
  EXPECT_GE(seconds, std::max(to_sites, from_sites) / 8'000);
  EXPECT_LE(seconds, (to_sites + from_sites) / 8'000);
}

TEST(ProtocolRunTest, SaysWhatAStudyWaitsFor) {
  Plan plan = PlanOf("linear", "dose");
  std::vector<Cohort> cohorts = Cohorts(plan, 4);
  cohorts[2].values(0, 0) = std::nan("");
  ProtocolOptions options;
  options.network.computing = Duration(0);
  const Result<RecordedRun> run = RunOverProtocol(plan, ViewsOf(cohorts), options);
  ASSERT_FALSE(run.has_value());
  EXPECT_EQ(run.error().code, ErrorCode::kRefused);
  EXPECT_THAT(run.error().message, HasSubstr("site-2"));
  options.names = {"leiden", "graz", "lund", "turku"};
  EXPECT_THAT(RunOverProtocol(plan, ViewsOf(cohorts), options).error().message, HasSubstr("lund"));
  options.names[0] = "no\nname";
  EXPECT_THAT(RunOverProtocol(plan, ViewsOf(cohorts), options).error().message,
              HasSubstr("site-2"));
}

TEST(ProtocolRunTest, AnAnalysisWithoutASolutionSaysSoAsInPlainSums) {
  const Plan plan = PlanOf("linear", "dose");
  std::vector<Cohort> cohorts = Cohorts(plan, 3);
  for (Cohort& cohort : cohorts) cohort.values.col(1).setConstant(50);
  const Result<PlainRun> plain = RunPlain(*plan.analysis, ViewsOf(cohorts));
  ASSERT_FALSE(plain.has_value());
  ProtocolOptions options;
  options.network.computing = Duration(0);
  const Result<RecordedRun> run = RunOverProtocol(plan, ViewsOf(cohorts), options);
  ASSERT_FALSE(run.has_value());
  EXPECT_EQ(run.error().code, plain.error().code);
  EXPECT_EQ(run.error().message, plain.error().message);
}

}  // namespace
}  // namespace consilium
