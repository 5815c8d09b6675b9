#pragma once

// The bounds of everything a peer can make us hold.

#include <cstddef>
#include <cstdint>

#include "common/time.h"

namespace consilium {

/// The complete graph's messages grow with n^2; above this a sparse graph is needed.
inline constexpr std::size_t kMaxSites = 128;
/// An encrypted pair of shares: two scalars and the seal.
inline constexpr std::size_t kSealedShareBytes = 64 + 40;
/// Words in a chunk: 256 KiB, small enough for a heartbeat to pass on a slow line.
inline constexpr std::size_t kChunkWords = 32 * 1024;
/// Longest vector: 128 MiB.
inline constexpr std::size_t kMaxVectorWords = 16 * 1024 * 1024;
/// Vectors of several chunks that the coordinator takes in at a time: what bounds its memory.
inline constexpr std::size_t kUploadsAtATime = 2;
/// What a chunk may take on the slowest line that is waited for: 32 kB/s.
inline constexpr Duration kSlowestChunk{8'000};
/// Longest query, so that it fits a RoundStart beside its participants.
inline constexpr std::size_t kMaxQueryBytes = 256 * 1024;

}  // namespace consilium
