// Very many sites over real sockets with one real coordinator: all connected, then a study to its
// end. Every site has a core, keys and a connection of its own; one thread of this process serves
// them all, so the times are those of this process and the coordinator on one machine.

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include <benchmark/benchmark.h>
#include <nlohmann/json.hpp>

#include "common/check.h"
#include "simulations/plain_federation.h"
#include "tests/benchmarks/processor_time.h"
#include "tests/end_to_end/many_sites.h"
#include "tests/support/virtual_federation.h"

namespace consilium::testing {
namespace {

using Json = nlohmann::json;
using std::chrono::seconds;

std::string PlanOf(std::uint32_t sites) {
  FederationOptions options;
  options.sites = sites;
  options.minimum_sites = 5;
  options.on_loss = "continue";
  std::string plan = LogisticPlanText(options);
  for (const auto& [from, to] : {std::pair<std::string, std::string>{"\"logistic\"", "\"linear\""},
                                 {"\"30s\"", "\"120s\""}}) {
    plan.replace(plan.find(from), from.size(), to);
  }
  return plan;
}

class Stopwatch {
 public:
  double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin_).count();
  }

 private:
  std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};

class LiveFederation {
 public:
  explicit LiveFederation(std::uint32_t count) : deployment_({}), sites_(deployment_, count) {
    deployment_.StartCoordinator();
  }

  /// Seconds until all are welcome.
  double Connect() {
    const Stopwatch watch;
    sites_.Connect();
    CHECK(sites_.Serve([&] { return sites_.AllAreWelcome(); }, seconds(600)));
    return watch.seconds();
  }
  /// CPU seconds of the coordinator in a minute in which nothing happens.
  double IdleMinute() {
    const double before = CpuSecondsOf(pid());
    const Stopwatch watch;
    sites_.Serve([&] { return watch.seconds() > 60; }, seconds(61));
    return (CpuSecondsOf(pid()) - before) * 60 / watch.seconds();
  }
  /// From its submission to every approval.
  void Prepare(const std::string& text) {
    study_ = deployment_.Submit(text);
    const Plan plan = *ParsePlan(text, "plan.toml");
    CHECK(sites_.Serve([&] { return sites_.AllKnow(plan.id); }, seconds(600)));
    sites_.ApproveAll(plan.id);
    CHECK(sites_.Serve([&] { return Approvals() == count(); }, seconds(600)));
  }
  /// Seconds from start to end.
  double Study() {
    const Stopwatch watch;
    Expect(deployment_.Coordinator({"start", study_}));
    CHECK(sites_.Serve([&] { return deployment_.StateOf(study_) == "finished"; }, seconds(3'600)));
    return watch.seconds();
  }
  void CheckSum(const Plan& plan) {
    std::vector<const Cohort*> cohorts;
    for (std::uint32_t i = 0; i < count(); ++i) cohorts.push_back(&sites_.cohort(i));
    const std::string table = RunPlain(*plan.analysis, cohorts).value().result.table;
    CHECK(Expect(deployment_.Coordinator({"result", study_})).out.find(table) != std::string::npos);
    CHECK(sites_.refusals().empty());
  }

  double cpu_seconds() { return CpuSecondsOf(pid()); }
  double resident_mib() {
    return static_cast<double>(deployment_.process("coordinator").peak_resident_kib()) / 1024;
  }
  double descriptors() {
    return static_cast<double>(deployment_.process("coordinator").open_descriptors());
  }

 private:
  std::uint32_t count() const { return sites_.size(); }
  pid_t pid() { return deployment_.process("coordinator").pid(); }
  std::uint32_t Approvals() {
    const Json status = Json::parse(deployment_.Coordinator({"status", study_, "--json"}).out);
    std::uint32_t approved = 0;
    for (const Json& site : status["sites"]) approved += site["decision"] == "approved" ? 1U : 0U;
    return approved;
  }

  Deployment deployment_;
  ManySites sites_;
  std::string study_;
};

void SitesConnectedAndOneStudy(benchmark::State& state) {
  const auto count = static_cast<std::uint32_t>(state.range(0));
  for (auto _ : state) {
    state.PauseTiming();
    LiveFederation federation(count);
    state.ResumeTiming();
    state.counters["1_connect_s"] = federation.Connect();
    state.counters["2_idle_minute_cpu_s"] = federation.IdleMinute();
    state.counters["3_connected_rss_MiB"] = federation.resident_mib();
    state.counters["4_descriptors"] = federation.descriptors();
    const std::string text = PlanOf(count);
    federation.Prepare(text);
    const double before = federation.cpu_seconds();
    state.counters["5_study_s"] = federation.Study();
    state.counters["6_study_cpu_s"] = federation.cpu_seconds() - before;
    state.counters["7_peak_rss_MiB"] = federation.resident_mib();
    federation.CheckSum(*ParsePlan(text, "plan.toml"));
  }
}
BENCHMARK(SitesConnectedAndOneStudy)
    ->Arg(100)
    ->Arg(1'000)
    ->Iterations(1)
    ->Unit(benchmark::kSecond)
    ->UseRealTime();

}  // namespace
}  // namespace consilium::testing

BENCHMARK_MAIN();
