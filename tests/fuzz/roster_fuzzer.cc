// The signed roster inside a welcome, and the check that it makes sense.

#include "tests/fuzz/message_bodies.h"

namespace consilium {

void FuzzOne(ByteSpan input) {
  if (!CheckDecoder<SignedRoster>(input)) return;
  const SignedRoster roster = *Decode<SignedRoster>(input);
  CHECK(roster.roster.members.size() <= kMaxMembers);
  CHECK(!VerifyRoster(roster, IdentityKey{}));  // Nobody has that key.
}

std::vector<Bytes> FuzzSeeds() {
  SignedRoster empty;
  const SigningKey key = SigningKey::FromSeed(SecretKey32());
  return {Encode(SmallRoster()), Encode(empty), Encode(SignRoster(SmallRoster().roster, key))};
}

}  // namespace consilium
