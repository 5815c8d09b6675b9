// What a round of long vectors takes in the coordinator's memory, from the first share to the last
// chunk: the largest resident size above what was there before, in vectors of d words. The sites'
// vectors are one and the same here, so that they cost nothing that is counted.

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <string>

#include <benchmark/benchmark.h>

#include "protocols/secure_sum/chunks.h"
#include "tests/support/sum_fixture.h"

namespace consilium {
namespace {

/// A line of /proc/self/status, in bytes.
double MemoryOf(const std::string& name) {
  std::ifstream status("/proc/self/status");
  std::string word;
  while (status >> word) {
    double kib = 0;
    if (word == name + ":" && status >> kib) return 1'024 * kib;
  }
  return 0;
}

/// From here on VmHWM counts anew.
void ForgetPeak() { std::ofstream("/proc/self/clear_refs") << "5"; }

/// All headers come first; then chunks of the sites whose turn it is, in alternation.
void UploadAll(CoordinatorSession& coordinator,
               const SumFixture& fixture,
               const RingVector& vector) {
  for (std::size_t i = 0; i < fixture.size(); ++i) {
    const Digest root = DeliveryRoot(coordinator.context(), coordinator.DeliveryFor(fixture.id(i)));
    const UploadHeader header{coordinator.context(), root,
                              VectorHash(coordinator.context(), fixture.id(i), vector),
                              vector.size()};
    CHECK(!coordinator.OnUploadHeader(fixture.id(i), header, Signature{}));
  }
  coordinator.GrantNext();
  while (!coordinator.Sending().empty()) {
    for (const SiteId site : coordinator.Sending()) {
      CHECK(!coordinator.OnChunk(site, ChunkOf(vector, *coordinator.NextChunk(site))));
    }
    coordinator.GrantNext();
  }
}

void CoordinatorMemory(benchmark::State& state) {
  const auto sites = static_cast<std::uint32_t>(state.range(0));
  const RingVector vector(static_cast<std::size_t>(state.range(1)), 7);
  const double one_vector = 8.0 * static_cast<double>(vector.size());
  double peak = 0;
  for (auto _ : state) {
    SumFixture fixture(sites, vector.size());
    CoordinatorSession coordinator(fixture.setup(), /*everyone=*/false);
    for (std::size_t i = 0; i < sites; ++i) {
      CHECK(!coordinator.OnShares(fixture.id(i), fixture.Begin(i).shares()));
    }
    coordinator.Close();
    ForgetPeak();
    const double before = MemoryOf("VmRSS");
    UploadAll(coordinator, fixture, vector);
    peak = std::max(peak, MemoryOf("VmHWM") - before);
    CHECK(coordinator.Awaited().empty());
  }
  state.counters["vectors"] = peak / one_vector;
  state.counters["MiB"] = peak / (1 << 20);
  state.counters["budget_MiB"] = (3 * one_vector) / (1 << 20) + sites;
}
BENCHMARK(CoordinatorMemory)
    ->ArgNames({"sites", "words"})
    ->Args({10, 10'000'000})
    ->Args({50, 10'000'000})
    ->Iterations(1)
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace consilium

BENCHMARK_MAIN();
