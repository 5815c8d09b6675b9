#include "protocols/secure_sum/chunks.h"

#include <algorithm>
#include <array>
#include <bit>
#include <utility>

#include "common/check.h"

namespace consilium {

std::uint64_t ChunkCount(std::uint64_t words) {
  return std::max<std::uint64_t>(1, words / kChunkWords + (words % kChunkWords != 0 ? 1 : 0));
}

namespace {

std::span<const std::uint64_t> WordsOf(std::span<const std::uint64_t> vector, std::uint64_t index) {
  CHECK(index < ChunkCount(vector.size()));
  const auto rest = vector.subspan(index * kChunkWords);
  return rest.first(std::min(rest.size(), kChunkWords));
}

}  // namespace

Chunk ChunkOf(std::span<const std::uint64_t> vector, std::uint64_t index) {
  const auto words = WordsOf(vector, index);
  return Chunk{index, {words.begin(), words.end()}};
}

Bytes FrameChunk(MessageKind kind,
                 const Route& route,
                 std::span<const std::uint64_t> vector,
                 std::uint64_t index) {
  if constexpr (std::endian::native == std::endian::little) {
    const auto words = WordsOf(vector, index);
    ByteArray<12> head;
    StoreU64(MutableByteSpan(head).first(8), index);
    StoreU32(MutableByteSpan(head).subspan(8, 4), static_cast<std::uint32_t>(words.size()));
    const std::array<ByteSpan, 2> body{ByteSpan(head), std::as_bytes(words)};
    return FrameMessage(kind, route, body);
  } else {
    return FrameMessage(kind, route, Encode(ChunkOf(vector, index)));
  }
}

ChunkRange ChunksToSend(std::uint64_t received, std::uint64_t sent, std::uint64_t chunks) {
  if (received >= chunks) return {chunks, chunks};
  const std::uint64_t first = std::max(received, sent);
  const std::uint64_t last = std::min(chunks, received + kChunksInFlight);
  return {first, std::max(first, last)};
}

void IncomingVector::Use(RingVector memory) {
  CHECK(next_ == 0);
  words_ = std::move(memory);
  words_.clear();
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
