#pragma once

// A long vector travels in chunks, one after the other, up and down alike.

#include <cstdint>
#include <span>

#include "common/fixed_point.h"
#include "protocols/messages.h"

namespace consilium {

/// Chunks of a vector with so many words: all but the last hold kChunkWords. A vector without words
/// is one empty chunk.
std::uint64_t ChunkCount(std::uint64_t words);
/// `index` is below the vector's ChunkCount.
Chunk ChunkOf(std::span<const std::uint64_t> vector, std::uint64_t index);
/// FrameMessage of the encoded chunk, for an unsigned kind whose body is one: the words are copied
/// once.
Bytes FrameChunk(MessageKind kind,
                 const Route& route,
                 std::span<const std::uint64_t> vector,
                 std::uint64_t index);

/// Chunks to send now, from `first` on and below `last`.
struct ChunkRange {
  std::uint64_t first = 0;
  std::uint64_t last = 0;
};
/// After a receipt that names `received` as the first chunk that has not come, where `sent` is the
/// first that has not been sent: as many as may be in flight, and none a second time, for two
/// machines that answer every repeat would do so for ever.
ChunkRange ChunksToSend(std::uint64_t received, std::uint64_t sent, std::uint64_t chunks);

/// A vector of known length, put together as its chunks come. Takes no memory before the first.
class IncomingVector {
 public:
  enum class Outcome { kTaken, kOutOfTurn, kWrongLength };

  explicit IncomingVector(std::uint64_t words) : total_(words) {}

  /// Before the first chunk: the memory of a vector that is done with, to be used again.
  void Use(RingVector memory);

  /// Anything but kTaken leaves all as it was.
  Outcome Take(const Chunk& chunk);
  std::uint64_t next() const { return next_; }  ///< The first chunk that is not here.
  bool whole() const { return next_ == ChunkCount(total_); }
  const RingVector& words() const { return words_; }
  /// The words, for good; still whole afterwards.
  RingVector Release() { return std::move(words_); }

 private:
  std::uint64_t total_;
  std::uint64_t next_ = 0;
  RingVector words_;
};

}  // namespace consilium
