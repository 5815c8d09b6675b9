// The simulator at both ends of its range: a million virtual sites, and three. Times are
// wall-clock; peak_MB is the largest resident size that the process ever had. docs/performance.md
// has the limits.

#include <string>

#include <benchmark/benchmark.h>
#include <sys/resource.h>

#include "common/check.h"
#include "protocols/plan.h"
#include "simulations/plain_federation.h"
#include "tests/benchmarks/logistic_table.h"
#include "tests/end_to_end/process.h"
#include "tests/support/temporary_folder.h"

namespace consilium {
namespace {

constexpr std::size_t kRowsOfASite = 20;
constexpr std::size_t kFeatures = 10;
constexpr std::uint32_t kRounds = 10;

double MegabytesOf(int who) {
  rusage usage{};
  ::getrusage(who, &usage);
  return static_cast<double>(usage.ru_maxrss) * 1024 / 1e6;
}

Plan MakePlan() {
  std::string columns = "[[contract.column]]\nname = \"ill\"\ntype = \"boolean\"\n";
  std::string features;
  for (std::size_t j = 0; j < kFeatures; ++j) {
    const std::string name = "x" + std::to_string(j);
    columns +=
        "[[contract.column]]\nname = \"" + name + "\"\ntype = \"number\"\nrange = [-10, 10]\n";
    features += (j == 0 ? "\"" : ", \"") + name + "\"";
  }
  return ParsePlan(
             "[study]\ntitle = \"T\"\nrequested_by = \"R\"\nexpires = 2090-01-01\n"
             "minimum_sites = 3\n[contract]\npatient = \"id\"\nmaximum_patients = 1000\n" +
                 columns + "[analysis]\nkind = \"logistic\"\noutcome = \"ill\"\nfeatures = [" +
                 features + "]\n",
             "plan.toml")
      .value();
}

/// Passes queries on and keeps the last.
class Recorder final : public Federation {
 public:
  explicit Recorder(Federation& federation) : federation_(federation) {}
  Aggregate Sum(const Query& query) override {
    last_ = query;
    return federation_.Sum(query);
  }
  const Query& last() const { return last_; }

 private:
  Federation& federation_;
  Query last_;
};

/// A whole study, then its last query again, a Newton round, until there were kRounds.
void LogisticRounds(benchmark::State& state) {
  const Plan plan = MakePlan();
  const SiteTable table =
      LogisticTable(plan, static_cast<std::size_t>(state.range(0)), kRowsOfASite);
  std::uint32_t study = 0;
  for (auto _ : state) {
    PlainOptions options;
    options.threads = static_cast<unsigned>(state.range(1));
    PlainFederation federation(*plan.analysis, table.sites(), options);
    Recorder recorder(federation);
    const Result<AnalysisResult> result = plan.analysis->Run(recorder);
    CHECK(result.has_value() && result->converged);
    study = federation.rounds();
    while (federation.rounds() < kRounds) recorder.Sum(recorder.last());
  }
  state.counters["rounds_of_study"] = study;
  state.counters["site_rounds/s"] =
      benchmark::Counter(static_cast<double>(state.iterations() * state.range(0) * kRounds),
                         benchmark::Counter::kIsRate);
  state.counters["peak_MB"] = MegabytesOf(RUSAGE_SELF);
}

/// The program, from its start to its end: three hospitals, the fewest a plan
/// admits, and a linear regression of three rounds, whose wide range loses digits in the first.
void ThreeSitesFromStartToResult(benchmark::State& state) {
  const TemporaryFolder folder;
  std::string csv = "hospital,id,y,x\n";
  for (int row = 0; row < 600; ++row) {
    csv += std::string(row % 3 == 0   ? "north"
                       : row % 3 == 1 ? "south"
                                      : "west") +
           ",P" + std::to_string(row) + "," + std::to_string(40 + row % 7) + "," +
           std::to_string(20 + row % 11) + "\n";
  }
  testing::WriteText(folder / "data.csv", csv);
  testing::WriteText(folder / "plan.toml",
                     "[study]\ntitle = \"T\"\nrequested_by = \"R\"\nexpires = 2090-01-01\n"
                     "minimum_sites = 3\n[contract]\npatient = \"id\"\n"
                     "[[contract.column]]\nname = \"y\"\ntype = \"number\"\nrange = [0, 100]\n"
                     "[[contract.column]]\nname = \"x\"\ntype = \"number\"\nrange = [0, 1e6]\n"
                     "[analysis]\nkind = \"linear\"\noutcome = \"y\"\nfeatures = [\"x\"]\n");
  testing::WriteText(folder / "trial.toml",
                     "[experiment]\nplan = \"plan.toml\"\n"
                     "[data]\ncsv = \"data.csv\"\nsite_column = \"hospital\"\n");
  for (auto _ : state) {
    const testing::CommandOutcome outcome = testing::RunProgram(
        {"consilium-sim", "run", folder / "trial.toml", "--out", folder / "out"});
    CHECK(outcome.exit_code == 0);
  }
  state.counters["peak_MB"] = MegabytesOf(RUSAGE_CHILDREN);
}

// First, while this process is small: the kernel counts what a child was before it became the
// program.
BENCHMARK(ThreeSitesFromStartToResult)->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK(LogisticRounds)
    ->ArgNames({"sites", "threads"})
    ->Args({10'000, 1})
    ->Args({10'000, 2})
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);
BENCHMARK(LogisticRounds)
    ->Name("AMillionSites")
    ->ArgNames({"sites", "threads"})
    ->Args({1'000'000, 2})
    ->Iterations(1)
    ->UseRealTime()
    ->Unit(benchmark::kSecond);

}  // namespace
}  // namespace consilium

BENCHMARK_MAIN();
