#pragma once

// Every kind of message with a small valid body: where fuzzing starts.

#include <utility>
#include <vector>

#include "protocols/messages.h"
#include "protocols/roster.h"
#include "tests/fuzz/fuzz_target.h"

namespace consilium {

/// Checks the decoder of a kind; true if it accepts the body.
inline bool CheckBody(MessageKind kind, ByteSpan body) {
  switch (kind) {
    case MessageKind::kHello:
      return CheckDecoder<Hello>(body);
    case MessageKind::kWelcome:
      return CheckDecoder<Welcome>(body);
    case MessageKind::kLedgerHead:
      return CheckDecoder<Receipt>(body);
    case MessageKind::kStudyOffer:
      return CheckDecoder<StudyOffer>(body);
    case MessageKind::kDecision:
      return CheckDecoder<Decision>(body);
    case MessageKind::kStudyNotice:
      return CheckDecoder<StudyNotice>(body);
    case MessageKind::kPrekey:
      return CheckDecoder<Prekey>(body);
    case MessageKind::kRoundStart:
      return CheckDecoder<RoundStart>(body);
    case MessageKind::kShares:
      return CheckDecoder<Shares>(body);
    case MessageKind::kDelivery:
      return CheckDecoder<Delivery>(body);
    case MessageKind::kUploadHeader:
      return CheckDecoder<UploadHeader>(body);
    case MessageKind::kUploadChunk:
      return CheckDecoder<Chunk>(body);
    case MessageKind::kChunkReceived:
      return CheckDecoder<ChunkReceived>(body);
    case MessageKind::kSurvivors:
      return CheckDecoder<Survivors>(body);
    case MessageKind::kSketchRequest:
      return CheckDecoder<SketchRequest>(body);
    case MessageKind::kSketch:
      return CheckDecoder<Sketch>(body);
    case MessageKind::kConfirmation:
      return CheckDecoder<Confirmation>(body);
    case MessageKind::kQuorum:
      return CheckDecoder<Quorum>(body);
    case MessageKind::kUnmasking:
      return CheckDecoder<Unmasking>(body);
    case MessageKind::kSumChunk:
      return CheckDecoder<Chunk>(body);
    case MessageKind::kSumReceived:
      return CheckDecoder<ChunkReceived>(body);
    case MessageKind::kRoundClosed:
      return CheckDecoder<RoundClosed>(body);
    case MessageKind::kAttemptEnded:
      return CheckDecoder<AttemptEnded>(body);
    case MessageKind::kRefusal:
      return CheckDecoder<RefusalMessage>(body);
  }
  return false;
}

inline SignedRoster SmallRoster() {
  Roster roster;
  roster.federation_name = "federation";
  roster.epoch = RosterEpoch(2);
  roster.members = {Member{SiteId(1), "north", {}, {}, MemberState::kActive},
                    Member{SiteId(2), "south", {}, {}, MemberState::kRevoked}};
  return SignedRoster{roster, Signature{}};
}

inline std::vector<std::pair<MessageKind, Bytes>> SmallBodies() {
  using K = MessageKind;
  const DeliveredShare share{SiteId(1), {}, Bytes(kSealedShareBytes), {}, {}};
  return {
      {K::kHello, Encode(Hello{{}, RosterEpoch(2), {}, "consilium-site 0.1.0"})},
      {K::kWelcome, Encode(Welcome{Encode(SmallRoster()), {}})},
      {K::kLedgerHead, Encode(Receipt{})},
      {K::kStudyOffer, Encode(StudyOffer{"[study]\ntitle = \"\xc3\xa9tude\"\n"})},
      {K::kDecision, Encode(Decision{DecisionKind::kApproved, {}})},
      {K::kStudyNotice, Encode(StudyNotice{StudyState::kPaused, "a site is away"})},
      {K::kPrekey, Encode(Prekey{})},
      {K::kRoundStart,
       Encode(RoundStart{Digest{}, RosterEpoch(2), {}, std::vector<Participant>(3)})},
      {K::kShares, Encode(Shares{{}, {}, {{SiteId(1), Bytes(kSealedShareBytes), {}, {}}}})},
      {K::kDelivery, Encode(Delivery{{share, DeliveredShare{SiteId(2), {}, {}, {}, {}}}})},
      {K::kUploadHeader, Encode(UploadHeader{})},
      {K::kUploadChunk, Encode(Chunk{0, std::vector<std::uint64_t>(5, 7)})},
      {K::kChunkReceived, Encode(ChunkReceived{1})},
      {K::kSurvivors, Encode(Survivors{std::vector<SurvivorHeader>(3)})},
      {K::kSketchRequest, Encode(SketchRequest{Survivors{std::vector<SurvivorHeader>(3)}, {}})},
      {K::kSketch, Encode(Sketch{{}, std::vector<std::uint64_t>(2 * kSketchRows, 7)})},
      {K::kConfirmation, Encode(Confirmation{})},
      {K::kQuorum, Encode(Quorum{std::vector<Cosignature>(3)})},
      {K::kUnmasking, Encode(Unmasking{std::vector<RevealedShare>(3)})},
      {K::kRoundClosed, Encode(RoundClosed{{SiteId(1), SiteId(2)}, 3, {1, 2, 3}})},
      {K::kSumChunk, Encode(Chunk{1, std::vector<std::uint64_t>(5, 7)})},
      {K::kSumReceived, Encode(ChunkReceived{1})},
      {K::kAttemptEnded, Encode(AttemptEnded{"too few sites"})},
      {K::kRefusal, Encode(RefusalMessage{17, 35, SiteId(2)})},
  };
}

}  // namespace consilium
