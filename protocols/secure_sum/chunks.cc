#include "protocols/secure_sum/chunks.h"

#include <algorithm>

#include "common/check.h"

namespace consilium {

std::uint64_t ChunkCount(std::uint64_t words) {
  return std::max<std::uint64_t>(1, words / kChunkWords + (words % kChunkWords != 0 ? 1 : 0));
}

Chunk ChunkOf(std::span<const std::uint64_t> vector, std::uint64_t index) {
  CHECK(index < ChunkCount(vector.size()));
  const auto rest = vector.subspan(index * kChunkWords);
  const auto words = rest.first(std::min(rest.size(), kChunkWords));
  return Chunk{index, {words.begin(), words.end()}};
}

IncomingVector::Outcome IncomingVector::Take(const Chunk& chunk) {
  if (whole() || chunk.index != next_) return Outcome::kOutOfTurn;
  const std::uint64_t left = total_ - words_.size();
  if (chunk.words.size() != std::min<std::uint64_t>(left, kChunkWords)) {
    return Outcome::kWrongLength;
  }
  words_.reserve(total_);
  words_.insert(words_.end(), chunk.words.begin(), chunk.words.end());
  ++next_;
  return Outcome::kTaken;
}

}  // namespace consilium
