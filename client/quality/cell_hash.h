#pragma once

// A number for a cell of a table. Sums of them tell rows apart, and one cell can be taken out
// again.

#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>

namespace consilium {

/// Missing values (NaN) are equal. SplitMix64's finaliser (Steele, Lea and Flood 2014) gives
/// neighbouring numbers unlike hashes.
inline std::uint64_t CellHash(std::size_t column, double value) {
  std::uint64_t bits = std::isnan(value) ? ~std::uint64_t{0} : std::bit_cast<std::uint64_t>(value);
  bits += (column + 1) * 0x9e3779b97f4a7c15ULL;
  bits = (bits ^ (bits >> 30U)) * 0xbf58476d1ce4e5b9ULL;
  bits = (bits ^ (bits >> 27U)) * 0x94d049bb133111ebULL;
  return bits ^ (bits >> 31U);
}

}  // namespace consilium
