#pragma once

// Bytes and their views. The only place that reinterprets text as bytes and back.

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.h"

namespace consilium {

using Bytes = std::vector<std::byte>;
using ByteSpan = std::span<const std::byte>;
using MutableByteSpan = std::span<std::byte>;

template <std::size_t N>
using ByteArray = std::array<std::byte, N>;

inline ByteSpan AsBytes(std::string_view text) {
  return std::as_bytes(std::span<const char>(text.data(), text.size()));
}
inline std::string_view AsText(ByteSpan bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
inline Bytes ToBytes(ByteSpan bytes) { return Bytes(bytes.begin(), bytes.end()); }
inline Bytes ToBytes(std::string_view text) { return ToBytes(AsBytes(text)); }

inline const unsigned char* UnsignedChars(ByteSpan bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}
inline unsigned char* UnsignedChars(MutableByteSpan bytes) {
  return reinterpret_cast<unsigned char*>(bytes.data());
}

/// Lower-case hexadecimal, two digits a byte.
std::string ToHex(ByteSpan bytes);
/// Fails on an odd length or a character that is no hexadecimal digit.
Result<Bytes> FromHex(std::string_view text);

/// Little-endian store and load, whatever the machine's order. `to`/`from` hold 8 or 4 bytes.
void StoreU64(MutableByteSpan to, std::uint64_t value);
void StoreU32(MutableByteSpan to, std::uint32_t value);
std::uint64_t LoadU64(ByteSpan from);
std::uint32_t LoadU32(ByteSpan from);

/// Big-endian, so that records sort by number: the form of keys in storage.
ByteArray<8> SortableKey(std::uint64_t number);

}  // namespace consilium
