#pragma once

// A fuzz target: bytes that nobody vouches for go into a decoder, and what must hold is CHECKed.
// One function serves libFuzzer and the replayer.

#include <span>
#include <vector>

#include "common/bytes.h"
#include "common/check.h"
#include "common/wire.h"

namespace consilium {

/// Runs one input. Anything that must not happen stops the process.
void FuzzOne(ByteSpan input);
/// Valid inputs to start from: the committed corpus is made of them.
std::vector<Bytes> FuzzSeeds();

/// Decoding either fails with a reason or is the inverse of encoding: no two encodings of one
/// message. True if the bytes were accepted.
template <class Message>
bool CheckDecoder(ByteSpan bytes) {
  const Result<Message> message = Decode<Message>(bytes);
  if (!message) {
    CHECK(message.error().code == ErrorCode::kCorrupt && !message.error().message.empty());
    return false;
  }
  const Bytes again = Encode(*message);
  CHECK(std::equal(again.begin(), again.end(), bytes.begin(), bytes.end()));
  return true;
}

}  // namespace consilium
