// What a round of a thousand sites costs the coordinator, and each site, in CPU time: every message
// through its envelope, no network and no disk. Beside it what the same number of primitives takes
// in the same run, each measured alone: key agreements, signatures, mask streams, hashes of vectors
// and products of scalars. Wanted: the coordinator 3 s, a site 80 ms, with 100,000 numbers, two a
// word, and a tenth of the sites lost after they have dealt.

#include <ctime>
#include <map>
#include <string>

#include <benchmark/benchmark.h>

#include "tests/support/sum_fixture.h"

namespace consilium {
namespace {

/// CPU time of the process while one side works.
class Account {
 public:
  template <class Work>
  auto Charge(Work&& work) {
    const std::clock_t before = std::clock();
    if constexpr (std::is_void_v<decltype(work())>) {
      work();
      ticks_ += std::clock() - before;
    } else {
      auto result = work();
      ticks_ += std::clock() - before;
      return result;
    }
  }
  double seconds() const { return static_cast<double>(ticks_) / CLOCKS_PER_SEC; }

 private:
  std::clock_t ticks_ = 0;
};

/// An attempt in which each side's work is charged to its account.
class LargeRound {
 public:
  LargeRound(SumFixture& fixture, std::size_t lost)
      : fixture_(fixture),
        lost_(lost),
        words_(fixture.RandomWords()),
        session_(coordinator_.Charge([&] { return CoordinatorSession(fixture.setup(), false); })) {}

  void Run() {
    Step("1_dealing", [&] { Deal(); });
    Step("2_delivery_and_upload", [&] { Upload(); });
    Step("3_confirming", [&] { Confirm(); });
    Step("4_unmasking", [&] { Unmask(); });
    RingVector expected(words_.size(), 0);
    for (std::size_t i = lost_; i < fixture_.size(); ++i) AddTo(expected, words_);
    CHECK(session_.phase() == SumPhase::kFinished && session_.sum() == expected);
  }

  double coordinator_seconds() const { return coordinator_.seconds(); }
  /// The coordinator's seconds, step by step.
  const std::map<std::string, double>& steps() const { return steps_; }
  double site_seconds() const {
    return sites_.seconds() / static_cast<double>(fixture_.size() - lost_);
  }

 private:
  template <class Message, class Take>
  void Send(std::size_t i, MessageKind kind, const Message& message, Take&& take) {
    const Bytes sealed = sites_.Charge([&] {
      return SealMessage(kind, fixture_.setup().route, Encode(message), fixture_.site(i).identity);
    });
    coordinator_.Charge([&] {
      const OpenedMessage opened = *OpenMessage(sealed);
      CHECK(VerifySender(opened, fixture_.site(i).identity.public_key()));
      CHECK(!take(*Decode<Message>(opened.body), *opened.signature));
    });
  }
  /// What the coordinator tells a site, read there and its signature verified.
  template <class Message>
  Message Tell(MessageKind kind, const Bytes& sealed) {
    return sites_.Charge([&] {
      const OpenedMessage opened = *OpenMessage(sealed);
      CHECK(opened.kind == kind && VerifySender(opened, fixture_.site(0).identity.public_key()));
      return *Decode<Message>(opened.body);
    });
  }
  template <class Message>
  Bytes Seal(MessageKind kind, const Message& message) {
    return coordinator_.Charge([&] {
      return SealMessage(kind, fixture_.setup().route, Encode(message), fixture_.site(0).identity);
    });
  }

  template <class Work>
  void Step(const std::string& name, Work&& work) {
    const double before = coordinator_.seconds();
    work();
    steps_[name] = coordinator_.seconds() - before;
  }

  void Deal() {
    const Bytes start = Seal(MessageKind::kRoundStart, fixture_.setup().start);
    for (std::size_t i = 0; i < fixture_.size(); ++i) {
      SessionSetup setup = fixture_.setup();
      setup.start = Tell<RoundStart>(MessageKind::kRoundStart, start);
      sessions_.push_back(sites_.Charge([&] { return fixture_.Begin(i, setup); }));
      Send(i, MessageKind::kShares, sessions_[i].shares(),
           [&](const Shares& shares, const Signature&) {
             return session_.OnShares(fixture_.id(i), shares);
           });
    }
    coordinator_.Charge([&] { session_.Close(); });
  }
  void Upload() {
    for (std::size_t i = lost_; i < fixture_.size(); ++i) {
      const Delivery honest =
          coordinator_.Charge([&] { return session_.DeliveryFor(fixture_.id(i)); });
      const Bytes delivery = Seal(MessageKind::kDelivery, honest);
      const auto told = Tell<Delivery>(MessageKind::kDelivery, delivery);
      sites_.Charge([&] {
        CHECK(sessions_[i].OnDelivery(told).has_value());
        CHECK(sessions_[i].Mask(words_).has_value());
      });
      Send(i, MessageKind::kUploadHeader, sessions_[i].upload_header(),
           [&](const UploadHeader& header, const Signature& signature) {
             return session_.OnUploadHeader(fixture_.id(i), header, signature);
           });
      SendVector(i);
    }
    coordinator_.Charge([&] { session_.Close(); });
  }
  void SendVector(std::size_t i) {
    coordinator_.Charge([&] { session_.GrantNext(); });
    for (std::uint64_t index = 0; index < ChunkCount(words_.size()); ++index) {
      const Bytes framed = sites_.Charge([&] {
        return FrameChunk(MessageKind::kUploadChunk, fixture_.setup().route,
                          sessions_[i].masked_vector(), index);
      });
      coordinator_.Charge([&] {
        const OpenedMessage opened = *OpenMessage(framed);
        CHECK(!session_.OnChunk(fixture_.id(i), *Decode<Chunk>(opened.body)));
      });
    }
  }
  void Confirm() {
    const Bytes list =
        Seal(MessageKind::kSurvivors, coordinator_.Charge([&] { return session_.SurvivorList(); }));
    for (std::size_t i = lost_; i < fixture_.size(); ++i) {
      const auto survivors = Tell<Survivors>(MessageKind::kSurvivors, list);
      const Confirmation confirmation =
          sites_.Charge([&] { return *sessions_[i].OnSurvivors(survivors); });
      Send(i, MessageKind::kConfirmation, confirmation,
           [&](const Confirmation& taken, const Signature& signature) {
             return session_.OnConfirmation(fixture_.id(i), taken, signature);
           });
    }
    coordinator_.Charge([&] { session_.Close(); });
  }
  void Unmask() {
    const Bytes list =
        Seal(MessageKind::kQuorum, coordinator_.Charge([&] { return session_.QuorumList(); }));
    for (std::size_t i = lost_; i < fixture_.size(); ++i) {
      const auto quorum = Tell<Quorum>(MessageKind::kQuorum, list);
      const Unmasking unmasking = sites_.Charge([&] { return *sessions_[i].OnQuorum(quorum); });
      Send(i, MessageKind::kUnmasking, unmasking, [&](const Unmasking& taken, const Signature&) {
        return session_.OnUnmasking(fixture_.id(i), taken);
      });
    }
    coordinator_.Charge([&] { session_.Close(); });
  }

  SumFixture& fixture_;
  const std::size_t lost_;
  const RingVector words_;
  Account sites_;
  Account coordinator_;
  std::map<std::string, double> steps_;
  std::vector<SiteSession> sessions_;
  CoordinatorSession session_;
};

/// CPU seconds of one `work`.
template <class Work>
double SecondsOf(int times, Work&& work) {
  Account account;
  account.Charge([&] {
    for (int i = 0; i < times; ++i) work();
  });
  return account.seconds() / times;
}

struct Primitives {
  double agreement = 0;  ///< X25519
  double verification = 0;
  double stream = 0;  ///< Made and added, one thread.
  double vector_hash = 0;
  double product = 0;  ///< Of scalars.
};

Primitives Measure(SumFixture& fixture) {
  const TestSite& site = fixture.site(0);
  const Prekey& peer = fixture.site(1).prekey.prekey;
  RingVector words = fixture.RandomWords();
  const Bytes message(200);
  const Signature signature = site.identity.Sign(message);
  const Scalar scalar = Scalar::Random(fixture.random());
  Primitives primitives;
  primitives.agreement = SecondsOf(
      500, [&] { benchmark::DoNotOptimize(ExchangeSecret(site.prekey.masking, peer.masking)); });
  primitives.verification =
      SecondsOf(500, [&] { CHECK(Verify(site.identity.public_key(), message, signature)); });
  const std::vector<MaskTerm> terms = [&] {
    std::vector<MaskTerm> made;
    for (int i = 0; i < 20; ++i) {
      made.push_back({SelfMaskKey(Scalar::Random(fixture.random()), Digest())});
    }
    return made;
  }();
  primitives.stream = SecondsOf(5, [&] { ApplyMasks(terms, words); }) / 20;
  primitives.vector_hash =
      SecondsOf(20, [&] { benchmark::DoNotOptimize(VectorHash(Digest(), SiteId(1), words)); });
  primitives.product =
      SecondsOf(5'000, [&] { benchmark::DoNotOptimize(Multiply(scalar, scalar)); });
  return primitives;
}

/// For a site: keys with all partners, their prekeys and headers, a quorum, its masks, its shares.
double SiteFloor(const Primitives& costs, const Thresholds& thresholds) {
  const double k = thresholds.neighbours;
  const double partners = k * (2 - k / (thresholds.sites - 1.0));
  return 2 * partners * costs.agreement + (2 * partners + thresholds.quorum) * costs.verification +
         (partners + 1) * costs.stream + costs.vector_hash +
         2 * k * thresholds.shares * costs.product;
}

/// For the coordinator: four signed messages a site, vectors' hashes, what opens the secrets, the
/// masks that are left.
double CoordinatorFloor(const Primitives& costs, const Thresholds& thresholds, double lost) {
  const double k = thresholds.neighbours;
  const double t = thresholds.shares;
  const double left = thresholds.sites - lost;
  const double partners = k * (2 - k / (thresholds.sites - 1.0)) * left / thresholds.sites;
  return (thresholds.sites + 3 * left) * costs.verification + left * costs.vector_hash +
         thresholds.sites * t * t * costs.product + lost * partners * costs.agreement +
         (left + lost * partners) * costs.stream;
}

void RoundOfManySites(benchmark::State& state) {
  const auto sites = static_cast<std::uint32_t>(state.range(0));
  const auto lost = static_cast<std::size_t>(state.range(2));
  SumFixture fixture(sites, static_cast<std::uint64_t>(state.range(1)));
  using benchmark::Counter;
  Counter coordinator(0, Counter::kAvgIterations), site(0, Counter::kAvgIterations);
  for (auto _ : state) {
    LargeRound round(fixture, lost);
    round.Run();
    coordinator.value += round.coordinator_seconds();
    site.value += 1e3 * round.site_seconds();
    for (const auto& [name, seconds] : round.steps()) state.counters[name + "_s"] = seconds;
  }
  const Primitives primitives = Measure(fixture);
  const Thresholds& thresholds = fixture.setup().start.thresholds;
  const double coordinator_floor =
      CoordinatorFloor(primitives, thresholds, static_cast<double>(lost));
  const double site_floor = 1e3 * SiteFloor(primitives, thresholds);
  state.counters["coordinator_s"] = coordinator;
  state.counters["coordinator_primitives_s"] = coordinator_floor;
  state.counters["site_ms"] = site;
  state.counters["site_primitives_ms"] = site_floor;
  state.counters["neighbours"] = fixture.setup().start.thresholds.neighbours;
}
BENCHMARK(RoundOfManySites)
    ->ArgNames({"sites", "words", "lost"})
    ->Args({200, 50'000, 20})
    ->Args({1000, 50'000, 100})
    ->Unit(benchmark::kSecond)
    ->Iterations(1);

}  // namespace
}  // namespace consilium

BENCHMARK_MAIN();
