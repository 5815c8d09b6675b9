#pragma once

// Builders for tests of the secure sum: sites with identities and prekeys, one attempt's setup, and
// a lock-step network in which every message crosses its real envelope and is written down.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "common/check.h"
#include "common/crypto/hash.h"
#include "protocols/secure_sum/coordinator_session.h"
#include "protocols/secure_sum/site_session.h"
#include "protocols/secure_sum/thresholds.h"
#include "protocols/secure_sum/transcript.h"

namespace consilium {

inline PrekeySecrets Clone(const PrekeySecrets& secrets) {
  PrekeySecrets copy;
  copy.prekey = secrets.prekey;
  copy.encryption = secrets.encryption.Clone();
  copy.masking_seed = secrets.masking_seed.Clone();
  copy.masking = secrets.masking.Clone();
  return copy;
}

struct TestSite {
  SiteId id;
  SigningKey identity;
  PrekeySecrets prekey;
};

/// Sites, their keys, and the honest setup of one attempt. Sites are named by their position from
/// 0; their numbers have gaps, so that a test notices when one is taken for the other.
class SumFixture {
 public:
  explicit SumFixture(std::uint32_t sites,
                      std::uint64_t words = 4,
                      std::uint32_t minimum = 3,
                      std::uint64_t seed = 1)
      : random_(seed) {
    Route& route = setup_.route;
    route.federation.bytes = random_.Draw<32>();
    route.study.bytes = random_.Draw<32>();
    route.round = RoundNumber(3);
    route.attempt = AttemptNumber(2);
    setup_.start.query_hash = HashBytes(AsBytes("query"));
    setup_.start.roster_epoch = RosterEpoch(9);
    setup_.start.thresholds = *ThresholdsFor(sites, minimum);
    setup_.words = words;
    const std::vector<Slot> slots{Slot{Encoding::kCount, words, 1000.0}};
    setup_.codec = CodecDigest(slots, sites);
    for (std::uint32_t i = 0; i < sites; ++i) {
      sites_.push_back(
          TestSite{SiteId(7 * i + 2), SigningKey::Generate(random_), GeneratePrekey(random_)});
      setup_.identities.emplace(sites_[i].id, sites_[i].identity.public_key());
      setup_.start.participants.push_back(ParticipantOf(i, sites_[i].prekey.prekey));
    }
  }

  std::size_t size() const { return sites_.size(); }
  SessionSetup& setup() { return setup_; }
  const SessionSetup& setup() const { return setup_; }
  TestSite& site(std::size_t i) { return sites_[i]; }
  SiteId id(std::size_t i) const { return sites_[i].id; }
  SeededRandom& random() { return random_; }
  std::size_t IndexOf(SiteId id) const { return (id.value() - 2) / 7; }
  std::uint32_t fewest() const { return FewestSites(setup_.start.thresholds); }

  Signature Sign(std::size_t i, MessageKind kind, const Route& route, ByteSpan body) const {
    const Bytes sealed = SealMessage(kind, route, body, sites_[i].identity);
    Signature signature;
    std::copy(sealed.end() - kSignatureBytes, sealed.end(), signature.bytes.begin());
    return signature;
  }
  template <class Message>
  Signature Sign(std::size_t i, MessageKind kind, const Message& message) const {
    return Sign(i, kind, setup_.route, Encode(message));
  }

  /// The entry of U1 that a site vouches for.
  Participant ParticipantOf(std::size_t i, const Prekey& prekey) const {
    Route route = setup_.route;
    route.round = RoundNumber();
    route.attempt = AttemptNumber();
    return Participant{sites_[i].id, prekey, Sign(i, MessageKind::kPrekey, route, Encode(prekey))};
  }

  Judged<SiteSession> TryBegin(std::size_t i, const SessionSetup& setup) {
    return SiteSession::Begin(setup, sites_[i].id, Clone(sites_[i].prekey), random_);
  }
  SiteSession Begin(std::size_t i, const SessionSetup& setup) {
    Judged<SiteSession> session = TryBegin(i, setup);
    CHECK(session.has_value());
    return std::move(*session);
  }
  SiteSession Begin(std::size_t i) { return Begin(i, setup_); }

  /// Has the norm checked of a part of the vector, after its first two words, which are counts.
  void CheckNorms(double bound, Encoding encoding = Encoding::kShort) {
    const std::size_t words = setup_.words - 2;
    const std::size_t numbers = encoding == Encoding::kShort ? 2 * words : words / 2;
    const auto sites = static_cast<std::uint32_t>(sites_.size());
    setup_.check = NormCheck{2, Slot{encoding, numbers, bound, /*dither=*/5}, bound, sites};
    random_.Fill(setup_.sketch_nonce);
  }
  /// Numbers as a site would contribute them: two counts and a vector of this length (L2 norm).
  RingVector WordsOfLength(double length) {
    const NormCheck& check = *setup_.check;
    std::vector<double> numbers(check.slot.count);
    double squares = 0;
    for (double& number : numbers) {
      number = random_.Unit() - 0.5;
      squares += number * number;
    }
    for (double& number : numbers) number *= length / std::sqrt(squares);
    Slot slot = check.slot;  // The same scale, for whoever goes beyond it.
    RingVector words = *EncodeFixedPoint(numbers, std::span(&slot, 1), check.sites);
    words.insert(words.begin(), {60, 40});
    return words;
  }

  RingVector RandomWords() {
    RingVector words(setup_.words);
    random_.Fill(std::as_writable_bytes(std::span(words)));
    return words;
  }

 private:
  SeededRandom random_;
  SessionSetup setup_;
  std::vector<TestSite> sites_;
};

/// An honest attempt, step by step. A site of `absent` says nothing in a step; one that cannot
/// answer because it missed an earlier step says nothing either.
class SumRun {
 public:
  using Absent = std::set<std::size_t>;

  explicit SumRun(SumFixture& fixture, bool everyone = false)
      : fixture_(fixture), coordinator_(fixture.setup(), everyone) {
    for (std::size_t i = 0; i < fixture.size(); ++i)
      contributions_.push_back(fixture.RandomWords());
  }

  CoordinatorSession& coordinator() { return coordinator_; }
  /// Begun when first asked for, so that a site that says nothing costs nothing.
  SiteSession& session(std::size_t i) {
    const auto found = sessions_.find(i);
    return found != sessions_.end() ? found->second
                                    : sessions_.emplace(i, fixture_.Begin(i)).first->second;
  }
  RingVector& contribution(std::size_t i) { return contributions_[i]; }
  /// Every body the coordinator received, in order.
  const std::vector<Bytes>& received() const { return received_; }

  std::optional<DropReason> SendShares(std::size_t i) {
    const auto [shares, signature] = Cross(i, MessageKind::kShares, session(i).shares());
    return coordinator_.OnShares(fixture_.id(i), shares);
  }
  Judged<void> Deliver(std::size_t i) {
    return session(i).OnDelivery(Recode(coordinator_.DeliveryFor(fixture_.id(i))));
  }
  void Mask(std::size_t i) { CHECK(session(i).Mask(contributions_[i]).has_value()); }
  std::optional<DropReason> SendHeader(std::size_t i) {
    const auto [header, signature] =
        Cross(i, MessageKind::kUploadHeader, session(i).upload_header());
    return coordinator_.OnUploadHeader(fixture_.id(i), header, signature);
  }
  Chunk ChunkOf(std::size_t i, std::uint64_t index) {
    const RingVector& masked = session(i).masked_vector();
    const std::size_t begin = std::min<std::size_t>(index * kChunkWords, masked.size());
    const std::size_t end = std::min<std::size_t>(begin + kChunkWords, masked.size());
    return Chunk{index, RingVector(masked.begin() + static_cast<std::ptrdiff_t>(begin),
                                   masked.begin() + static_cast<std::ptrdiff_t>(end))};
  }
  Sketch SketchOf(std::size_t i) {
    Judged<Sketch> sketch = session(i).OnSketchRequest(Recode(coordinator_.sketch_request()));
    CHECK(sketch.has_value());
    return *sketch;
  }
  std::optional<DropReason> SendSketch(std::size_t i) {
    const auto [sketch, signature] = Cross(i, MessageKind::kSketch, SketchOf(i));
    return coordinator_.OnSketch(fixture_.id(i), sketch);
  }
  std::optional<DropReason> SendVector(std::size_t i) {
    const std::uint64_t chunks = (fixture_.setup().words + kChunkWords - 1) / kChunkWords;
    coordinator_.GrantNext();
    for (std::uint64_t index = 0; index < chunks; ++index) {
      const Chunk chunk = Recode(ChunkOf(i, index));
      received_.push_back(Encode(chunk));
      if (auto reason = coordinator_.OnChunk(fixture_.id(i), chunk)) return reason;
    }
    return std::nullopt;
  }
  Confirmation Confirm(std::size_t i) {
    Judged<Confirmation> confirmation = session(i).OnSurvivors(Recode(coordinator_.SurvivorList()));
    CHECK(confirmation.has_value());
    return *confirmation;
  }
  std::optional<DropReason> SendConfirmation(std::size_t i) {
    const auto [confirmation, signature] = Cross(i, MessageKind::kConfirmation, Confirm(i));
    return coordinator_.OnConfirmation(fixture_.id(i), confirmation, signature);
  }
  Unmasking Release(std::size_t i) {
    Judged<Unmasking> unmasking = session(i).OnQuorum(Recode(coordinator_.QuorumList()));
    CHECK(unmasking.has_value());
    return *unmasking;
  }
  std::optional<DropReason> SendUnmasking(std::size_t i) {
    const auto [unmasking, signature] = Cross(i, MessageKind::kUnmasking, Release(i));
    return coordinator_.OnUnmasking(fixture_.id(i), unmasking);
  }

  // Whole phases, the closing included.
  void Dealing(const Absent& absent = {}) {
    for (const std::size_t i : Members(absent)) CHECK(!SendShares(i));
    coordinator_.Close();
  }
  void MaskAll(const Absent& absent = {}) {
    for (const std::size_t i : Members(absent)) {
      CHECK(Deliver(i).has_value());
      Mask(i);
    }
  }
  void Uploading(const Absent& absent = {}) {
    MaskAll(absent);
    for (const std::size_t i : Members(absent)) {
      CHECK(!SendHeader(i));
      CHECK(!SendVector(i));
    }
    coordinator_.Close();
  }
  // In the place of Uploading, where the setup has a check.
  void Committing(const Absent& absent = {}) {
    MaskAll(absent);
    for (const std::size_t i : Members(absent)) CHECK(!SendHeader(i));
    coordinator_.Close();
  }
  void Sketching(const Absent& absent = {}) {
    for (const std::size_t i : Members(absent)) CHECK(!SendSketch(i));
    coordinator_.Close();
  }
  void Sending(const Absent& absent = {}) {
    for (const std::size_t i : Members(absent)) CHECK(!SendVector(i));
    coordinator_.Close();
  }
  void Confirming(const Absent& absent = {}) {
    for (const std::size_t i : Members(absent)) CHECK(!SendConfirmation(i));
    coordinator_.Close();
  }
  void Unmask(const Absent& absent = {}) {
    for (const std::size_t i : Members(absent)) CHECK(!SendUnmasking(i));
    coordinator_.Close();
  }

  /// The sum of the contributions of the coordinator's survivors, added up in the clear.
  RingVector ExpectedSum() const {
    RingVector sum(fixture_.setup().words, 0);
    for (const SiteId id : coordinator_.survivors())
      AddTo(sum, contributions_[fixture_.IndexOf(id)]);
    return sum;
  }

  /// Who is in the coordinator's phase, without `absent`; positions, ascending.
  std::vector<std::size_t> Members(const Absent& absent) const {
    std::vector<std::size_t> members;
    for (const SiteId id : coordinator_.Members()) {
      if (!absent.contains(fixture_.IndexOf(id))) members.push_back(fixture_.IndexOf(id));
    }
    return members;
  }

 private:
  template <class Message>
  static Message Recode(const Message& message) {
    Result<Message> decoded = Decode<Message>(Encode(message));
    CHECK(decoded.has_value());
    return std::move(*decoded);
  }
  /// Sealed by the site, opened and verified by the coordinator.
  template <class Message>
  std::pair<Message, Signature> Cross(std::size_t i, MessageKind kind, const Message& message) {
    const Bytes sealed =
        SealMessage(kind, fixture_.setup().route, Encode(message), fixture_.site(i).identity);
    const Result<OpenedMessage> opened = OpenMessage(sealed);
    CHECK(opened.has_value() && opened->kind == kind && opened->route == fixture_.setup().route);
    CHECK(VerifySender(*opened, fixture_.site(i).identity.public_key()));
    Result<Message> decoded = Decode<Message>(opened->body);
    CHECK(decoded.has_value());
    received_.push_back(sealed);
    return {std::move(*decoded), *opened->signature};
  }

  SumFixture& fixture_;
  CoordinatorSession coordinator_;
  std::map<std::size_t, SiteSession> sessions_;
  std::vector<RingVector> contributions_;
  std::vector<Bytes> received_;
};

}  // namespace consilium
