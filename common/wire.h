#pragma once

// Encode(message) and Decode<Message>(bytes): the bounded, canonical, little-endian encoding of
// every byte that crosses a socket, is signed, or is stored. The form of the bytes is
// docs/spec/wire.md.
//
// A message is a struct of public fields with
//     template <class Archive> void serialize(Archive& archive) { archive(field, other_field); }
// where a variable-length field is written AtMost<Cap>(field), an enum EnumBetween<First,
// Last>(field); wire_archive.h lists what may be a field. Decode refuses trailing bytes, a boolean
// other than 0 or 1, a length beyond its cap or beyond the bytes left, and text that is not valid
// UTF-8; so Encode(Decode(b)) == b, and memory stays within a small multiple of the input. cereal's
// stock archives, which believe any length they read, are never used.

#include <utility>

#include "common/bytes.h"
#include "common/result.h"
#include "common/wire_archive.h"

namespace consilium {

template <class Message>
concept WireEncodable = requires(Message& message, WireWriter& writer) {
  message.serialize(writer);
};

template <WireEncodable Message>
Bytes Encode(const Message& message) {
  WireWriter writer;
  // serialize() is one function for both directions, hence not const.
  const_cast<Message&>(message).serialize(writer);
  return std::move(writer).Take();
}

template <WireEncodable Message>
Result<Message> Decode(ByteSpan bytes) {
  Message message{};
  WireReader reader(bytes);
  try {
    message.serialize(reader);
  } catch (const WireError& error) {
    return Fail(ErrorCode::kCorrupt, error.what());
  }
  if (!reader.AtEnd()) return Fail(ErrorCode::kCorrupt, "bytes left over after the last field");
  return message;
}

}  // namespace consilium
