#pragma once

// The envelope of every message: a fixed header, the body, and the sender's signature over both.
//
//   offset  size  field
//        0     4  magic "CNSL"
//        4     2  protocol version
//        6     2  kind
//        8    32  federation
//       40    32  study, zero where a message concerns none
//       72     4  round, zero where a message concerns none
//       76     4  attempt
//       80     4  length of the body
//       84     4  reserved, zero
//       88     -  body
//        -    64  Ed25519 signature of header and body; absent for the unsigned kinds
//
// A signature can be checked by a peer that gets only body and signature from the coordinator,
// since it knows every field of the header itself: what it believes the message to be is what it
// verifies.

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "common/bytes.h"
#include "common/crypto/signing.h"
#include "common/ids.h"
#include "common/result.h"

namespace consilium {

inline constexpr std::uint16_t kProtocolVersion = 1;
inline constexpr std::size_t kHeaderBytes = 88;
inline constexpr std::size_t kSignatureBytes = 64;
/// The transport's limits; every message of a site and of the coordinator fits.
inline constexpr std::size_t kMaxMessageBytes = 300'000;
inline constexpr std::size_t kMaxMessageToSiteBytes = 1'800'000;

/// Numbers are never reused. The story they tell is in protocols/messages.h.
enum class MessageKind : std::uint16_t {
  kHello = 1,
  kWelcome = 2,
  kStudyOffer = 3,
  kDecision = 4,
  kStudyNotice = 5,
  kLedgerHead = 6,
  kPrekey = 16,
  kRoundStart = 17,
  kShares = 18,
  kDelivery = 19,
  kUploadHeader = 20,
  kUploadChunk = 21,
  kChunkReceived = 22,
  kSurvivors = 23,
  kConfirmation = 24,
  kQuorum = 25,
  kUnmasking = 26,
  kRoundClosed = 27,
  kAttemptEnded = 28,
  kRefusal = 29,
  kSumChunk = 30,
  kSumReceived = 31,
  kSketchRequest = 32,
  kSketch = 33
};

std::string_view Name(MessageKind kind);
/// Chunks and their receipts are not: the upload header's or the closing's signed hash vouches for
/// them. A ledger's head carries its site's signature in itself.
bool IsSigned(MessageKind kind);
/// The largest body of a kind, checked before decoding.
std::size_t MaxBodyBytes(MessageKind kind);

/// Which conversation a message belongs to.
struct Route {
  FederationId federation;
  StudyId study;
  RoundNumber round;
  AttemptNumber attempt;
  bool operator==(const Route&) const = default;
};

struct OpenedMessage {
  MessageKind kind = MessageKind::kHello;
  Route route;
  ByteSpan body;  ///< A view into the message's bytes.
  std::optional<Signature> signature;
  ByteSpan signed_bytes;  ///< Header and body.
};

/// Header, body and signature.
Bytes SealMessage(MessageKind kind, const Route& route, ByteSpan body, const SigningKey& key);
/// For the unsigned kinds.
Bytes FrameMessage(MessageKind kind, const Route& route, ByteSpan body);
/// The same of a body that lies in parts.
Bytes FrameMessage(MessageKind kind, const Route& route, std::span<const ByteSpan> body);
/// Checks the form alone; kCorrupt names what is wrong. The signature is yet to be verified.
Result<OpenedMessage> OpenMessage(ByteSpan message);
/// True if the message's kind is signed and the signature is `sender`'s.
bool VerifySender(const OpenedMessage& message, const IdentityKey& sender);
/// The signature of a message known only by its body.
bool VerifyForwarded(MessageKind kind,
                     const Route& route,
                     ByteSpan body,
                     const Signature& signature,
                     const IdentityKey& sender);

}  // namespace consilium
