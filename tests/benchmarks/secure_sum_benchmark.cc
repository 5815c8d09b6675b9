// CPU time of one attempt, all parties in one process and one thread: what a round costs beyond
// training and the network. The steps of a whole round are timed apart in the counters
// (milliseconds).

#include <ctime>

#include <benchmark/benchmark.h>

#include "tests/support/sum_fixture.h"

namespace consilium {
namespace {

class Stopwatch {
 public:
  /// Adds the process's CPU time since the last call, in milliseconds, to `counter`.
  void Lap(benchmark::Counter& counter) {
    const std::clock_t now = std::clock();
    counter.value += 1e3 * static_cast<double>(now - last_) / CLOCKS_PER_SEC;
    last_ = now;
  }

 private:
  std::clock_t last_ = std::clock();
};

/// `lost` sites deal shares and are not heard of again.
void WholeRound(benchmark::State& state) {
  const auto sites = static_cast<std::uint32_t>(state.range(0));
  const auto words = static_cast<std::uint64_t>(state.range(1));
  SumRun::Absent lost;
  for (std::int64_t i = 0; i < state.range(2); ++i) lost.insert(static_cast<std::size_t>(i));
  SumFixture fixture(sites, words);
  using benchmark::Counter;
  Counter begin(0, Counter::kAvgIterations), deal(0, Counter::kAvgIterations),
      open(0, Counter::kAvgIterations), mask(0, Counter::kAvgIterations),
      upload(0, Counter::kAvgIterations), confirm(0, Counter::kAvgIterations),
      release(0, Counter::kAvgIterations), unmask(0, Counter::kAvgIterations);
  for (auto _ : state) {
    state.PauseTiming();
    SumRun run(fixture);
    state.ResumeTiming();
    Stopwatch watch;
    for (std::size_t i = 0; i < sites; ++i) run.session(i);
    watch.Lap(begin);
    run.Dealing();
    watch.Lap(deal);
    for (const std::size_t i : run.Members(lost)) CHECK(run.Deliver(i).has_value());
    watch.Lap(open);
    for (const std::size_t i : run.Members(lost)) run.Mask(i);
    watch.Lap(mask);
    for (const std::size_t i : run.Members(lost)) CHECK(!run.SendHeader(i) && !run.SendVector(i));
    run.coordinator().Close();
    watch.Lap(upload);
    run.Confirming(lost);
    watch.Lap(confirm);
    for (const std::size_t i : run.Members(lost)) CHECK(!run.SendUnmasking(i));
    watch.Lap(release);
    run.coordinator().Close();
    watch.Lap(unmask);
    CHECK(run.coordinator().phase() == SumPhase::kFinished);
  }
  state.counters["1_keys_and_dealing"] = begin;
  state.counters["2_shares"] = deal;
  state.counters["3_opening_shares"] = open;
  state.counters["4_masking_and_hash"] = mask;
  state.counters["5_upload_and_verify"] = upload;
  state.counters["6_confirming"] = confirm;
  state.counters["7_releasing"] = release;
  state.counters["8_unmasking"] = unmask;
}
BENCHMARK(WholeRound)
    ->ArgNames({"sites", "words", "lost"})
    ->Args({4, 10'000, 0})
    ->Args({4, 10'000, 1})
    ->Args({10, 32'768, 0})
    ->Args({10, 32'768, 3})
    ->Args({128, 1'000, 42})
    ->Unit(benchmark::kMillisecond);

// Within the first step: who it is spent on, for one site.
void KeyAgreement(benchmark::State& state) {
  SumFixture fixture(3);
  const SecretKey32& own = fixture.site(0).prekey.encryption;
  for (auto _ : state) {
    benchmark::DoNotOptimize(ExchangeSecret(own, fixture.site(1).prekey.prekey.encryption));
  }
}
BENCHMARK(KeyAgreement);

void CheckingAPrekeysSignature(benchmark::State& state) {
  SumFixture fixture(3);
  const Participant& peer = fixture.setup().start.participants[1];
  Route route = fixture.setup().route;
  route.round = RoundNumber();
  route.attempt = AttemptNumber();
  const Bytes body = Encode(peer.prekey);
  for (auto _ : state) {
    CHECK(VerifyForwarded(MessageKind::kPrekey, route, body, peer.signature,
                          fixture.site(1).identity.public_key()));
  }
}
BENCHMARK(CheckingAPrekeysSignature);

void OneMaskOfWords(benchmark::State& state) {
  RingVector words(static_cast<std::size_t>(state.range(0)));
  const SecretKey32 key;
  for (auto _ : state) {
    AddPairwiseMask(key, SiteId(1), SiteId(2), words);
    benchmark::DoNotOptimize(words.data());
  }
  state.SetBytesProcessed(state.iterations() * state.range(0) * 8);
}
BENCHMARK(OneMaskOfWords)->Arg(10'000)->Arg(32'768);

void HashOfWords(benchmark::State& state) {
  const RingVector words(static_cast<std::size_t>(state.range(0)));
  for (auto _ : state) benchmark::DoNotOptimize(VectorHash(Digest{}, SiteId(1), words));
  state.SetBytesProcessed(state.iterations() * state.range(0) * 8);
}
BENCHMARK(HashOfWords)->Arg(10'000)->Arg(32'768);

}  // namespace
}  // namespace consilium

BENCHMARK_MAIN();
