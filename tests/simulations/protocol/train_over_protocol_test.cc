// Training by the machines of coordinator and sites gives the bits of plain sums, where sites have
// a state as well, and whatever dies on the way.

#include <cmath>

#include <gtest/gtest.h>

#include "protocols/result_document.h"
#include "simulations/draws.h"
#include "simulations/protocol/protocol_run.h"
#include "tests/simulations/protocol/same_bits.h"

namespace consilium {
namespace {

Plan PlanOf(const std::string& rest) {
  return ParsePlan(
             "[study]\ntitle = \"T\"\nrequested_by = \"R\"\npermit = \"none\"\nexpires = "
             "2020-06-30\nminimum_sites = 3\n[contract]\npatient = \"id\"\n"
             "[[contract.column]]\nname = \"ill\"\ntype = \"boolean\"\n"
             "[[contract.column]]\nname = \"age\"\ntype = \"number\"\nrange = [0, 100]\n"
             "[[contract.column]]\nname = \"dose\"\ntype = \"number\"\nrange = [0, 5]\n"
             "[analysis]\nkind = \"train\"\noutcome = \"ill\"\nfeatures = [\"age\", \"dose\"]\n" +
                 rest + "[privacy]\nminimum_patients = 5\n",
             "plan.toml")
      .value();
}

std::vector<Cohort> Cohorts(const Plan& plan, std::size_t sites) {
  std::vector<Cohort> cohorts(sites);
  SeededRandom random = StreamOf(7, "train over protocol test");
  for (Cohort& cohort : cohorts) {
    cohort.columns = plan.analysis->columns();
    cohort.patients = 40;
    cohort.values.resize(40, 3);
    for (Eigen::Index row = 0; row < 40; ++row) {
      cohort.values(row, 1) = 100 * random.Unit();
      cohort.values(row, 2) = 5 * random.Unit();
      cohort.values(row, 0) = random.Unit() < cohort.values(row, 1) / 100 ? 1 : 0;
    }
  }
  return cohorts;
}

class TrainOverProtocolTest : public ::testing::TestWithParam<const char*> {};

TEST_P(TrainOverProtocolTest, GivesTheBitsOfPlainSums) {
  const Plan plan = PlanOf(GetParam());
  const std::vector<Cohort> cohorts = Cohorts(plan, 4);
  const PlainRun plain = RunPlain(*plan.analysis, ViewsOf(cohorts)).value();
  const std::string expected = ResultDocument(plan, plain.result, plain.rounds);
  std::uint64_t crashes = 0;
  for (std::uint64_t seed = 0; seed < 12; ++seed) {
    ProtocolOptions options;
    options.seed = seed;
    options.network.latency = Duration(20);
    // Sites die between making an answer's state durable and the close of its round, answers come
    // too late, attempts are repeated: each from the state of the last closed round.
    if (seed > 0) {
      options.faults = {
          .cuts = 0.003, .site_crashes = 0.004, .coordinator_crashes = 0.001, .slow_answers = 0.03};
    }
    const Result<RecordedRun> run = RunOverProtocol(plan, ViewsOf(cohorts), options);
    ASSERT_TRUE(run.has_value()) << Describe(run.error());
    EXPECT_EQ(ResultDocument(plan, run->run.result, run->run.rounds), expected) << seed;
    for (const auto& [fault, times] : run->protocol->faults) crashes += times;
  }
  EXPECT_GT(crashes, 20u);
}

INSTANTIATE_TEST_SUITE_P(
    Courses,
    TrainOverProtocolTest,
    ::testing::Values("model = \"logistic\"\nrounds = 4\nbatch_size = 16\nlocal_epochs = 2\n"
                      "[round]\non_loss = \"wait\"\n",
                      "model = \"mlp\"\nhidden = [6]\nrounds = 4\nvalidation = 0.3\n"
                      "strategy = \"fedadam\"\n[round]\non_loss = \"wait\"\n",
                      "model = \"logistic\"\nrounds = 6\nbatch_size = 8\n"
                      "strategy = \"scaffold\"\n[round]\non_loss = \"wait\"\n"));

/// Models of the time to an event: sites have states, rows are held out, batches are small.
class CoxOverProtocolTest : public ::testing::TestWithParam<const char*> {};

TEST_P(CoxOverProtocolTest, GivesTheBitsOfPlainSums) {
  const Plan plan = ParsePlan(
                        "[study]\ntitle = \"T\"\nrequested_by = \"R\"\nexpires = 2020-06-30\n"
                        "minimum_sites = 3\n[contract]\npatient = \"id\"\n"
                        "[[contract.column]]\nname = \"death\"\ntype = \"boolean\"\n"
                        "[[contract.column]]\nname = \"time\"\ntype = \"integer\"\n"
                        "range = [0, 50]\n"
                        "[[contract.column]]\nname = \"dose\"\ntype = \"number\"\n"
                        "range = [0, 5]\n"
                        "[analysis]\nkind = \"train\"\nevent = \"death\"\ntime = \"time\"\n"
                        "features = [\"dose\"]\n" +
                            std::string(GetParam()) +
                            "[privacy]\nminimum_patients = 5\n[round]\non_loss = \"wait\"\n",
                        "plan.toml")
                        .value();
  std::vector<Cohort> cohorts(4);
  SeededRandom random = StreamOf(8, "train over protocol test");
  for (Cohort& cohort : cohorts) {
    cohort.columns = plan.analysis->columns();
    cohort.patients = 40;
    cohort.values.resize(40, 3);
    for (Eigen::Index row = 0; row < 40; ++row) {
      const double dose = 5 * random.Unit();
      cohort.values.row(row) << (random.Unit() < 0.7 ? 1 : 0),
          std::floor(50 * random.Unit() * (1 - dose / 8)), dose;
    }
  }
  ExpectSameBits(plan, ViewsOf(cohorts));
}

INSTANTIATE_TEST_SUITE_P(Courses,
                         CoxOverProtocolTest,
                         ::testing::Values("model = \"cox\"\nrounds = 4\nbatch_size = 8\n"
                                           "strategy = \"scaffold\"\n",
                                           "model = \"cox\"\nrounds = 3\nvalidation = 0.3\n"
                                           "strategy = \"rfa\"\n",
                                           "model = \"mlp\"\nhidden = [5]\nrounds = 3\n"
                                           "validation = 0.3\nstrategy = \"ditto\"\n"));

}  // namespace
}  // namespace consilium
