#include "common/bytes.h"

#include "common/check.h"

namespace consilium {
namespace {

constexpr std::string_view kHexDigits = "0123456789abcdef";

int HexValue(char digit) {
  if (digit >= '0' && digit <= '9') return digit - '0';
  if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
  if (digit >= 'A' && digit <= 'F') return digit - 'A' + 10;
  return -1;
}

template <class Word>
void Store(MutableByteSpan to, Word value) {
  CHECK(to.size() == sizeof(Word));
  for (std::size_t i = 0; i < sizeof(Word); ++i) {
    to[i] = static_cast<std::byte>((value >> (8 * i)) & 0xff);
  }
}

template <class Word>
Word Load(ByteSpan from) {
  CHECK(from.size() == sizeof(Word));
  Word value = 0;
  for (std::size_t i = 0; i < sizeof(Word); ++i) {
    value |= static_cast<Word>(from[i]) << (8 * i);
  }
  return value;
}

}  // namespace

std::string ToHex(ByteSpan bytes) {
  std::string text;
  text.reserve(bytes.size() * 2);
  for (const std::byte byte : bytes) {
    text.push_back(kHexDigits[std::to_integer<std::size_t>(byte >> 4)]);
    text.push_back(kHexDigits[std::to_integer<std::size_t>(byte & std::byte{15})]);
  }
  return text;
}

Result<Bytes> FromHex(std::string_view text) {
  if (text.size() % 2 != 0) {
    return Fail(ErrorCode::kInvalidArgument, "hexadecimal text has an odd number of digits");
  }
  Bytes bytes;
  bytes.reserve(text.size() / 2);
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const int high = HexValue(text[i]);
    const int low = HexValue(text[i + 1]);
    if (high < 0 || low < 0) {
      return Fail(ErrorCode::kInvalidArgument, "text holds a character that is no hex digit");
    }
    bytes.push_back(static_cast<std::byte>(high * 16 + low));
  }
  return bytes;
}

void StoreU64(MutableByteSpan to, std::uint64_t value) { Store(to, value); }
void StoreU32(MutableByteSpan to, std::uint32_t value) { Store(to, value); }
std::uint64_t LoadU64(ByteSpan from) { return Load<std::uint64_t>(from); }
std::uint32_t LoadU32(ByteSpan from) { return Load<std::uint32_t>(from); }

ByteArray<8> SortableKey(std::uint64_t number) {
  ByteArray<8> key;
  for (std::size_t i = 0; i < 8; ++i) {
    key[i] = static_cast<std::byte>((number >> (8 * (7 - i))) & 0xff);
  }
  return key;
}

}  // namespace consilium
