// Training in the simulator against the same arithmetic in bare Eigen, in one run on one core.
// docs/performance.md has the limits. The baselines are compiled for this very processor.

#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include "common/check.h"
#include "common/random.h"
#include "protocols/analyses/train/local.h"
#include "protocols/plan.h"
#include "simulations/plain_federation.h"
#include "tests/benchmarks/logistic_table.h"
#include "tests/benchmarks/training_baselines.h"

namespace consilium {
namespace {

constexpr std::size_t kSites = 100;
constexpr std::uint32_t kRounds = 100;
constexpr std::size_t kRows = 200;
constexpr std::size_t kFeatures = 30;
constexpr std::size_t kBatch = 32;
constexpr float kRate = 0.1F;

void CountUpdates(benchmark::State& state) {
  state.counters["site_updates/s"] = benchmark::Counter(
      static_cast<double>(state.iterations()) * kSites * kRounds, benchmark::Counter::kIsRate);
}

std::string PlanText(std::size_t features,
                     const std::string& outcome,
                     const std::string& analysis) {
  std::string columns = "[[contract.column]]\nname = \"y\"\n" + outcome;
  std::string names;
  for (std::size_t j = 0; j < features; ++j) {
    const std::string name = "x" + std::to_string(j);
    columns += "[[contract.column]]\nname = \"" + name + "\"\ntype = \"number\"\nrange = [-4, 4]\n";
    names += (j == 0 ? "\"" : ", \"") + name + "\"";
  }
  return "[study]\ntitle = \"T\"\nrequested_by = \"R\"\nexpires = 2090-01-01\n"
         "minimum_sites = 3\n[contract]\npatient = \"id\"\nmaximum_patients = 100000\n" +
         columns + "[analysis]\nkind = \"train\"\noutcome = \"y\"\nfeatures = [" + names + "]\n" +
         analysis;
}

std::vector<BareRows> BareSites(const SiteTable& table) {
  std::vector<BareRows> sites;
  for (const CohortView& cohort : table.sites()) {
    BareRows site;
    for (Eigen::Index i = 0; i < cohort.values.rows(); ++i) {
      site.y.push_back(static_cast<float>(cohort.values(i, 0)));
      for (Eigen::Index j = 1; j < cohort.values.cols(); ++j) {
        site.x.push_back(static_cast<float>(cohort.values(i, j) / 4));
      }
    }
    sites.push_back(std::move(site));
  }
  return sites;
}

void BareFedAvgLogistic(benchmark::State& state) {
  const Plan plan =
      ParsePlan(PlanText(kFeatures, "type = \"boolean\"\n", "model = \"logistic\"\nrounds = 1\n"),
                "plan.toml")
          .value();
  BareFedAvg bare(BareSites(LogisticTable(plan, kSites, kRows)), kFeatures);
  const auto rows = static_cast<BareFedAvg::Rows>(state.range(0));
  for (auto _ : state) benchmark::DoNotOptimize(bare.Run(kRounds, kBatch, kRate, rows).back());
  CountUpdates(state);
}

/// The whole federated run: from the plan's first query to the rendered result.
void FedAvgLogistic(benchmark::State& state) {
  const Plan plan = ParsePlan(PlanText(kFeatures, "type = \"boolean\"\n",
                                       "model = \"logistic\"\nrounds = 100\nbatch_size = 32\n"
                                       "learning_rate = 0.1\nstandardise = \"range\"\n"),
                              "plan.toml")
                        .value();
  const SiteTable table = LogisticTable(plan, kSites, kRows);
  for (auto _ : state) {
    const Result<PlainRun> run = RunPlain(*plan.analysis, table.sites());
    CHECK(run.has_value() && run->rounds == kRounds);
  }
  CountUpdates(state);
}

constexpr std::size_t kImages = 3200;

void CountSamples(benchmark::State& state) {
  state.counters["samples/s"] = benchmark::Counter(
      static_cast<double>(state.iterations()) * kImages, benchmark::Counter::kIsRate);
}

void BareMlpProducts(benchmark::State& state) {
  BareProducts bare({784, 200, 200, 10}, kImages, kBatch);
  for (auto _ : state) benchmark::DoNotOptimize(bare.Run());
  CountSamples(state);
}

/// A site's epoch: rows in a drawn order, thresholds, softmax, loss and steps with the products.
void MlpEpoch(benchmark::State& state) {
  train::TrainPlan plan;
  plan.network = train::MakeDenseNetwork(784, {200, 200}, 10, train::Loss::kCategories);
  plan.local.batch = kBatch;
  plan.local.learning_rate = 0.01;
  train::SiteRows rows;
  rows.inputs = 784;
  rows.stride = train::Padded(785);
  rows.values = train::FloatBuffer(kImages * rows.stride);
  SeededRandom random(std::uint64_t{7});
  for (std::size_t i = 0; i < kImages; ++i) {
    float* const row = rows.values.data() + i * rows.stride;
    std::vector<std::uint32_t> draws(784);
    random.Fill(std::as_writable_bytes(std::span(draws)));
    for (std::size_t j = 0; j < 784; ++j) row[j] = static_cast<float>(draws[j]) * 0x1p-32F;
    row[784] = 1;
    rows.targets.push_back(static_cast<float>(i % 10));
    rows.learned.push_back(static_cast<std::uint32_t>(i));
  }
  const std::vector<float> start = train::InitialParameters(plan.network, 1);
  train::Learner learner(plan, 1);
  for (auto _ : state) {
    const train::LearnedRound learned = learner.Learn(rows, start);
    CHECK(learned.met == kImages);
  }
  CountSamples(state);
  state.SetLabel(train::BestKernel().name);
}

BENCHMARK(BareFedAvgLogistic)->ArgName("shuffled")->Arg(0)->Arg(1)->Unit(benchmark::kMillisecond);
BENCHMARK(FedAvgLogistic)->Unit(benchmark::kMillisecond);
BENCHMARK(BareMlpProducts)->Unit(benchmark::kMillisecond);
BENCHMARK(MlpEpoch)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace consilium

BENCHMARK_MAIN();
