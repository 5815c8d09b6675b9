#include "protocols/header.h"

#include <algorithm>
#include <string>

#include "common/check.h"

namespace consilium {
namespace {

constexpr std::uint32_t kMagic = 0x4c534e43;  // "CNSL"

constexpr std::size_t kKilobyte = 1024;

struct KindTraits {
  MessageKind kind;
  std::string_view name;
  bool is_signed;
  std::size_t max_body;
};

constexpr KindTraits kKinds[] = {
    {MessageKind::kHello, "hello", true, 1 * kKilobyte},
    {MessageKind::kWelcome, "welcome", true, 1700 * kKilobyte},
    {MessageKind::kLedgerHead, "ledger-head", false, 1 * kKilobyte},
    {MessageKind::kStudyOffer, "study-offer", true, 220 * kKilobyte},
    {MessageKind::kDecision, "decision", true, 1 * kKilobyte},
    {MessageKind::kStudyNotice, "study-notice", true, 8 * kKilobyte},
    {MessageKind::kPrekey, "prekey", true, 1 * kKilobyte},
    {MessageKind::kRoundStart, "round-start", true, 750 * kKilobyte},
    {MessageKind::kShares, "shares", true, 64 * kKilobyte},
    {MessageKind::kDelivery, "delivery", true, 1020 * kKilobyte},
    {MessageKind::kUploadHeader, "upload-header", true, 1 * kKilobyte},
    {MessageKind::kUploadChunk, "upload-chunk", false, 257 * kKilobyte},
    {MessageKind::kChunkReceived, "chunk-received", false, 1 * kKilobyte},
    {MessageKind::kSurvivors, "survivors", true, 860 * kKilobyte},
    {MessageKind::kConfirmation, "confirmation", true, 1 * kKilobyte},
    {MessageKind::kQuorum, "quorum", true, 340 * kKilobyte},
    {MessageKind::kUnmasking, "unmasking", true, 190 * kKilobyte},
    {MessageKind::kRoundClosed, "round-closed", true, 280 * kKilobyte},
    {MessageKind::kAttemptEnded, "attempt-ended", true, 1 * kKilobyte},
    {MessageKind::kRefusal, "refusal", true, 1 * kKilobyte},
    {MessageKind::kSumChunk, "sum-chunk", false, 257 * kKilobyte},
    {MessageKind::kSumReceived, "sum-received", false, 1 * kKilobyte},
    {MessageKind::kSketchRequest, "sketch-request", true, 860 * kKilobyte},
    {MessageKind::kSketch, "sketch", true, 2 * kKilobyte},
};

const KindTraits* Find(std::uint16_t number) {
  const auto* found = std::find_if(
      std::begin(kKinds), std::end(kKinds),
      [&](const KindTraits& kind) { return static_cast<std::uint16_t>(kind.kind) == number; });
  return found == std::end(kKinds) ? nullptr : found;
}

const KindTraits& TraitsOf(MessageKind kind) {
  const KindTraits* traits = Find(static_cast<std::uint16_t>(kind));
  CHECK(traits != nullptr);
  return *traits;
}

void StoreU16(MutableByteSpan to, std::uint16_t value) {
  to[0] = static_cast<std::byte>(value & 0xff);
  to[1] = static_cast<std::byte>(value >> 8);
}

std::uint16_t LoadU16(ByteSpan from) {
  return static_cast<std::uint16_t>(std::to_integer<unsigned>(from[0]) |
                                    (std::to_integer<unsigned>(from[1]) << 8));
}

Bytes HeaderAndBody(MessageKind kind, const Route& route, std::span<const ByteSpan> parts) {
  std::size_t size = 0;
  for (const ByteSpan part : parts) size += part.size();
  CHECK(size <= TraitsOf(kind).max_body);
  Bytes message;
  message.reserve(kHeaderBytes + size + kSignatureBytes);  // Lest a signature move it all.
  message.resize(kHeaderBytes);
  const MutableByteSpan bytes(message);
  StoreU32(bytes.subspan(0, 4), kMagic);
  StoreU16(bytes.subspan(4, 2), kProtocolVersion);
  StoreU16(bytes.subspan(6, 2), static_cast<std::uint16_t>(kind));
  std::copy(route.federation.bytes.begin(), route.federation.bytes.end(), message.begin() + 8);
  std::copy(route.study.bytes.begin(), route.study.bytes.end(), message.begin() + 40);
  StoreU32(bytes.subspan(72, 4), route.round.value());
  StoreU32(bytes.subspan(76, 4), route.attempt.value());
  StoreU32(bytes.subspan(80, 4), static_cast<std::uint32_t>(size));
  for (const ByteSpan part : parts) message.insert(message.end(), part.begin(), part.end());
  return message;
}

Bytes HeaderAndBody(MessageKind kind, const Route& route, ByteSpan body) {
  return HeaderAndBody(kind, route, std::span(&body, 1));
}

tl::unexpected<Error> Malformed(std::string what) {
  return Fail(ErrorCode::kCorrupt, std::move(what));
}

}  // namespace

std::string_view Name(MessageKind kind) { return TraitsOf(kind).name; }
bool IsSigned(MessageKind kind) { return TraitsOf(kind).is_signed; }
std::size_t MaxBodyBytes(MessageKind kind) { return TraitsOf(kind).max_body; }

Bytes SealMessage(MessageKind kind, const Route& route, ByteSpan body, const SigningKey& key) {
  CHECK(IsSigned(kind));
  Bytes message = HeaderAndBody(kind, route, body);
  const Signature signature = key.Sign(message);
  message.insert(message.end(), signature.bytes.begin(), signature.bytes.end());
  return message;
}

Bytes FrameMessage(MessageKind kind, const Route& route, ByteSpan body) {
  return FrameMessage(kind, route, std::span(&body, 1));
}

Bytes FrameMessage(MessageKind kind, const Route& route, std::span<const ByteSpan> body) {
  CHECK(!IsSigned(kind));
  return HeaderAndBody(kind, route, body);
}

Result<OpenedMessage> OpenMessage(ByteSpan message) {
  if (message.size() < kHeaderBytes) return Malformed("message shorter than its header");
  if (LoadU32(message.subspan(0, 4)) != kMagic)
    return Malformed("message without the magic number");
  const std::uint16_t version = LoadU16(message.subspan(4, 2));
  if (version != kProtocolVersion) {
    return Fail(ErrorCode::kCorrupt,
                "message of protocol version " + std::to_string(version) +
                    "; this program speaks version " + std::to_string(kProtocolVersion),
                "Upgrade the older of the two programs.");
  }
  const KindTraits* traits = Find(LoadU16(message.subspan(6, 2)));
  if (traits == nullptr) return Malformed("message of an unknown kind");
  if (LoadU32(message.subspan(84, 4)) != 0) return Malformed("reserved header bytes are not zero");
  const std::size_t length = LoadU32(message.subspan(80, 4));
  const std::size_t trailer = traits->is_signed ? kSignatureBytes : 0;
  if (length > traits->max_body) return Malformed("body over the limit of its kind");
  if (message.size() != kHeaderBytes + length + trailer) {
    return Malformed("message length differs from its header");
  }
  OpenedMessage opened;
  opened.kind = traits->kind;
  std::copy_n(message.begin() + 8, 32, opened.route.federation.bytes.begin());
  std::copy_n(message.begin() + 40, 32, opened.route.study.bytes.begin());
  opened.route.round = RoundNumber(LoadU32(message.subspan(72, 4)));
  opened.route.attempt = AttemptNumber(LoadU32(message.subspan(76, 4)));
  opened.signed_bytes = message.first(kHeaderBytes + length);
  opened.body = message.subspan(kHeaderBytes, length);
  if (traits->is_signed) {
    opened.signature.emplace();
    std::copy_n(message.end() - kSignatureBytes, kSignatureBytes, opened.signature->bytes.begin());
  }
  return opened;
}

bool VerifySender(const OpenedMessage& message, const IdentityKey& sender) {
  return message.signature.has_value() && Verify(sender, message.signed_bytes, *message.signature);
}

bool VerifyForwarded(MessageKind kind,
                     const Route& route,
                     ByteSpan body,
                     const Signature& signature,
                     const IdentityKey& sender) {
  return IsSigned(kind) && body.size() <= MaxBodyBytes(kind) &&
         Verify(sender, HeaderAndBody(kind, route, body), signature);
}

}  // namespace consilium
