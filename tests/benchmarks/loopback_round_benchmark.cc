// A whole secure round over real loopback sockets, and in the same run the bytes alone: as many
// words up and down through bare CURVE DEALER and ROUTER sockets in chunks of 256 KiB. Each site
// has a thread, a ZeroMQ context and a connection of its own; nothing is trained, nothing stored.
// Wanted: 1.25 times the bytes alone, with ten sites and a million words. All sites share the
// machine's cores with the coordinator here, so what the masks and hashes of all of them take
// alone is measured too: nobody who keeps to the protocol does without.

#include <atomic>
#include <chrono>
#include <ctime>
#include <thread>

#include <benchmark/benchmark.h>
#include <zmq.hpp>

#include "common/transport/admission.h"
#include "common/transport/coordinator_socket.h"
#include "common/transport/site_socket.h"
#include "protocols/secure_sum/chunks.h"
#include "tests/support/sum_fixture.h"

namespace consilium {
namespace {

using Clock = std::chrono::steady_clock;

constexpr Duration kStep{100};  ///< Nobody waits longer before it looks whether all is over.

double SecondsSince(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

template <class T>
T Must(Result<T> result) {
  CHECK(result.has_value());
  return std::move(*result);
}

/// One site's side: answers what the coordinator says, as the site's program does.
class LiveSite {
 public:
  LiveSite(SumFixture& fixture,
           std::size_t index,
           const TransportKeyPair& own,
           const TransportKey& coordinator,
           const std::string& endpoint)
      : fixture_(fixture),
        index_(index),
        random_(1'000 + index),
        context_(Must(TransportContext::Create())) {
    SiteSocketOptions options;
    options.endpoint = endpoint;
    socket_ = Must(SiteSocket::Connect(*context_, own, coordinator, options, random_));
  }

  /// Serves until told to stop. `contribution` is what it answers.
  void Serve(const std::atomic<bool>& stop) {
    Poller poller;
    poller.Watch(*socket_);
    while (!stop) {
      Must(poller.Wait(kStep));
      while (const auto event = socket_->NextEvent()) {
        if (*event == ConnectionEvent::kConnected) Say(MessageKind::kPrekey, Prekey());
      }
      while (const std::optional<Bytes> message = socket_->Receive()) Take(*message);
    }
  }
  void Contribute(RingVector words) { contribution_ = std::move(words); }
  const RingVector& sum() const { return sum_; }

 private:
  template <class Message>
  void Say(MessageKind kind, const Message& message) {
    const Route& route = fixture_.setup().route;
    const Bytes body = Encode(message);
    Send(IsSigned(kind) ? SealMessage(kind, route, body, fixture_.site(index_).identity)
                        : FrameMessage(kind, route, body));
  }
  void Send(const Bytes& message) {
    while (socket_->Send(message) != SendOutcome::kSent) std::this_thread::yield();
  }
  void SayChunk(std::uint64_t index) {
    Send(FrameChunk(MessageKind::kUploadChunk, fixture_.setup().route, session_->masked_vector(),
                    index));
  }

  void Take(const Bytes& message) {
    const OpenedMessage opened = Must(OpenMessage(message));
    if (IsSigned(opened.kind)) {
      CHECK(VerifySender(opened, fixture_.site(0).identity.public_key()));
    }
    switch (opened.kind) {
      case MessageKind::kRoundStart:
        return Begin(Must(Decode<RoundStart>(opened.body)));
      case MessageKind::kDelivery:
        CHECK(session_->OnDelivery(Must(Decode<Delivery>(opened.body))).has_value());
        CHECK(session_->Mask(std::move(contribution_)).has_value());
        return Say(MessageKind::kUploadHeader, session_->upload_header());
      case MessageKind::kChunkReceived: {
        const std::uint64_t next = Must(Decode<ChunkReceived>(opened.body)).next;
        if (next < ChunkCount(session_->masked_vector().size())) SayChunk(next);
        return;
      }
      case MessageKind::kSurvivors:
        return Say(MessageKind::kConfirmation,
                   *session_->OnSurvivors(Must(Decode<Survivors>(opened.body))));
      case MessageKind::kQuorum:
        return Say(MessageKind::kUnmasking, *session_->OnQuorum(Must(Decode<Quorum>(opened.body))));
      case MessageKind::kRoundClosed:
        return TakeClosing(Must(Decode<RoundClosed>(opened.body)));
      case MessageKind::kSumChunk:
        return TakeSum(Must(Decode<Chunk>(opened.body)));
      default:
        CHECK(false);
    }
  }
  void Begin(RoundStart start) {
    SessionSetup setup = fixture_.setup();
    setup.start = std::move(start);
    session_ = *SiteSession::Begin(std::move(setup), fixture_.id(index_),
                                   Clone(fixture_.site(index_).prekey), random_);
    Say(MessageKind::kShares, session_->shares());
  }
  void TakeClosing(RoundClosed closed) {
    incoming_.emplace(fixture_.setup().words);
    more_hash_ = closed.more_hash;
    TakeSum(Chunk{0, std::move(closed.sum)});
  }
  void TakeSum(const Chunk& chunk) {
    CHECK(incoming_->Take(chunk) == IncomingVector::Outcome::kTaken);
    if (incoming_->whole()) {
      sum_ = incoming_->Release();
      CHECK(MoreWordsHash(std::span(sum_).subspan(kChunkWords)) == more_hash_);
    }
    Say(MessageKind::kSumReceived, ChunkReceived{incoming_->next()});
  }

  SumFixture& fixture_;
  const std::size_t index_;
  SeededRandom random_;
  std::unique_ptr<TransportContext> context_;
  std::unique_ptr<SiteSocket> socket_;
  RingVector contribution_;
  std::optional<SiteSession> session_;
  std::optional<IncomingVector> incoming_;
  Digest more_hash_;
  RingVector sum_;
};

/// The coordinator's side, in the calling thread, and its sites.
class LiveRound {
 public:
  explicit LiveRound(SumFixture& fixture)
      : fixture_(fixture),
        context_(Must(TransportContext::Create())),
        admission_(Must(Admission::Start(*context_))),
        keys_(GenerateTransportKey(random_)) {
    std::set<TransportKey> allowed;
    std::vector<TransportKeyPair> pairs;
    for (std::size_t i = 0; i < fixture.size(); ++i) {
      pairs.push_back(GenerateTransportKey(random_));
      allowed.insert(pairs[i].public_key);
      index_of_[pairs[i].public_key] = i;
      key_of_.push_back(pairs[i].public_key);
    }
    admission_->Replace(allowed);
    socket_ = Must(CoordinatorSocket::Bind(*context_, *admission_, keys_, "tcp://127.0.0.1:0"));
    for (std::size_t i = 0; i < fixture.size(); ++i) {
      sites_.push_back(
          std::make_unique<LiveSite>(fixture, i, pairs[i], keys_.public_key, socket_->endpoint()));
      threads_.emplace_back([this, i] { sites_[i]->Serve(stop_); });
    }
    Serve([&] { return connected_ == fixture_.size(); });
  }
  ~LiveRound() {
    stop_ = true;
    for (std::thread& thread : threads_) thread.join();
  }

  /// New answers for every site.
  void Prepare() {
    expected_.assign(fixture_.setup().words, 0);
    for (const auto& site : sites_) {
      RingVector words = fixture_.RandomWords();
      AddTo(expected_, words);
      site->Contribute(std::move(words));
    }
  }
  /// Seconds from the start until every site holds the sum.
  double Run() {
    const auto begin = Clock::now();
    session_ = std::make_unique<CoordinatorSession>(fixture_.setup(), /*everyone=*/false);
    have_the_sum_ = 0;
    Tell(MessageKind::kRoundStart, fixture_.setup().start);
    Serve([&] { return have_the_sum_ == fixture_.size(); });
    return SecondsSince(begin);
  }
  void Check() const {
    for (const auto& site : sites_) CHECK(site->sum() == expected_);
  }

 private:
  template <class Done>
  void Serve(Done&& done) {
    Poller poller;
    poller.Watch(*socket_);
    while (!done()) {
      Must(poller.Wait(kStep));
      while (const std::optional<ReceivedMessage> message = socket_->Receive()) Take(*message);
    }
  }
  template <class Message>
  SharedBytes Sealed(MessageKind kind, const Message& message) {
    const Route& route = fixture_.setup().route;
    const Bytes body = Encode(message);
    return IsSigned(kind) ? SealMessage(kind, route, body, fixture_.site(0).identity)
                          : FrameMessage(kind, route, body);
  }
  void Send(std::size_t i, const SharedBytes& message) {
    while (socket_->Send(key_of_[i], message) != SendOutcome::kSent) std::this_thread::yield();
  }
  template <class Message>
  void Tell(MessageKind kind, const Message& message) {
    const SharedBytes sealed = Sealed(kind, message);
    for (std::size_t i = 0; i < fixture_.size(); ++i) Send(i, sealed);
  }

  void Take(const ReceivedMessage& message) {
    const std::size_t i = index_of_.at(message.from);
    const OpenedMessage opened = Must(OpenMessage(message.payload));
    if (IsSigned(opened.kind)) {
      CHECK(VerifySender(opened, fixture_.site(i).identity.public_key()));
    }
    switch (opened.kind) {
      case MessageKind::kPrekey:
        ++connected_;
        return;
      case MessageKind::kShares:
        CHECK(!session_->OnShares(fixture_.id(i), Must(Decode<Shares>(opened.body))));
        break;
      case MessageKind::kUploadHeader:
        CHECK(!session_->OnUploadHeader(fixture_.id(i), Must(Decode<UploadHeader>(opened.body)),
                                        *opened.signature));
        break;
      case MessageKind::kUploadChunk:
        CHECK(!session_->OnChunk(fixture_.id(i), Must(Decode<Chunk>(opened.body))));
        AskForChunk(fixture_.id(i));
        break;
      case MessageKind::kConfirmation:
        CHECK(!session_->OnConfirmation(fixture_.id(i), Must(Decode<Confirmation>(opened.body)),
                                        *opened.signature) ||
              session_->phase() != SumPhase::kConfirming);
        break;
      case MessageKind::kUnmasking:
        static_cast<void>(
            session_->OnUnmasking(fixture_.id(i), Must(Decode<Unmasking>(opened.body))));
        break;
      case MessageKind::kSumReceived:
        return SendSumFrom(i, Must(Decode<ChunkReceived>(opened.body)).next);
      default:
        CHECK(false);
    }
    Advance();
  }
  void AskForChunk(SiteId site) {
    if (const auto next = session_->NextChunk(site)) {
      Send(fixture_.IndexOf(site), Sealed(MessageKind::kChunkReceived, ChunkReceived{*next}));
    }
  }
  void Advance() {
    for (const SiteId site : session_->GrantNext()) AskForChunk(site);
    while (session_->ReadyToClose()) {
      session_->Close();
      Enter(session_->phase());
    }
  }
  void Enter(SumPhase phase) {
    switch (phase) {
      case SumPhase::kUploading:
        for (std::size_t i = 0; i < fixture_.size(); ++i) {
          Send(i, Sealed(MessageKind::kDelivery, session_->DeliveryFor(fixture_.id(i))));
        }
        return;
      case SumPhase::kConfirming:
        return Tell(MessageKind::kSurvivors, session_->SurvivorList());
      case SumPhase::kUnmasking:
        return Tell(MessageKind::kQuorum, session_->QuorumList());
      case SumPhase::kFinished: {
        const std::span<const std::uint64_t> words(session_->sum());
        const auto more = words.subspan(kChunkWords);
        return Tell(MessageKind::kRoundClosed,
                    RoundClosed{session_->survivors(), static_cast<std::uint32_t>(fixture_.size()),
                                ChunkOf(words, 0).words, more.size(), MoreWordsHash(more)});
      }
      default:
        CHECK(false);
    }
  }
  void SendSumFrom(std::size_t i, std::uint64_t next) {
    if (next == ChunkCount(session_->sum().size())) {
      ++have_the_sum_;
    } else {
      Send(i, FrameChunk(MessageKind::kSumChunk, fixture_.setup().route, session_->sum(), next));
    }
  }

  SumFixture& fixture_;
  SystemRandom random_;
  std::unique_ptr<TransportContext> context_;
  std::unique_ptr<Admission> admission_;
  TransportKeyPair keys_;
  std::unique_ptr<CoordinatorSocket> socket_;
  std::map<TransportKey, std::size_t> index_of_;
  std::vector<TransportKey> key_of_;
  std::vector<std::unique_ptr<LiveSite>> sites_;
  std::atomic<bool> stop_{false};
  std::vector<std::thread> threads_;
  std::size_t connected_ = 0;
  std::size_t have_the_sum_ = 0;
  std::unique_ptr<CoordinatorSession> session_;
  RingVector expected_;
};

/// As many bytes up and down, in chunks of 256 KiB, through bare sockets with the same limits.
class BareBytes {
 public:
  BareBytes(std::size_t sites, std::uint64_t words)
      : chunks_(ChunkCount(words)),
        keys_(GenerateTransportKey(random_)),
        context_(1),
        router_(context_, zmq::socket_type::router) {
    SetKeys(router_, keys_);
    router_.set(zmq::sockopt::curve_server, true);
    router_.set(zmq::sockopt::rcvhwm, 8);
    router_.set(zmq::sockopt::sndhwm, 4);
    router_.set(zmq::sockopt::router_mandatory, true);
    router_.bind("tcp://127.0.0.1:*");
    const std::string endpoint = router_.get(zmq::sockopt::last_endpoint);
    for (std::size_t i = 0; i < sites; ++i) {
      threads_.emplace_back([this, endpoint] { Serve(endpoint); });
    }
    for (std::size_t i = 0; i < sites; ++i) names_.push_back(Receive());
  }
  ~BareBytes() {
    for (const std::string& name : names_) Send(name, 0);
    for (std::thread& thread : threads_) thread.join();
  }

  /// Seconds until all bytes are up and down again.
  double Run() {
    const auto begin = Clock::now();
    for (const std::string& name : names_) Send(name, 1);  // Begin.
    for (std::uint64_t i = 0; i < chunks_ * names_.size(); ++i) Receive();
    for (std::uint64_t i = 0; i < chunks_; ++i) {
      for (const std::string& name : names_) Send(name, kChunkBytes);
    }
    for (std::size_t i = 0; i < names_.size(); ++i) Receive();
    return SecondsSince(begin);
  }

 private:
  static constexpr std::size_t kChunkBytes = 8 * kChunkWords;

  static void SetKeys(zmq::socket_t& socket, const TransportKeyPair& keys) {
    const ByteSpan secret = keys.secret.Expose();
    socket.set(zmq::sockopt::curve_publickey,
               zmq::const_buffer(keys.public_key.bytes.data(), keys.public_key.bytes.size()));
    socket.set(zmq::sockopt::curve_secretkey, zmq::const_buffer(secret.data(), secret.size()));
    socket.set(zmq::sockopt::linger, 0);
  }
  /// Who sent something.
  std::string Receive() {
    zmq::message_t name;
    CHECK(router_.recv(name).has_value());
    zmq::message_t payload;
    CHECK(router_.recv(payload).has_value());
    return name.to_string();
  }
  void Send(const std::string& to, std::size_t bytes) {
    router_.send(zmq::buffer(to), zmq::send_flags::sndmore);
    router_.send(zmq::message_t(bytes), zmq::send_flags::none);
  }
  void Serve(const std::string& endpoint) {
    SystemRandom random;
    zmq::context_t context(1);
    zmq::socket_t dealer(context, zmq::socket_type::dealer);
    SetKeys(dealer, GenerateTransportKey(random));
    dealer.set(zmq::sockopt::curve_serverkey,
               zmq::const_buffer(keys_.public_key.bytes.data(), keys_.public_key.bytes.size()));
    dealer.set(zmq::sockopt::rcvhwm, 4);
    dealer.set(zmq::sockopt::sndhwm, 4);
    dealer.connect(endpoint);
    dealer.send(zmq::str_buffer("hello"));
    const RingVector words(kChunkWords, 7);
    while (true) {
      zmq::message_t message;
      CHECK(dealer.recv(message).has_value());
      if (message.size() == 0) return;
      for (std::uint64_t i = 0; i < chunks_; ++i) dealer.send(zmq::buffer(words));
      for (std::uint64_t i = 0; i < chunks_; ++i) CHECK(dealer.recv(message).has_value());
      dealer.send(zmq::str_buffer("done"));
    }
  }

  const std::uint64_t chunks_;
  SystemRandom random_;
  const TransportKeyPair keys_;
  zmq::context_t context_;
  zmq::socket_t router_;
  std::vector<std::string> names_;
  std::vector<std::thread> threads_;
};

double CpuSecondsSince(std::clock_t begin) {
  return static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
}

/// CPU seconds of a round's streams: a site's own and its peers', and what is left in the end.
double MasksAlone(SumFixture& fixture, RingVector& words) {
  std::vector<MaskTerm> terms(fixture.size());
  for (MaskTerm& term : terms) fixture.random().Fill(term.key.ExposeMutable());
  const std::clock_t begin = std::clock();
  for (std::size_t i = 0; i < fixture.size() + 1; ++i) ApplyMasks(terms, words);
  return CpuSecondsSince(begin);
}

/// CPU seconds of a round's hashes: of each vector at the site and the coordinator, of the sum
/// there and at each site.
double HashesAlone(const SumFixture& fixture, const RingVector& words) {
  const std::clock_t begin = std::clock();
  for (std::size_t i = 0; i < 3 * fixture.size() + 1; ++i) {
    benchmark::DoNotOptimize(VectorHash(Digest(), SiteId(1), words));
  }
  return CpuSecondsSince(begin);
}

/// Wall-clock and processor times, in milliseconds.
void RoundAgainstBareBytes(benchmark::State& state) {
  const auto sites = static_cast<std::uint32_t>(state.range(0));
  const auto words = static_cast<std::uint64_t>(state.range(1));
  SumFixture fixture(sites, words);
  LiveRound round(fixture);
  BareBytes bytes(sites, words);
  RingVector numbers = fixture.RandomWords();
  double ours = 0, bare = 0, ours_cpu = 0, bare_cpu = 0;
  double masks_cpu = 0, hashes_cpu = 0;
  for (auto _ : state) {
    round.Prepare();
    const std::clock_t first = std::clock();
    ours += round.Run();
    ours_cpu += CpuSecondsSince(first);
    state.PauseTiming();
    round.Check();
    const std::clock_t second = std::clock();
    bare += bytes.Run();
    bare_cpu += CpuSecondsSince(second);
    masks_cpu += MasksAlone(fixture, numbers);
    hashes_cpu += HashesAlone(fixture, numbers);
    state.ResumeTiming();
  }
  const auto mean = [](double seconds) {
    return benchmark::Counter(1e3 * seconds, benchmark::Counter::kAvgIterations);
  };
  state.counters["round_ms"] = mean(ours);
  state.counters["bytes_ms"] = mean(bare);
  state.counters["ratio"] = ours / bare;
  state.counters["round_cpu_ms"] = mean(ours_cpu);
  state.counters["bytes_cpu_ms"] = mean(bare_cpu);
  state.counters["masks_cpu_ms"] = mean(masks_cpu);
  state.counters["hashes_cpu_ms"] = mean(hashes_cpu);
  state.counters["cpu_ratio_of_bytes_and_masks_to_bytes"] = (bare_cpu + masks_cpu) / bare_cpu;
  state.counters["cpu_ratio_to_all_three"] = ours_cpu / (bare_cpu + masks_cpu + hashes_cpu);
}
BENCHMARK(RoundAgainstBareBytes)
    ->ArgNames({"sites", "words"})
    ->Args({10, 1'000'000})
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace consilium

BENCHMARK_MAIN();
