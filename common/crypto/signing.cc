#include "common/crypto/signing.h"

#include <sodium.h>

#include "common/check.h"

namespace consilium {

SigningKey SigningKey::Generate(RandomSource& random) {
  SecretKey32 seed;
  random.Fill(seed.ExposeMutable());
  return FromSeed(seed);
}

SigningKey SigningKey::FromSeed(const SecretKey32& seed) {
  SigningKey key;
  CHECK(crypto_sign_seed_keypair(UnsignedChars(MutableByteSpan(key.public_key_.bytes)),
                                 UnsignedChars(key.secret_.ExposeMutable()),
                                 UnsignedChars(seed.Expose())) == 0);
  return key;
}

Signature SigningKey::Sign(ByteSpan message) const {
  Signature signature;
  CHECK(crypto_sign_detached(UnsignedChars(MutableByteSpan(signature.bytes)), nullptr,
                             UnsignedChars(message), message.size(),
                             UnsignedChars(secret_.Expose())) == 0);
  return signature;
}

SecretKey32 SigningKey::Seed() const { return SecretKey32(secret_.Expose().first<32>()); }

bool Verify(const IdentityKey& key, ByteSpan message, const Signature& signature) {
  return crypto_sign_verify_detached(UnsignedChars(ByteSpan(signature.bytes)),
                                     UnsignedChars(message), message.size(),
                                     UnsignedChars(key.span())) == 0;
}

}  // namespace consilium
