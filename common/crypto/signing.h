#pragma once

// Ed25519 signatures (RFC 8032) by libsodium. Malleable signatures and small-order keys are
// refused.

#include "common/ids.h"
#include "common/random.h"
#include "common/secret.h"

namespace consilium {

/// A long-term identity. The secret half never leaves this object but through Seed().
class SigningKey {
 public:
  static SigningKey Generate(RandomSource& random);
  static SigningKey FromSeed(const SecretKey32& seed);

  const IdentityKey& public_key() const { return public_key_; }
  Signature Sign(ByteSpan message) const;
  SecretKey32 Seed() const;  ///< For the key file.

 private:
  SigningKey() = default;
  SecretBytes<64> secret_;
  IdentityKey public_key_;
};

bool Verify(const IdentityKey& key, ByteSpan message, const Signature& signature);

}  // namespace consilium
