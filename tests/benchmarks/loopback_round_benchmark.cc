// A whole secure round over real loopback sockets, and in the same run the bytes alone: as many
// words up and down through bare CURVE DEALER and ROUTER sockets in chunks of 256 KiB. Each site
// has a thread, a ZeroMQ context and a connection of its own; nothing is trained, nothing stored.
// Wanted: 1.25 times the bytes alone, with ten sites and a million words.

#include <atomic>
#include <chrono>
#include <thread>

#include <benchmark/benchmark.h>
#include <zmq.hpp>

#include "common/transport/admission.h"
#include "common/transport/coordinator_socket.h"
#include "common/transport/site_socket.h"
#include "protocols/secure_sum/chunks.h"
#include "tests/benchmarks/processor_time.h"
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
    const Bytes sealed = IsSigned(kind)
                             ? SealMessage(kind, route, body, fixture_.site(index_).identity)
                             : FrameMessage(kind, route, body);
    while (socket_->Send(sealed) != SendOutcome::kSent) std::this_thread::yield();
  }
  void SayChunk(std::uint64_t index) {
    Say(MessageKind::kUploadChunk, ChunkOf(session_->masked_vector(), index));
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
      sites_.push_back(std::make_unique<LiveSite>(fixture, i, pairs[i], keys_.public_key,
                                                  socket_->endpoint()));
      threads_.emplace_back([this, i] { sites_[i]->Serve(stop_); });
    }
    Serve([&] { return connected_ == fixture_.size(); });
  }
  ~LiveRound() {
    stop_ = true;
    for (std::thread& thread : threads_) thread.join();
  }

  /// Seconds from the start until every site holds the sum.
  double Run() {
    RingVector expected(fixture_.setup().words, 0);
    for (const auto& site : sites_) {
      RingVector words = fixture_.RandomWords();
      AddTo(expected, words);
      site->Contribute(std::move(words));
    }
    session_ = std::make_unique<CoordinatorSession>(fixture_.setup(), /*everyone=*/false);
    have_the_sum_ = 0;
    const auto begin = Clock::now();
    Tell(MessageKind::kRoundStart, fixture_.setup().start);
    Serve([&] { return have_the_sum_ == fixture_.size(); });
    const double seconds = SecondsSince(begin);
    for (const auto& site : sites_) CHECK(site->sum() == expected);
    return seconds;
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
        static_cast<void>(session_->OnUnmasking(fixture_.id(i), Must(Decode<Unmasking>(opened.body))));
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
                    RoundClosed{session_->survivors(),
                                static_cast<std::uint32_t>(fixture_.size()),
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
      Send(i, Sealed(MessageKind::kSumChunk, ChunkOf(session_->sum(), next)));
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
};

}  // namespace
}  // namespace consilium
