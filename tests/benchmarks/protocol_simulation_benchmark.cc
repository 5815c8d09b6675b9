// Thousands of sites in the simulator, each of them the production core with keys, records and
// masks of its own, on the virtual network: one linear regression, two sums, to its end. Five
// thousand are as many as a sum takes. Wanted: an end and, where no site is lost, the result of
// plain addition. Where sites crash, some are lost to a sum; then the witness has compared each sum
// with the answers of those that are in it, to the last bit.

#include <ctime>
#include <fstream>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include "common/check.h"
#include "simulations/plain_federation.h"
#include "simulations/protocol/protocol_run.h"
#include "tests/support/virtual_federation.h"

namespace consilium::testing {
namespace {

constexpr std::uint32_t kPatients = 20;

std::string PlanOf(std::uint32_t sites) {
  FederationOptions options;
  options.sites = sites;
  options.minimum_sites = 5;
  options.on_loss = "continue";
  std::string plan = LogisticPlanText(options);
  const std::string kind = "\"logistic\"";
  plan.replace(plan.find(kind), kind.size(), "\"linear\"");
  return plan;
}

/// VmHWM of this process, in MiB.
double PeakMiB() {
  std::ifstream status("/proc/self/status");
  std::string word;
  while (status >> word) {
    double kib = 0;
    if (word == "VmHWM:" && status >> kib) return kib / 1024;
  }
  return 0;
}

void OneSumOfManySites(benchmark::State& state) {
  const auto count = static_cast<std::uint32_t>(state.range(0));
  ProtocolOptions options;
  options.faults.site_crashes = static_cast<double>(state.range(1)) / 1e4;
  const Plan plan = *ParsePlan(PlanOf(count), "plan.toml");
  std::vector<Cohort> cohorts;
  for (std::uint32_t i = 0; i < count; ++i) cohorts.push_back(GeneratedCohort(1, i, kPatients));
  const std::vector<CohortView> views(cohorts.begin(), cohorts.end());
  std::vector<const Cohort*> all;
  for (const Cohort& cohort : cohorts) all.push_back(&cohort);
  const std::string expected = RunPlain(*plan.analysis, all).value().result.table;
  for (auto _ : state) {
    const std::clock_t begin = std::clock();
    const Result<RecordedRun> run = RunOverProtocol(plan, views, options);
    const double seconds = static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
    CHECK(run.has_value());
    std::uint64_t lost = 0;
    for (const RoundRecord& round : run->rounds) lost += count - round.sites;
    const bool crashes = options.faults.Any();
    CHECK(crashes ? lost > 0 : run->run.result.table == expected);
    state.counters["lost"] = static_cast<double>(lost);
    state.counters["sums"] = static_cast<double>(run->rounds.size());
    state.counters["ms_a_site"] = 1e3 * seconds / count;
    state.counters["messages"] = static_cast<double>(run->protocol->traffic.messages);
    state.counters["to_sites_MB"] =
        static_cast<double>(run->protocol->traffic.bytes_to_sites) / 1e6;
    state.counters["from_sites_MB"] =
        static_cast<double>(run->protocol->traffic.bytes_from_sites) / 1e6;
  }
  state.counters["peak_MiB"] = PeakMiB();
}
BENCHMARK(OneSumOfManySites)
    ->ArgNames({"sites", "crashes_in_10000"})
    ->Args({500, 0})
    ->Args({1'000, 0})
    ->Args({1'000, 20})
    ->Args({5'000, 0})
    ->Args({5'000, 20})
    ->Iterations(1)
    ->Unit(benchmark::kSecond);

}  // namespace
}  // namespace consilium::testing

BENCHMARK_MAIN();
