#include "common/wire_archive.h"

namespace consilium {
namespace {

const char* Describe(WireFault fault) {
  switch (fault) {
    case WireFault::kTruncated:
      return "the bytes end within a field";
    case WireFault::kBoolean:
      return "a boolean is neither 0 nor 1";
    case WireFault::kCap:
      return "a length is over its field's cap";
    case WireFault::kLength:
      return "a length goes beyond the bytes left";
    case WireFault::kText:
      return "a text is not valid UTF-8";
    case WireFault::kEnum:
      return "an enumeration value is outside its range";
    case WireFault::kMemory:
      return "the elements take too much memory for so few bytes";
  }
  return "unknown fault";
}

/// The length of the UTF-8 sequence at the front of `text`; 0 when it is not valid.
std::size_t SequenceLength(std::string_view text) {
  const auto byte = [&](std::size_t i) -> unsigned {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u;
  };
  const auto follows = [&](std::size_t i) { return (byte(i) & 0xc0u) == 0x80u; };
  const unsigned lead = byte(0);
  if (lead < 0x80) return 1;
  if (lead >= 0xc2 && lead <= 0xdf) return follows(1) ? 2 : 0;
  if (lead >= 0xe0 && lead <= 0xef) {
    const bool overlong = lead == 0xe0 && byte(1) < 0xa0;
    const bool surrogate = lead == 0xed && byte(1) > 0x9f;
    return follows(1) && follows(2) && !overlong && !surrogate ? 3 : 0;
  }
  if (lead >= 0xf0 && lead <= 0xf4) {
    const bool overlong = lead == 0xf0 && byte(1) < 0x90;
    const bool too_large = lead == 0xf4 && byte(1) > 0x8f;
    return follows(1) && follows(2) && follows(3) && !overlong && !too_large ? 4 : 0;
  }
  return 0;
}

}  // namespace

WireError::WireError(WireFault fault) : std::runtime_error(Describe(fault)), fault_(fault) {}

bool ValidUtf8(std::string_view text) {
  while (!text.empty()) {
    const std::size_t length = SequenceLength(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

Bytes WireWriter::Take() && {
  CHECK(element_memory_ <=
        wire_internal::kMemoryFree + wire_internal::kMemoryPerByte * bytes_.size());
  return std::move(bytes_);
}

void WireWriter::PutLength(std::size_t length, std::size_t cap) {
  CHECK(length <= cap);
  Put(static_cast<std::uint32_t>(length));
}

WireReader::WireReader(ByteSpan bytes)
    : cereal::InputArchive<WireReader>(this),
      left_(bytes),
      memory_left_(wire_internal::kMemoryFree + wire_internal::kMemoryPerByte * bytes.size()) {}

void WireReader::Get(bool& value) {
  std::uint8_t byte = 0;
  Get(byte);
  if (byte > 1) throw WireError(WireFault::kBoolean);
  value = byte == 1;
}

bool WireReader::GetPresence() {
  bool present = false;
  Get(present);
  return present;
}

ByteSpan WireReader::Next(std::size_t count) {
  if (count > left_.size()) throw WireError(WireFault::kTruncated);
  const ByteSpan bytes = left_.first(count);
  left_ = left_.subspan(count);
  return bytes;
}

std::size_t WireReader::GetLength(std::size_t cap, std::size_t element_bytes) {
  std::uint32_t length = 0;
  Get(length);
  if (length > cap) throw WireError(WireFault::kCap);
  if (length > left_.size() / element_bytes) throw WireError(WireFault::kLength);
  return length;
}

void WireReader::ChargeMemory(std::size_t bytes) {
  if (bytes > memory_left_) throw WireError(WireFault::kMemory);
  memory_left_ -= bytes;
}

}  // namespace consilium
