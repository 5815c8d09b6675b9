#include "common/transport/keys.h"

#include <utility>

#include "common/crypto/key_exchange.h"

namespace consilium {

TransportKeyPair GenerateTransportKey(RandomSource& random) {
  // CURVE's keys are those of crypto_box: X25519.
  ExchangeKeyPair pair = GenerateExchangeKey(random);
  return TransportKeyPair{TransportKey{pair.public_key.bytes}, std::move(pair.secret)};
}

}  // namespace consilium
