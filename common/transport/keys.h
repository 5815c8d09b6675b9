#pragma once

// A party's CURVE key pair: what a connection is authenticated and encrypted with.

#include "common/ids.h"
#include "common/random.h"
#include "common/secret.h"

namespace consilium {

struct TransportKeyPair {
  TransportKey public_key;
  SecretKey32 secret;

  TransportKeyPair Clone() const { return TransportKeyPair{public_key, secret.Clone()}; }
};

TransportKeyPair GenerateTransportKey(RandomSource& random);

}  // namespace consilium
