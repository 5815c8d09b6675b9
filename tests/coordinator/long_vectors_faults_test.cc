// Members who spoil long vectors for the others: who withdraw once theirs has come, send slowly, or
// lose their line at the worst time.

#include <deque>
#include <functional>
#include <optional>
#include <set>
#include <utility>

#include <gtest/gtest.h>

#include "tests/coordinator/wide_study.h"

namespace consilium::testing {
namespace {

constexpr std::uint64_t kChunks = 4;  ///< Of the information matrix.

class WithdrawalTest : public WideStudyTest {
 protected:
  /// Calls `withdraw` once, when site 0 is told that the whole of its long vector has come.
  void OnceUploaded(std::function<void(const Route&)> withdraw) {
    federation_.to_site = [this, withdraw](std::uint32_t site, Bytes& bytes) {
      const OpenedMessage message = *OpenMessage(bytes);
      if (message.kind == MessageKind::kAttemptEnded) ++attempts_ended_;
      const bool last_receipt = message.kind == MessageKind::kChunkReceived && site == 0 &&
                                Decode<ChunkReceived>(message.body)->next == kChunks;
      if (last_receipt && ++uploads_ == 1) withdraw(message.route);
      return true;
    };
  }

  void RevokeAtSite() {
    SiteEffects effects;
    EXPECT_TRUE(federation_.site(0).Revoke(study_, federation_.now(), effects).has_value());
    federation_.Carry(0, effects);
  }

  void RevokeMember() {
    CoordinatorEffects effects;
    ASSERT_TRUE(federation_.coordinator().Revoke("site-0", federation_.now(), effects));
    federation_.Carry(effects);
  }

  void SayRefusal(const Route& route, RefusalReason reason) {
    const RefusalMessage refusal{static_cast<std::uint16_t>(MessageKind::kSurvivors),
                                 static_cast<std::uint16_t>(reason), SiteId()};
    federation_.DeliverToCoordinator(0, SealMessage(MessageKind::kRefusal, route, Encode(refusal),
                                                    federation_.site_identity(0)));
  }

  /// The moments, which come in one chunk, are those of all; no later sum holds site 0's vector.
  void ExpectTheOthersAlone() {
    ASSERT_TRUE(federation_.RunToEnd(study_, 400)) << federation_.View(study_).reason;
    const std::vector<JournalRecord> journal = JournalOf(federation_);
    ASSERT_GT(journal.size(), 1U);
    EXPECT_EQ(journal[0].survivors.size(), kWideSites);
    for (std::size_t i = 1; i < journal.size(); ++i) {
      EXPECT_EQ(journal[i].survivors.size(), kWideSites - 1) << "round " << i + 1;
    }
    EXPECT_EQ(uploads_, 1U) << "it is not asked for another";
    EXPECT_LE(attempts_ended_, kWideSites) << "one attempt";
  }

  std::uint64_t uploads_ = 0;
  std::uint64_t attempts_ended_ = 0;
};

TEST_F(WithdrawalTest, ThePlanThatWaitsPausesAndOpensNothing) {
  OnceUploaded([this](const Route&) { RevokeAtSite(); });
  Start();
  federation_.Settle();
  ASSERT_EQ(uploads_, 1U);
  EXPECT_EQ(federation_.View(study_).rounds_done, 1U) << "the moments, in one chunk";
  EXPECT_EQ(federation_.View(study_).state, StudyState::kPaused) << "the plan waits for all";
  EXPECT_GT(attempts_ended_, 0U);
}

TEST_F(WithdrawalTest, ThePlanThatGoesOnDoesSoWithoutItsVector) {
  OnceUploaded([this](const Route&) { RevokeAtSite(); });
  Start("continue");
  ExpectTheOthersAlone();
}

TEST_F(WithdrawalTest, ARefusalOfEveryFurtherStepIsOneToo) {
  OnceUploaded([this](const Route& route) { SayRefusal(route, RefusalReason::kPolicyForbids); });
  Start("continue");
  ExpectTheOthersAlone();
}

TEST_F(WithdrawalTest, AMemberThatRestartedAndIsThenRevokedIsNotSummedEither) {
  OnceUploaded([this](const Route&) { federation_.CrashAndRestartSite(0); });
  bool said_hello = false;
  bool revoked = false;
  federation_.to_coordinator = [&](std::uint32_t site, Bytes& bytes) {
    if (uploads_ == 1 && !revoked && said_hello) {
      revoked = true;
      RevokeMember();
    }
    if (site == 0 && uploads_ == 1 && OpenMessage(bytes)->kind == MessageKind::kHello) {
      said_hello = true;
    }
    return true;
  };
  Start("continue");
  ExpectTheOthersAlone();
  EXPECT_TRUE(revoked);
}

/// The chunks of site 0 take a while, those of the others none.
class SlowLineTest : public WideStudyTest {
 protected:
  bool RunWithChunksThatTake(Duration duration) {
    std::deque<Bytes> under_way;
    federation_.to_coordinator = [&](std::uint32_t site, Bytes& bytes) {
      const bool slow = site == 0 && OpenMessage(bytes)->kind == MessageKind::kUploadChunk;
      if (slow) under_way.push_back(bytes);
      return !slow;
    };
    Start("continue");
    for (int turn = 0; turn < 400; ++turn) {
      federation_.Settle();
      if (!under_way.empty()) {
        federation_.Advance(duration);
        federation_.DeliverToCoordinator(0, under_way.front());
        under_way.pop_front();
      } else if (federation_.RunToEnd(study_, 1)) {
        return true;
      }
    }
    return false;
  }
  std::vector<std::size_t> SitesInSums() {
    std::vector<std::size_t> counts;
    for (const JournalRecord& entry : JournalOf(federation_)) {
      counts.push_back(entry.survivors.size());
    }
    return counts;
  }
};

TEST_F(SlowLineTest, IsWaitedForBeyondTheDeadline) {
  const Duration chunk = std::chrono::seconds(12);  // 48 s of a turn of 30 s + 4 x 8 s.
  ASSERT_TRUE(RunWithChunksThatTake(chunk)) << federation_.View(study_).reason;
  for (const std::size_t count : SitesInSums()) EXPECT_EQ(count, kWideSites);
}

TEST_F(SlowLineTest, WhoSendsAChunkNowAndThenDoesNotHoldUpTheOthers) {
  const Instant before = federation_.now().monotonic;
  ASSERT_TRUE(RunWithChunksThatTake(std::chrono::seconds(25))) << federation_.View(study_).reason;
  const std::vector<std::size_t> counts = SitesInSums();
  ASSERT_GT(counts.size(), 2U);
  EXPECT_EQ(counts[0], kWideSites);
  for (std::size_t i = 1; i < counts.size(); ++i) EXPECT_EQ(counts[i], kWideSites - 1);
  const Duration a_round = std::chrono::seconds(30 + kChunks * 8 + 25);
  const auto rounds = static_cast<std::int64_t>(counts.size());
  EXPECT_LE(federation_.now().monotonic - before, rounds * a_round);
}

/// A line that breaks in a round that follows a long sum: the site's new key says what it knows,
/// and it is told at once what it is awaited for.
TEST_F(WideStudyTest, ALineThatBreaksAfterALongSumCostsNoDeadline) {
  std::set<std::uint64_t> broken;
  federation_.to_site = [&](std::uint32_t site, Bytes& bytes) {
    const OpenedMessage message = *OpenMessage(bytes);
    const bool here =
        site == 2 && message.kind == MessageKind::kDelivery && message.route.round.value() > 2;
    if (!here || !broken.insert(message.route.round.value()).second) return true;
    federation_.Disconnect(site);
    federation_.Connect(site);
    return false;
  };
  Start();
  const Instant before = federation_.now().monotonic;
  federation_.Settle();
  EXPECT_GT(broken.size(), 1U);
  EXPECT_EQ(federation_.View(study_).state, StudyState::kFinished);
  EXPECT_EQ(federation_.now().monotonic, before);
}

TEST_F(WideStudyTest, ASiteThatRevokesWhileASumComesDownForgetsItsBeginning) {
  std::uint64_t receipts = 0;
  bool revoked = false;
  federation_.to_coordinator = [&](std::uint32_t site, Bytes& bytes) {
    if (revoked && site == 1 && OpenMessage(bytes)->kind == MessageKind::kSumReceived) ++receipts;
    return true;
  };
  federation_.to_site = [&](std::uint32_t site, Bytes& bytes) {
    if (revoked || site != 1 || OpenMessage(bytes)->kind != MessageKind::kSumChunk) return true;
    revoked = true;
    SiteEffects effects;
    EXPECT_TRUE(federation_.site(1).Revoke(study_, federation_.now(), effects).has_value());
    federation_.Carry(1, effects);
    return true;
  };
  Start();
  federation_.Settle();
  ASSERT_TRUE(revoked);
  EXPECT_EQ(receipts, 0U);
  EXPECT_EQ(federation_.site(1).View(study_)->sums_known, 1U);
}

}  // namespace
}  // namespace consilium::testing
