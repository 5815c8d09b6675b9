#pragma once

// XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha) authenticated encryption.

#include "common/bytes.h"
#include "common/random.h"
#include "common/result.h"
#include "common/secret.h"

namespace consilium {

inline constexpr std::size_t kSealOverhead = 24 + 16;  ///< Random nonce in front, tag behind.

/// nonce || ciphertext || tag. `associated` is authenticated, not sent.
Bytes Seal(const SecretKey32& key, ByteSpan plain, ByteSpan associated, RandomSource& random);
/// kCorrupt when the key, the associated data or a single bit differs. Wipe the result when done.
Result<Bytes> Unseal(const SecretKey32& key, ByteSpan sealed, ByteSpan associated);

}  // namespace consilium
