#pragma once

// Where a row is among the files of a table, in one number.

#include <cstdint>

namespace consilium {

/// A line of one of several files, which are counted from 0.
constexpr std::uint64_t PlaceInFile(std::uint64_t file, std::uint64_t line) {
  return (file << 40U) | line;
}
constexpr std::uint64_t FileOfPlace(std::uint64_t place) { return place >> 40U; }
constexpr std::uint64_t LineOfPlace(std::uint64_t place) { return place & ((1ULL << 40U) - 1); }

}  // namespace consilium
