// A site's session that gets decodable but arbitrary messages from its coordinator, in any order:
// it refuses or goes on, never stops the process, and never gives both kinds of shares of one
// dealer, nor sketches by two seeds.
//
// Input: steps of one byte for the action, two for the length, then a body. A step without a body
// plays the honest message, so that every phase is reached. The first byte's highest bit says
// whether norms are checked.

#include <map>
#include <set>

#include "protocols/messages.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/support/sum_fixture.h"

namespace consilium {
namespace {

/// Three honest sites up to each phase's message for the first; made once.
struct Script {
  explicit Script(bool checks_norms) {
    if (checks_norms) fixture.CheckNorms(1e6);
  }
  SumFixture fixture{3};
  std::vector<SiteSession> peers;
};

class Play {
 public:
  explicit Play(Script& script) : script_(script), site_(script.fixture.Begin(0)) {}

  void Step(unsigned action, ByteSpan body) {
    switch (action % 5) {
      case 0:
        return Deliver(body);
      case 1:
        if (site_.CanMask()) {
          CHECK(site_.Mask(RingVector(script_.fixture.setup().words, 1)).has_value());
          header_ = site_.upload_header();
        }
        return;
      case 2:
        return Survive(body);
      case 3:
        return Release(body);
      default:
        return BeSketched(body);
    }
  }

 private:
  void Deliver(ByteSpan body) {
    Result<Delivery> delivery = body.empty() ? HonestDelivery() : Decode<Delivery>(body);
    if (delivery) (void)site_.OnDelivery(*delivery);
  }
  void Survive(ByteSpan body) {
    Result<Survivors> survivors = body.empty() ? HonestSurvivors() : Decode<Survivors>(body);
    if (!survivors) return;
    const Judged<Confirmation> confirmation = site_.OnSurvivors(*survivors);
    if (!confirmation) return;
    CHECK(transcript_ == Digest{} || transcript_ == confirmation->transcript);
    transcript_ = confirmation->transcript;
  }
  void BeSketched(ByteSpan body) {
    Result<SketchRequest> request = body.empty() ? HonestRequest() : Decode<SketchRequest>(body);
    if (!request) return;
    const Judged<Sketch> sketch = site_.OnSketchRequest(*request);
    if (!sketch) return;
    CHECK(!seed_ || *seed_ == sketch->seed);
    seed_ = sketch->seed;
  }
  void Release(ByteSpan body) {
    Result<Quorum> quorum = body.empty() ? HonestQuorum() : Decode<Quorum>(body);
    if (!quorum) return;
    const Judged<Unmasking> unmasking = site_.OnQuorum(*quorum);
    if (!unmasking) return;
    for (const RevealedShare& share : unmasking->shares) {
      kinds_[share.dealer].insert(share.kind);
      CHECK(kinds_[share.dealer].size() == 1);
    }
  }

  Result<Delivery> HonestDelivery() {
    Delivery delivery;
    for (std::size_t i = 0; i < 3; ++i) {
      const Shares& shares = i == 0 ? site_.shares() : script_.peers[i - 1].shares();
      DeliveredShare entry{script_.fixture.id(i), DigestOfShares(shares), {}, {}, {}};
      if (i != 0) {
        entry.sealed = shares.shares[0].sealed;
        entry.self_hash = shares.shares[0].self_hash;
        entry.masking_hash = shares.shares[0].masking_hash;
      }
      delivery.shares.push_back(entry);
    }
    return delivery;
  }
  Result<Survivors> HonestSurvivors() {
    Survivors survivors;
    for (std::size_t i = 0; i < 3; ++i) {
      survivors.headers.push_back({script_.fixture.id(i), header_,
                                   script_.fixture.Sign(i, MessageKind::kUploadHeader, header_)});
    }
    return survivors;
  }
  Result<SketchRequest> HonestRequest() {
    return SketchRequest{*HonestSurvivors(), script_.fixture.setup().sketch_nonce};
  }
  Result<Quorum> HonestQuorum() {
    Quorum quorum;
    for (std::size_t i = 0; i < 3; ++i) {
      quorum.signatures.push_back(
          {script_.fixture.id(i),
           script_.fixture.Sign(i, MessageKind::kConfirmation, Confirmation{transcript_})});
    }
    return quorum;
  }

  Script& script_;
  SiteSession site_;
  UploadHeader header_;
  Digest transcript_;
  std::optional<Digest> seed_;
  std::map<SiteId, std::set<ShareKind>> kinds_;
};

Bytes Step(std::uint8_t action, const Bytes& body = {}) {
  Bytes step{std::byte{action}, static_cast<std::byte>(body.size() & 0xff),
             static_cast<std::byte>(body.size() >> 8)};
  step.insert(step.end(), body.begin(), body.end());
  return step;
}

Bytes Join(std::initializer_list<Bytes> steps) {
  Bytes joined;
  for (const Bytes& step : steps) joined.insert(joined.end(), step.begin(), step.end());
  return joined;
}

}  // namespace

void FuzzOne(ByteSpan input) {
  Script script(!input.empty() && (input[0] & std::byte{0x80}) != std::byte{});
  for (std::size_t i = 1; i < 3; ++i) script.peers.push_back(script.fixture.Begin(i));
  Play play(script);
  for (int steps = 0; steps < 16 && input.size() >= 3; ++steps) {
    const unsigned action = std::to_integer<unsigned>(input[0]);
    const std::size_t length =
        std::to_integer<std::size_t>(input[1]) | std::to_integer<std::size_t>(input[2]) << 8;
    input = input.subspan(3);
    const std::size_t taken = std::min(length, input.size());
    play.Step(action, input.first(taken));
    input = input.subspan(taken);
  }
}

std::vector<Bytes> FuzzSeeds() {
  const Bytes delivery =
      Encode(Delivery{{DeliveredShare{SiteId(2), {}, {}, {}, {}},
                       DeliveredShare{SiteId(9), {}, Bytes(kSealedShareBytes), {}, {}},
                       DeliveredShare{SiteId(16), {}, Bytes(kSealedShareBytes), {}, {}}}});
  const Bytes survivors =
      Encode(Survivors{{SurvivorHeader{SiteId(2), {}, {}}, SurvivorHeader{SiteId(9), {}, {}},
                        SurvivorHeader{SiteId(16), {}, {}}}});
  const Bytes request = Encode(SketchRequest{*Decode<Survivors>(survivors), {}});
  const Bytes quorum = Encode(Quorum{
      {Cosignature{SiteId(2), {}}, Cosignature{SiteId(9), {}}, Cosignature{SiteId(16), {}}}});
  return {Join({Step(0), Step(1), Step(2), Step(3), Step(2), Step(3)}),
          Join({Step(0, delivery), Step(0), Step(0, delivery)}),
          Join({Step(0), Step(1), Step(2, survivors), Step(2), Step(2, survivors)}),
          Join({Step(0), Step(1), Step(2), Step(3, quorum), Step(3), Step(3, quorum)}),
          // With norms checked.
          Join({Step(130), Step(1), Step(2), Step(4), Step(4), Step(2), Step(3)}),
          Join({Step(130), Step(1), Step(4), Step(4, request), Step(2), Step(3)}),
          Join({Step(130), Step(4), Step(1), Step(4, request), Step(4), Step(2), Step(3)})};
}

}  // namespace consilium
