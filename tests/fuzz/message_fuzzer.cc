// Whole messages, as they come from a socket: envelope, then the body of the kind it names.

#include "protocols/header.h"
#include "tests/fuzz/message_bodies.h"

namespace consilium {

void FuzzOne(ByteSpan input) {
  const Result<OpenedMessage> opened = OpenMessage(input);
  if (!opened) {
    CHECK(opened.error().code == ErrorCode::kCorrupt);
    return;
  }
  CHECK(opened->body.size() <= MaxBodyBytes(opened->kind));
  CHECK(opened->signature.has_value() == IsSigned(opened->kind));
  if (!IsSigned(opened->kind)) {
    const Bytes again = FrameMessage(opened->kind, opened->route, opened->body);
    CHECK(std::equal(again.begin(), again.end(), input.begin(), input.end()));
  }
  CheckBody(opened->kind, opened->body);
}

std::vector<Bytes> FuzzSeeds() {
  const SigningKey key = SigningKey::FromSeed(SecretKey32());
  std::vector<Bytes> seeds;
  for (const auto& [kind, body] : SmallBodies()) {
    seeds.push_back(IsSigned(kind) ? SealMessage(kind, Route{}, body, key)
                                   : FrameMessage(kind, Route{}, body));
  }
  return seeds;
}

}  // namespace consilium
