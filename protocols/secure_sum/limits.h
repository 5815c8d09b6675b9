#pragma once

// The bounds of everything a peer can make us hold.

#include <cstddef>
#include <cstdint>

#include "common/time.h"

namespace consilium {

/// Up to here every two sites share masks; the messages of the complete graph grow with n^2, so
/// above it each site chooses its neighbours.
inline constexpr std::size_t kMaxCompleteSites = 128;
/// Sites in a sum.
inline constexpr std::size_t kMaxSites = 5'000;
/// Sites that one deals shares to: more than the rule for any number of sites gives.
inline constexpr std::size_t kMaxNeighbours = kMaxCompleteSites - 1;
/// A signed roster, with those who have left.
inline constexpr std::size_t kMaxRosterBytes = 1'700'000;
/// An encrypted pair of shares: two scalars and the seal.
inline constexpr std::size_t kSealedShareBytes = 64 + 40;
/// Words in a chunk: 256 KiB, small enough for a heartbeat to pass on a slow line.
inline constexpr std::size_t kChunkWords = 32 * 1024;
/// Longest vector: 128 MiB.
inline constexpr std::size_t kMaxVectorWords = 16 * 1024 * 1024;
/// Vectors of several chunks that the coordinator takes in at a time: what bounds its memory.
inline constexpr std::size_t kUploadsAtATime = 2;
/// Chunks that are sent to a peer before the first of them is acknowledged: enough that a line of
/// 100 Mbit/s is never idle while a receipt takes 40 ms, and what both sides hold for a peer at
/// most.
inline constexpr std::uint64_t kChunksInFlight = 3;
/// What a chunk may take on the slowest line that is waited for: 32 kB/s.
inline constexpr Duration kSlowestChunk{8'000};

}  // namespace consilium
