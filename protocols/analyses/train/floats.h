#pragma once

// Single-precision numbers as their IEEE bits, little-endian.

#include <vector>

#include "common/bytes.h"

namespace consilium::train {

Bytes BytesOf(const std::vector<float>& numbers);
/// Bytes beyond a multiple of four are left out.
std::vector<float> FloatsOf(ByteSpan bytes);

}  // namespace consilium::train
