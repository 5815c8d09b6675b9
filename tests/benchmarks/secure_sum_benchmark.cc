// CPU time of one attempt, all parties in one process and one thread: what a round costs beyond
// training and the network. The steps of a whole round are timed apart in the counters
// (milliseconds).

#include <chrono>
#include <ctime>
#include <thread>

#include <benchmark/benchmark.h>
#include <openssl/evp.h>

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
  const std::array<MaskTerm, 1> term{};
  for (auto _ : state) {
    ApplyMasks(term, words);
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

/// So many AES-256-CTR streams of this many words by OpenSSL alone, piece by piece into one small
/// buffer, and one pass of additions: what masking cannot do without.
void BareStreams(std::size_t streams, RingVector& words) {
  constexpr std::size_t kPiece = 16'384;
  static const std::vector<unsigned char> zeros(kPiece);
  std::vector<unsigned char> piece(kPiece);
  const std::vector<unsigned char> key(32, 7);
  const std::vector<unsigned char> counter(16);
  for (std::size_t i = 0; i < streams; ++i) {
    EVP_CIPHER_CTX* context = EVP_CIPHER_CTX_new();
    CHECK(EVP_EncryptInit_ex(context, EVP_aes_256_ctr(), nullptr, key.data(), counter.data()) == 1);
    for (std::size_t left = 8 * words.size(); left > 0;) {
      const std::size_t count = std::min(left, kPiece);
      int written = 0;
      CHECK(EVP_EncryptUpdate(context, piece.data(), &written, zeros.data(),
                              static_cast<int>(count)) == 1);
      benchmark::DoNotOptimize(piece.data());
      left -= count;
    }
    EVP_CIPHER_CTX_free(context);
  }
  for (std::uint64_t& word : words) word += 3;
  benchmark::DoNotOptimize(words.data());
}

/// The same shared by two threads.
void BareStreamsOnTwo(std::size_t streams, RingVector& words) {
  RingVector other_words(words.size());
  std::thread other([&] { BareStreams(streams / 2, other_words); });
  BareStreams(streams - streams / 2, words);
  other.join();
}

/// Wall-clock times on two threads each.
void MasksAgainstBareStreams(benchmark::State& state) {
  const auto streams = static_cast<std::size_t>(state.range(0));
  RingVector words(static_cast<std::size_t>(state.range(1)));
  SeededRandom random(1);
  std::vector<MaskTerm> terms(streams);
  for (std::size_t i = 0; i < streams; ++i) {
    random.Fill(terms[i].key.ExposeMutable());
    terms[i].subtract = i % 2 == 1;
  }
  using Clock = std::chrono::steady_clock;
  std::chrono::duration<double> ours{0};
  std::chrono::duration<double> bare{0};
  for (auto _ : state) {
    const auto begin = Clock::now();
    ApplyMasks(terms, words);
    const auto middle = Clock::now();
    state.PauseTiming();
    BareStreamsOnTwo(streams, words);
    state.ResumeTiming();
    ours += middle - begin;
    bare += Clock::now() - middle;
  }
  state.counters["bare_ms"] =
      benchmark::Counter(1e3 * bare.count(), benchmark::Counter::kAvgIterations);
  state.counters["ratio"] = ours / bare;
}
BENCHMARK(MasksAgainstBareStreams)
    ->ArgNames({"streams", "words"})
    ->Args({10, 1'000'000})
    ->Args({50, 1'000'000})
    ->Args({990, 1'000'000})
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace consilium

BENCHMARK_MAIN();
