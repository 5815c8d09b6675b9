#include "protocols/secure_sum/chunks.h"

#include <numeric>

#include <gtest/gtest.h>

namespace consilium {
namespace {

using Outcome = IncomingVector::Outcome;

RingVector Numbered(std::size_t words) {
  RingVector vector(words);
  std::iota(vector.begin(), vector.end(), 17U);
  return vector;
}

TEST(ChunksTest, AreCountedWithAtLeastOne) {
  EXPECT_EQ(ChunkCount(0), 1u);
  EXPECT_EQ(ChunkCount(1), 1u);
  EXPECT_EQ(ChunkCount(kChunkWords), 1u);
  EXPECT_EQ(ChunkCount(kChunkWords + 1), 2u);
  EXPECT_EQ(ChunkCount(3 * kChunkWords), 3u);
  EXPECT_EQ(ChunkCount(~std::uint64_t{0}), ~std::uint64_t{0} / kChunkWords + 1);
}

TEST(ChunksTest, MakeTheVectorAgain) {
  for (const std::size_t words : {std::size_t{0}, std::size_t{5}, kChunkWords, kChunkWords + 1,
                                  3 * kChunkWords - 1, 3 * kChunkWords}) {
    const RingVector vector = Numbered(words);
    IncomingVector incoming(words);
    for (std::uint64_t index = 0; index < ChunkCount(words); ++index) {
      EXPECT_FALSE(incoming.whole());
      EXPECT_EQ(incoming.next(), index);
      EXPECT_EQ(incoming.Take(ChunkOf(vector, index)), Outcome::kTaken);
    }
    EXPECT_TRUE(incoming.whole());
    EXPECT_EQ(incoming.next(), ChunkCount(words));
    EXPECT_EQ(incoming.words(), vector);
    EXPECT_EQ(incoming.Take(ChunkOf(vector, 0)), Outcome::kOutOfTurn);
    EXPECT_EQ(incoming.Release(), vector);
    EXPECT_TRUE(incoming.whole());
  }
}

TEST(ChunksTest, AreFramedAsTheirEncodingIs) {
  Route route;
  route.round = RoundNumber(3);
  for (const std::size_t words : {std::size_t{0}, std::size_t{5}, kChunkWords, kChunkWords + 1}) {
    const RingVector vector = Numbered(words);
    for (std::uint64_t index = 0; index < ChunkCount(words); ++index) {
      EXPECT_EQ(FrameChunk(MessageKind::kSumChunk, route, vector, index),
                FrameMessage(MessageKind::kSumChunk, route, Encode(ChunkOf(vector, index))));
    }
  }
}

TEST(ChunksTest, TakeTheMemoryOfAVectorThatIsDoneWith) {
  const RingVector vector = Numbered(kChunkWords + 1);
  RingVector used = Numbered(2 * kChunkWords);
  const std::uint64_t* const place = used.data();
  IncomingVector incoming(vector.size());
  incoming.Use(std::move(used));
  EXPECT_EQ(incoming.Take(ChunkOf(vector, 0)), Outcome::kTaken);
  EXPECT_EQ(incoming.Take(ChunkOf(vector, 1)), Outcome::kTaken);
  EXPECT_EQ(incoming.words(), vector);
  EXPECT_EQ(incoming.words().data(), place);
}

TEST(ChunksTest, OutOfTurnOrOfAnotherLengthLeavesAllAsItWas) {
  const RingVector vector = Numbered(2 * kChunkWords + 3);
  IncomingVector incoming(vector.size());
  EXPECT_EQ(incoming.Take(ChunkOf(vector, 1)), Outcome::kOutOfTurn);
  Chunk chunk = ChunkOf(vector, 0);
  chunk.words.pop_back();
  EXPECT_EQ(incoming.Take(chunk), Outcome::kWrongLength);
  EXPECT_EQ(incoming.next(), 0u);
  EXPECT_EQ(incoming.Take(ChunkOf(vector, 0)), Outcome::kTaken);
  EXPECT_EQ(incoming.Take(ChunkOf(vector, 0)), Outcome::kOutOfTurn);
  EXPECT_EQ(incoming.Take(ChunkOf(vector, 1)), Outcome::kTaken);
  chunk = ChunkOf(vector, 2);
  chunk.words.push_back(1);
  EXPECT_EQ(incoming.Take(chunk), Outcome::kWrongLength);
  EXPECT_EQ(incoming.Take(ChunkOf(vector, 2)), Outcome::kTaken);
  EXPECT_EQ(incoming.words(), vector);
}

}  // namespace
}  // namespace consilium
