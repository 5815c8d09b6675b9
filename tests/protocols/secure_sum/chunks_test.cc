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

std::pair<std::uint64_t, std::uint64_t> Due(std::uint64_t received,
                                            std::uint64_t sent,
                                            std::uint64_t chunks) {
  const ChunkRange due = ChunksToSend(received, sent, chunks);
  return {due.first, due.last};
}

TEST(ChunksToSendTest, AreAsManyAsMayBeInFlight) {
  EXPECT_EQ(Due(0, 0, 100), std::pair(0UL, kChunksInFlight));
  EXPECT_EQ(Due(1, kChunksInFlight, 100), std::pair(kChunksInFlight, kChunksInFlight + 1));
  // Two receipts at once.
  EXPECT_EQ(Due(2, kChunksInFlight, 100), std::pair(kChunksInFlight, kChunksInFlight + 2));
  EXPECT_EQ(Due(99, 99, 100), std::pair(99UL, 100UL));
}

TEST(ChunksToSendTest, AreNoneForARepeat) {
  for (std::uint64_t received = 0; received <= 10; ++received) {
    const std::uint64_t sent = received + kChunksInFlight;
    const ChunkRange due = ChunksToSend(received, sent, 100);
    EXPECT_EQ(due.first, due.last) << received;
    EXPECT_EQ(due.last, sent) << "what was sent is not forgotten";
  }
}

TEST(ChunksToSendTest, GoOnAtTheFirstThatIsMissing) { EXPECT_EQ(Due(7, 0, 100).first, 7UL); }

TEST(ChunksToSendTest, EndWithTheVector) {
  EXPECT_EQ(Due(0, 0, 1), std::pair(0UL, 1UL));
  EXPECT_EQ(Due(0, 0, 2), std::pair(0UL, 2UL));
  for (const std::uint64_t beyond : {5UL, 6UL, ~0UL - 1, ~0UL}) {
    EXPECT_EQ(Due(beyond, 3, 5), std::pair(5UL, 5UL)) << beyond;
  }
}

}  // namespace
}  // namespace consilium
