#include "protocols/messages.h"

#include <gtest/gtest.h>

namespace consilium {
namespace {

/// Kinds that a coordinator takes in.
bool IsOfSite(MessageKind kind) {
  switch (kind) {
    case MessageKind::kHello:
    case MessageKind::kLedgerHead:
    case MessageKind::kDecision:
    case MessageKind::kPrekey:
    case MessageKind::kShares:
    case MessageKind::kUploadHeader:
    case MessageKind::kUploadChunk:
    case MessageKind::kSketch:
    case MessageKind::kConfirmation:
    case MessageKind::kUnmasking:
    case MessageKind::kRefusal:
    case MessageKind::kSumReceived:
      return true;
    default:
      return false;
  }
}

// The largest body that a kind's caps allow must pass its envelope: otherwise a legal message could
// not be sent.
template <class Message>
void ExpectFits(MessageKind kind, const Message& message) {
  const Bytes body = Encode(message);
  EXPECT_LE(body.size(), MaxBodyBytes(kind)) << Name(kind);
  EXPECT_LE(kHeaderBytes + MaxBodyBytes(kind) + kSignatureBytes,
            IsOfSite(kind) ? kMaxMessageBytes : kMaxMessageToSiteBytes)
      << Name(kind);
  const Result<Message> decoded = Decode<Message>(body);
  ASSERT_TRUE(decoded.has_value()) << Name(kind) << ": " << decoded.error().message;
  EXPECT_EQ(Encode(*decoded), body) << Name(kind);
}

std::vector<Participant> AllParticipants() { return std::vector<Participant>(kMaxSites); }

TEST(MessagesTest, TheLargestBodyOfEachKindPassesItsEnvelope) {
  ExpectFits(MessageKind::kHello, Hello{{}, {}, {}, std::string(64, 'x')});
  ExpectFits(MessageKind::kWelcome, Welcome{Bytes(kMaxRosterBytes), {}});
  ExpectFits(MessageKind::kLedgerHead, Receipt{});
  ExpectFits(MessageKind::kStudyOffer, StudyOffer{std::string(204'800, 'x')});
  ExpectFits(MessageKind::kDecision, Decision{});
  ExpectFits(MessageKind::kStudyNotice, StudyNotice{StudyState::kPaused, std::string(2000, 'x')});
  ExpectFits(MessageKind::kPrekey, Prekey{});
  ExpectFits(MessageKind::kRoundStart,
             RoundStart{Digest(), RosterEpoch(1), Thresholds{}, AllParticipants()});
  ExpectFits(MessageKind::kShares,
             Shares{{}, {}, {kMaxNeighbours, SealedShare{{}, Bytes(kSealedShareBytes), {}, {}}}});
  ExpectFits(MessageKind::kDelivery,
             Delivery{{kMaxSites, DeliveredShare{{}, {}, Bytes(kSealedShareBytes), {}, {}}}});
  ExpectFits(MessageKind::kUploadHeader, UploadHeader{});
  ExpectFits(MessageKind::kSketchRequest,
             SketchRequest{Survivors{std::vector<SurvivorHeader>(kMaxSites)}, {}});
  ExpectFits(MessageKind::kSketch, Sketch{{}, std::vector<std::uint64_t>(2 * kSketchRows, ~0ULL)});
  ExpectFits(MessageKind::kUploadChunk, Chunk{0, std::vector<std::uint64_t>(kChunkWords)});
  ExpectFits(MessageKind::kChunkReceived, ChunkReceived{});
  ExpectFits(MessageKind::kSurvivors, Survivors{std::vector<SurvivorHeader>(kMaxSites)});
  ExpectFits(MessageKind::kConfirmation, Confirmation{});
  ExpectFits(MessageKind::kQuorum, Quorum{std::vector<Cosignature>(kMaxSites)});
  ExpectFits(MessageKind::kUnmasking, Unmasking{std::vector<RevealedShare>(kMaxSites)});
  ExpectFits(MessageKind::kRoundClosed,
             RoundClosed{std::vector<SiteId>(kMaxSites), 128,
                         std::vector<std::uint64_t>(kChunkWords), kMaxVectorWords});
  ExpectFits(MessageKind::kSumChunk, Chunk{1, std::vector<std::uint64_t>(kChunkWords)});
  ExpectFits(MessageKind::kAttemptEnded, AttemptEnded{std::string(400, 'x')});
  ExpectFits(MessageKind::kRefusal, RefusalMessage{});
}

template <class Message>
void ExpectOverCapRefused(const Message& largest, std::size_t length_at) {
  Bytes body = Encode(largest);
  body.resize(body.size() + 512);
  const MutableByteSpan length = MutableByteSpan(body).subspan(length_at, 4);
  StoreU32(length, LoadU32(length) + 1);
  EXPECT_FALSE(Decode<Message>(body).has_value());
  StoreU32(length, UINT32_MAX);
  EXPECT_FALSE(Decode<Message>(body).has_value());
}

TEST(MessagesTest, OneElementOverACapIsRefused) {
  ExpectOverCapRefused(Quorum{std::vector<Cosignature>(kMaxSites)}, 0);
  ExpectOverCapRefused(Survivors{std::vector<SurvivorHeader>(kMaxSites)}, 0);
  ExpectOverCapRefused(Unmasking{std::vector<RevealedShare>(kMaxSites)}, 0);
  ExpectOverCapRefused(Delivery{std::vector<DeliveredShare>(kMaxSites)}, 0);
  ExpectOverCapRefused(Shares{{}, {}, std::vector<SealedShare>(kMaxNeighbours)}, 64);
  ExpectOverCapRefused(Chunk{0, std::vector<std::uint64_t>(kChunkWords)}, 8);
  ExpectOverCapRefused(RoundStart{{}, {}, {}, AllParticipants()}, 32 + 8 + 6 * 4);
  ExpectOverCapRefused(AttemptEnded{std::string(400, 'x')}, 0);
}

TEST(MessagesTest, AShareIsOfOneOfTheTwoKinds) {
  Bytes body = Encode(Unmasking{{RevealedShare{SiteId(1), ShareKind::kMasking, {}}}});
  EXPECT_TRUE(Decode<Unmasking>(body).has_value());
  for (const int kind : {0, 3, 255}) {
    body[8] = static_cast<std::byte>(kind);
    EXPECT_FALSE(Decode<Unmasking>(body).has_value()) << kind;
  }
}

TEST(MessagesTest, ASealedPairOfSharesHasTheCapsSize) {
  Bytes body = Encode(Shares{{}, {}, {SealedShare{SiteId(1), Bytes(kSealedShareBytes), {}, {}}}});
  EXPECT_TRUE(Decode<Shares>(body).has_value());
  StoreU32(MutableByteSpan(body).subspan(72, 4), kSealedShareBytes + 1);
  body.push_back(std::byte{0});
  EXPECT_FALSE(Decode<Shares>(body).has_value());
}

}  // namespace
}  // namespace consilium
