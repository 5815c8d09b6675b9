#pragma once

#include <algorithm>
#include <string_view>

#include "common/bytes.h"
#include "common/check.h"

namespace consilium {

/// Published vectors are printed in hexadecimal.
inline Bytes Hex(std::string_view text) { return FromHex(text).value(); }

template <std::size_t N>
ByteArray<N> HexArray(std::string_view text) {
  const Bytes bytes = Hex(text);
  CHECK(bytes.size() == N);
  ByteArray<N> array;
  std::copy(bytes.begin(), bytes.end(), array.begin());
  return array;
}

}  // namespace consilium
