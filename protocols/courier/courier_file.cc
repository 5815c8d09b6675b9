#include "protocols/courier/courier_file.h"

#include <string_view>
#include <utility>

#include "common/crypto/hash.h"
#include "common/crypto/key_exchange.h"
#include "common/crypto/sealing.h"

namespace consilium {
namespace {

constexpr std::string_view kMagic = "CNSLFILE";
constexpr std::uint16_t kVersion = 1;
constexpr std::string_view kSignatureDomain = "consilium/courier-file/v1";
constexpr std::string_view kKeyDomain = "consilium/courier-key/v1";

struct Envelope {
  ByteArray<8> magic{};
  std::uint16_t version = kVersion;
  FederationId federation;
  TransportKey writer;
  TransportKey reader;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(magic, version, federation, writer, reader);
  }
};

struct CourierFile {
  Envelope envelope;
  Bytes sealed;         ///< The letter's bytes, with the envelope's as associated data.
  Signature signature;  ///< The writer's, on the domain, the envelope and the sealed bytes.

  template <class Archive>
  void serialize(Archive& archive) {
    archive(envelope, AtMost<kMostBytesInCourierFile>(sealed), signature);
  }
};

ByteArray<8> Magic() {
  ByteArray<8> magic{};
  const ByteSpan text = AsBytes(kMagic);
  std::copy(text.begin(), text.end(), magic.begin());
  return magic;
}

Digest SignedDigest(const CourierFile& file) {
  return Hasher(kSignatureDomain).Add(Encode(file.envelope)).Add(file.sealed).Finish();
}

/// One key for each direction: X25519 of both transport keys, hashed with them in the writer's and
/// the reader's order. CURVE derives its own keys from the same secret by HSalsa20.
Result<SecretKey32> SealingKey(const SecretKey32& own_secret,
                               const TransportKey& peer,
                               const Envelope& envelope) {
  TRY(const SecretKey32 shared, ExchangeSecret(own_secret, ExchangeKey{peer.bytes}));
  return Hasher(kKeyDomain, shared)
      .Add(envelope.federation)
      .Add(envelope.writer)
      .Add(envelope.reader)
      .FinishSecret();
}

Result<CourierFile> OpenFile(ByteSpan bytes,
                             const FederationId& federation,
                             const TransportKey& reader) {
  Result<CourierFile> file = Decode<CourierFile>(bytes);
  if (!file || file->envelope.magic != Magic()) {
    return Fail(ErrorCode::kCorrupt, "it is not a whole file of `outbox`", "Copy it again.");
  }
  if (file->envelope.version != kVersion) {
    return Fail(ErrorCode::kCorrupt,
                "it is of version " + std::to_string(file->envelope.version) +
                    ", this program reads version " + std::to_string(kVersion),
                "Use programs of the same version on both sides.");
  }
  if (file->envelope.federation != federation) {
    return Fail(ErrorCode::kRefused, "it is of another federation", "Take the file of this one.");
  }
  if (file->envelope.reader != reader) {
    return Fail(ErrorCode::kRefused, "it was written to somebody else",
                "Each file has one reader: take the one that is meant for this folder.");
  }
  return file;
}

}  // namespace

Result<Bytes> WriteCourierFile(const Letter& letter,
                               const CourierKeys& keys,
                               RandomSource& random) {
  CourierFile file;
  file.envelope = Envelope{Magic(), kVersion, keys.federation, keys.own, keys.peer};
  TRY(const SecretKey32 key, SealingKey(keys.own_secret, keys.peer, file.envelope));
  file.sealed = Seal(key, Encode(letter), Encode(file.envelope), random);
  file.signature = keys.identity.Sign(SignedDigest(file).span());
  return Encode(file);
}

Result<TransportKey> WriterOf(ByteSpan file,
                              const FederationId& federation,
                              const TransportKey& reader) {
  TRY(const CourierFile opened, OpenFile(file, federation, reader));
  return opened.envelope.writer;
}

Result<Letter> ReadCourierFile(ByteSpan file, const CourierKeys& keys) {
  TRY(const CourierFile opened, OpenFile(file, keys.federation, keys.own));
  const bool signed_by_peer =
      opened.envelope.writer == keys.peer &&
      Verify(keys.peer_identity, SignedDigest(opened).span(), opened.signature);
  if (!signed_by_peer) {
    return Fail(ErrorCode::kRefused, "it is not signed by the key that is known of its writer",
                "Ask who wrote it; if keys were changed, let both sides exchange them first.");
  }
  TRY(const SecretKey32 key, SealingKey(keys.own_secret, keys.peer, opened.envelope));
  TRY(const Bytes plain, Unseal(key, opened.sealed, Encode(opened.envelope)));
  return Decode<Letter>(plain);
}

}  // namespace consilium
