#pragma once

// Single-precision numbers as their IEEE bits, little-endian.

#include <algorithm>
#include <cmath>
#include <vector>

#include "common/bytes.h"

namespace consilium::train {

Bytes BytesOf(const std::vector<float>& numbers);
/// Bytes beyond a multiple of four are left out.
std::vector<float> FloatsOf(ByteSpan bytes);

template <class Number>
bool AllFinite(const std::vector<Number>& numbers) {
  return std::all_of(numbers.begin(), numbers.end(), [](Number x) { return std::isfinite(x); });
}

/// The L2 norm.
double LengthOf(std::span<const double> numbers);

}  // namespace consilium::train
