#include "common/crypto/key_exchange.h"

#include <sodium.h>

#include "common/check.h"

namespace consilium {

ExchangeKeyPair GenerateExchangeKey(RandomSource& random) {
  SecretKey32 secret;
  random.Fill(secret.ExposeMutable());
  return ExchangeKeyFromSecret(std::move(secret));
}

ExchangeKeyPair ExchangeKeyFromSecret(SecretKey32 secret) {
  ExchangeKeyPair pair;
  CHECK(crypto_scalarmult_base(UnsignedChars(MutableByteSpan(pair.public_key.bytes)),
                               UnsignedChars(secret.Expose())) == 0);
  pair.secret = std::move(secret);
  return pair;
}

bool IsLowOrder(const ExchangeKey& key) {
  // Clamping makes each secret a multiple of the cofactor, so one secret stands for all.
  return !ExchangeSecret(SecretKey32(), key).has_value();
}

Result<SecretKey32> ExchangeSecret(const SecretKey32& own, const ExchangeKey& peer) {
  SecretKey32 shared;
  // The library refuses exactly the keys that give the all-zero secret (RFC 7748, section 6.1).
  if (crypto_scalarmult(UnsignedChars(shared.ExposeMutable()), UnsignedChars(own.Expose()),
                        UnsignedChars(peer.span())) != 0) {
    return Fail(ErrorCode::kRefused, "exchange key " + peer.Short() + " is of low order");
  }
  return shared;
}

}  // namespace consilium
