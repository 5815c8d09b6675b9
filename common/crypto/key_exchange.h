#pragma once

// X25519 (RFC 7748). Low-order public keys give no shared secret.

#include "common/ids.h"
#include "common/random.h"
#include "common/result.h"
#include "common/secret.h"

namespace consilium {

struct ExchangeKeyPair {
  SecretKey32 secret;
  ExchangeKey public_key;
};

ExchangeKeyPair GenerateExchangeKey(RandomSource& random);
/// The pair that belongs to a secret derived elsewhere.
ExchangeKeyPair ExchangeKeyFromSecret(SecretKey32 secret);
/// Whether every secret gives the all-zero shared secret with this key (RFC 7748, section 6.1).
bool IsLowOrder(const ExchangeKey& key);
/// kRefused when the peer's key is of low order. The result must go through a Hasher before use.
Result<SecretKey32> ExchangeSecret(const SecretKey32& own, const ExchangeKey& peer);

}  // namespace consilium
