#pragma once

// A letter as a file that anybody may carry: signed by its writer, readable by its reader alone.
// docs/spec/courier.md has its bytes.

#include "common/crypto/signing.h"
#include "common/ids.h"
#include "common/random.h"
#include "common/result.h"
#include "common/secret.h"
#include "protocols/courier/courier.h"

namespace consilium {

/// The largest file: a letter, with the largest message that may overshoot it, and what is around.
inline constexpr std::size_t kMostBytesInCourierFile =
    kMostBytesInLetter + kMaxMessageToSiteBytes + 16'384;

/// One side's keys, and the other side's public ones. What is referred to outlives this.
struct CourierKeys {
  FederationId federation;
  const SigningKey& identity;
  TransportKey own;
  const SecretKey32& own_secret;
  IdentityKey peer_identity;
  TransportKey peer;
};

/// kRefused where the peer's transport key is of low order.
Result<Bytes> WriteCourierFile(const Letter& letter, const CourierKeys& keys, RandomSource& random);

/// Who says to have written a file to the holder of `reader`; not verified. kCorrupt for anything
/// that is no such file, kRefused for one of another federation or to another reader.
Result<TransportKey> WriterOf(ByteSpan file,
                              const FederationId& federation,
                              const TransportKey& reader);

/// The letter of a file by the peer. As WriterOf, and kRefused unless the peer wrote it to us.
Result<Letter> ReadCourierFile(ByteSpan file, const CourierKeys& keys);

}  // namespace consilium
