// Vectors and sums of several chunks, up and down: a few at a time, resumed where a connection
// broke, exact whatever happens in between.

#include <map>
#include <set>

#include <gtest/gtest.h>

#include "tests/coordinator/wide_study.h"

namespace consilium::testing {
namespace {

class LongVectorsTest : public WideStudyTest {};

TEST_F(LongVectorsTest, AreSummedToTheBitAndComeAFewAtATime) {
  std::set<std::uint32_t> under_way;
  std::size_t most = 0;
  std::uint64_t chunks_up = 0;
  std::uint64_t chunks_down = 0;
  federation_.to_coordinator = [&](std::uint32_t site, Bytes& bytes) {
    const OpenedMessage message = *OpenMessage(bytes);
    if (message.kind != MessageKind::kUploadChunk) return true;
    ++chunks_up;
    under_way.insert(site);
    most = std::max(most, under_way.size());
    if (Decode<Chunk>(message.body)->words.size() < kChunkWords) under_way.erase(site);
    return true;
  };
  federation_.to_site = [&](std::uint32_t, Bytes& bytes) {
    if (OpenMessage(bytes)->kind == MessageKind::kSumChunk) ++chunks_down;
    return true;
  };

  Start();
  ASSERT_NO_FATAL_FAILURE(ExpectExact());

  EXPECT_EQ(most, kUploadsAtATime);
  EXPECT_GT(chunks_down, 0u);
  EXPECT_EQ(chunks_up % kWideSites, 0u) << "each chunk of each site once";
}

/// Chunks that a sender has sent and the receiver has not yet had, at most, up and down.
TEST_F(LongVectorsTest, NoMoreChunksAreInFlightThanMayBe) {
  std::map<std::pair<std::uint32_t, MessageKind>, std::uint64_t> sent;
  std::map<std::pair<std::uint32_t, MessageKind>, std::uint64_t> received;
  std::uint64_t most = 0;
  // Each message is seen when it arrives, and those behind it in the queue were sent before.
  const auto on_receipt = [&](std::uint32_t site, MessageKind of, ByteSpan body) {
    received[{site, of}] = Decode<ChunkReceived>(body)->next;
  };
  const auto on_chunk = [&](std::uint32_t site, MessageKind kind, ByteSpan body) {
    const std::uint64_t index = Decode<Chunk>(body)->index;
    if (index < sent[{site, kind}]) received[{site, kind}] = index;  // Another vector.
    sent[{site, kind}] = index + 1;
    most = std::max(most, index + 1 - std::min(index + 1, received[{site, kind}]));
  };
  federation_.to_coordinator = [&](std::uint32_t site, Bytes& bytes) {
    const OpenedMessage message = *OpenMessage(bytes);
    if (message.kind == MessageKind::kUploadChunk) on_chunk(site, message.kind, message.body);
    if (message.kind == MessageKind::kSumReceived) {
      on_receipt(site, MessageKind::kSumChunk, message.body);
    }
    return true;
  };
  federation_.to_site = [&](std::uint32_t site, Bytes& bytes) {
    const OpenedMessage message = *OpenMessage(bytes);
    if (message.kind == MessageKind::kSumChunk) on_chunk(site, message.kind, message.body);
    if (message.kind == MessageKind::kChunkReceived) {
      on_receipt(site, MessageKind::kUploadChunk, message.body);
    }
    return true;
  };
  Start();
  ASSERT_NO_FATAL_FAILURE(ExpectExact());
  EXPECT_GT(most, 1U) << "stop and wait";
  EXPECT_LE(most, kChunksInFlight);
}

/// Cuts a connection whenever it would carry its nth chunk, up or down.
class CutTest : public LongVectorsTest, public ::testing::WithParamInterface<int> {};

TEST_P(CutTest, ResumesAtTheFirstChunkThatIsMissing) {
  int until_cut = GetParam();
  std::uint32_t cuts = 0;
  std::map<std::pair<std::uint32_t, Bytes>, int> carried;  ///< Chunks that arrived, and how often.
  const auto carry = [&](std::uint32_t site, const Bytes& bytes) {
    const MessageKind kind = OpenMessage(bytes)->kind;
    if (kind != MessageKind::kUploadChunk && kind != MessageKind::kSumChunk) return true;
    if (--until_cut == 0) {
      until_cut = GetParam();
      ++cuts;
      federation_.Disconnect(site);
      federation_.Connect(site);
      return false;
    }
    ++carried[{site, bytes}];
    return true;
  };
  federation_.to_coordinator = carry;
  federation_.to_site = carry;

  Start();
  ASSERT_NO_FATAL_FAILURE(ExpectExact());

  EXPECT_GT(cuts, 0u);
  for (const auto& [chunk, times] : carried) EXPECT_EQ(times, 1) << "a chunk that had arrived";
}

INSTANTIATE_TEST_SUITE_P(Chunks, CutTest, ::testing::Values(2, 3, 5, 7, 11));

TEST_F(LongVectorsTest, ASiteThatCrashesWhileASumComesDownIsToldItAnew) {
  bool crashed = false;
  federation_.to_site = [&](std::uint32_t site, Bytes& bytes) {
    const bool chunk = OpenMessage(bytes)->kind == MessageKind::kSumChunk;
    if (crashed || site != 2 || !chunk) return true;
    crashed = true;
    federation_.CrashAndRestartSite(site);
    return false;
  };
  Start();
  ASSERT_NO_FATAL_FAILURE(ExpectExact());
  EXPECT_TRUE(crashed);
}

TEST_F(LongVectorsTest, ACoordinatorThatCrashesBetweenChunksGoesOn) {
  int chunks = 0;
  int crashes = 0;
  federation_.to_coordinator = [&](std::uint32_t, Bytes& bytes) {
    const MessageKind kind = OpenMessage(bytes)->kind;
    const bool between = kind == MessageKind::kUploadChunk || kind == MessageKind::kSumReceived;
    if (!between || ++chunks % 7 != 0 || crashes == 5) return true;
    ++crashes;
    federation_.CrashAndRestartCoordinator();
    return false;
  };
  Start();
  ASSERT_NO_FATAL_FAILURE(ExpectExact());
  EXPECT_EQ(crashes, 5);
}

/// Of seven sites two are asked for their vectors and never send them.
TEST(StalledUploadTest, OthersGetTheirTurnWherethePlanGoesOnWithoutSome) {
  FederationOptions options;
  options.sites = 7;
  options.on_loss = "continue";
  VirtualFederation federation(options);
  GiveWideCohorts(federation, 7);
  federation.to_coordinator = [&](std::uint32_t site, Bytes& bytes) {
    return site > 1 || OpenMessage(bytes)->kind != MessageKind::kUploadChunk;
  };
  federation.JoinAll();
  const StudyId study = federation.Submit(WidePlanText("continue"));
  federation.ApproveAll(study);
  federation.Start(study);
  ASSERT_TRUE(federation.RunToEnd(study, 400)) << federation.View(study).reason;
  for (const JournalRecord& entry : JournalOf(federation)) {
    EXPECT_EQ(entry.survivors.size(), 5U) << "round " << entry.round.value();
  }
}

TEST_F(LongVectorsTest, RepeatedReceiptsAndChunksAskForNothing) {
  std::uint64_t chunks_down = 0;
  std::uint64_t sums = 0;
  federation_.to_coordinator = [&](std::uint32_t site, Bytes& bytes) {
    const MessageKind kind = OpenMessage(bytes)->kind;
    if (kind != MessageKind::kSumReceived && kind != MessageKind::kUploadChunk) return true;
    for (int i = 0; i < 2; ++i) federation_.DeliverToCoordinator(site, bytes);
    return true;
  };
  federation_.to_site = [&](std::uint32_t site, Bytes& bytes) {
    const OpenedMessage message = *OpenMessage(bytes);
    if (message.kind == MessageKind::kRoundClosed) {
      if (Decode<RoundClosed>(message.body)->more_words > 0) ++sums;
    }
    if (message.kind != MessageKind::kSumChunk && message.kind != MessageKind::kChunkReceived) {
      return true;
    }
    if (message.kind == MessageKind::kSumChunk) ++chunks_down;
    for (int i = 0; i < 2; ++i) federation_.Deliver(site, bytes);
    return true;
  };
  Start();
  ASSERT_NO_FATAL_FAILURE(ExpectExact());
  EXPECT_EQ(chunks_down, 3 * sums) << "three more chunks for each long sum";
}

TEST_F(LongVectorsTest, ASumWhoseChunksAreNotWhatWasSignedIsRefused) {
  bool altered = false;
  federation_.to_site = [&](std::uint32_t site, Bytes& bytes) {
    const OpenedMessage message = *OpenMessage(bytes);
    if (altered || site != 1 || message.kind != MessageKind::kSumChunk) return true;
    altered = true;
    Chunk chunk = *Decode<Chunk>(message.body);
    ++chunk.words.back();
    bytes = FrameMessage(message.kind, message.route, Encode(chunk));
    return true;
  };
  Start();
  federation_.Settle();
  ASSERT_TRUE(altered);
  ASSERT_FALSE(federation_.refusals().empty());
  EXPECT_EQ(federation_.refusals().front().first, 1u);
  EXPECT_EQ(federation_.refusals().front().second, "malformed");
  EXPECT_EQ(federation_.site(1).View(study_)->sums_known + 1,
            federation_.site(0).View(study_)->sums_known);
}

}  // namespace
}  // namespace consilium::testing
