// A site whose state.db was restored from an old copy has forgotten what it answered:
// client/site_record.cc finds that by the receipts that the coordinator holds.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/site_core.h"
#include "tests/support/virtual_federation.h"

namespace consilium::testing {
namespace {

using ::testing::HasSubstr;

constexpr std::uint32_t kVictim = 0;

class RollbackTest : public ::testing::Test {
 protected:
  RollbackTest() { federation_.JoinAll(); }

  StudyId Study(const std::string& title) {
    FederationOptions options;
    options.extra_plan_title = title;
    const StudyId study = federation_.Submit(LogisticPlanText(options));
    federation_.ApproveAll(study);
    federation_.Start(study);
    return study;
  }
  void RestoreFrom(const MemoryStore& copy) {
    federation_.site_store(kVictim) = copy;
    federation_.CrashAndRestartSite(kVictim);
    federation_.Settle();
  }

  VirtualFederation federation_{{}};
};

TEST_F(RollbackTest, ACopyFromBeforeAnAnswerAnswersNothing) {
  const StudyId study = Study("");
  const MemoryStore yesterday = federation_.site_store(kVictim);
  ASSERT_TRUE(federation_.RunToEnd(study));
  RestoreFrom(yesterday);

  const SiteCore& site = federation_.site(kVictim);
  ASSERT_TRUE(site.rollback_found().has_value());
  EXPECT_THAT(*site.rollback_found(), HasSubstr("and this state.db has 1:"));
  const StudyId second = federation_.Submit(LogisticPlanText({.extra_plan_title = " again"}));
  SiteEffects effects;
  const Status approved = federation_.site(kVictim).Approve(second, federation_.now(), effects);
  ASSERT_FALSE(approved.has_value());
  EXPECT_THAT(Describe(approved.error()), HasSubstr("restore the newest state.db"));
}

TEST_F(RollbackTest, InARunningStudyTheSiteRefusesByName) {
  const StudyId study = Study("");
  std::optional<MemoryStore> copy;  // From before the first answer.
  federation_.to_coordinator = [&](std::uint32_t site, Bytes& bytes) {
    const bool deals = OpenMessage(bytes)->kind == MessageKind::kShares;
    if (site == kVictim && deals && !copy) copy = federation_.site_store(kVictim);
    return true;
  };
  federation_.to_site = [](std::uint32_t, Bytes& bytes) {
    const OpenedMessage message = *OpenMessage(bytes);
    return message.kind != MessageKind::kRoundStart || message.route.round == RoundNumber(1);
  };
  federation_.Settle();
  ASSERT_TRUE(copy.has_value());
  ASSERT_EQ(federation_.site(kVictim).View(study)->sums_known, 1U);
  federation_.to_site = nullptr;
  RestoreFrom(*copy);
  EXPECT_FALSE(federation_.RunToEnd(study, 5));
  ASSERT_FALSE(federation_.refusals().empty());
  EXPECT_EQ(federation_.refusals().back().second, "state-rolled-back");
  EXPECT_THAT(federation_.View(study).reason, HasSubstr("site-0 refuses"));
}

TEST_F(RollbackTest, IsRememberedOverARestartWithoutTheCoordinator) {
  const MemoryStore empty = federation_.site_store(kVictim);
  ASSERT_TRUE(federation_.RunToEnd(Study("")));
  RestoreFrom(empty);
  ASSERT_TRUE(federation_.site(kVictim).rollback_found().has_value());
  federation_.Disconnect(kVictim);
  federation_.CrashAndRestartSite(kVictim);
  EXPECT_TRUE(federation_.site(kVictim).rollback_found().has_value());
}

TEST_F(RollbackTest, TheNewestCopyGoesOn) {
  const MemoryStore empty = federation_.site_store(kVictim);
  ASSERT_TRUE(federation_.RunToEnd(Study("")));
  const MemoryStore newest = federation_.site_store(kVictim);
  RestoreFrom(empty);
  ASSERT_TRUE(federation_.site(kVictim).rollback_found().has_value());
  RestoreFrom(newest);
  EXPECT_FALSE(federation_.site(kVictim).rollback_found().has_value());
  EXPECT_TRUE(federation_.RunToEnd(Study(" again")));
}

/// What is not part of a round is kept at once.
TEST_F(RollbackTest, TheHeadOfAnExclusionOutlivesTheCoordinatorsRestart) {
  const MemoryStore empty = federation_.site_store(kVictim);
  SiteEffects effects;
  ASSERT_TRUE(federation_.site(kVictim).Exclude({7}, federation_.now(), effects).has_value());
  federation_.Carry(kVictim, effects);
  federation_.Settle();
  federation_.CrashAndRestartCoordinator();
  federation_.Settle();
  RestoreFrom(empty);
  EXPECT_TRUE(federation_.site(kVictim).rollback_found().has_value());
}

/// An old copy that its people go on with, without a connection, until it is as long as the ledger
/// that was lost, or longer: the coordinator keeps the head that it has.
TEST_F(RollbackTest, AForkDoesNotReplaceTheTrueHead) {
  const MemoryStore empty = federation_.site_store(kVictim);
  ASSERT_TRUE(federation_.RunToEnd(Study("")));
  const MemoryStore newest = federation_.site_store(kVictim);
  const std::uint64_t records = federation_.site(kVictim).ledger_head().records;
  federation_.Disconnect(kVictim);
  federation_.site_store(kVictim) = empty;
  federation_.CrashAndRestartSite(kVictim);
  for (std::uint64_t code = 1; code <= records + 1; ++code) {
    SiteEffects effects;
    ASSERT_TRUE(federation_.site(kVictim).Exclude({code}, federation_.now(), effects).has_value());
    for (const SiteEffect& effect : effects) {
      EXPECT_FALSE(std::holds_alternative<SendToCoordinator>(effect)) << "before the welcome";
    }
    federation_.Carry(kVictim, effects);
  }
  federation_.Connect(kVictim);
  federation_.Settle();
  EXPECT_TRUE(federation_.site(kVictim).rollback_found().has_value());
  SiteEffects effects;
  EXPECT_FALSE(federation_.site(kVictim).Exclude({99}, federation_.now(), effects).has_value());
  RestoreFrom(newest);
  EXPECT_FALSE(federation_.site(kVictim).rollback_found().has_value());
}

TEST_F(RollbackTest, TheCoordinatorKeepsHeadsOverItsOwnRestart) {
  const MemoryStore empty = federation_.site_store(kVictim);
  ASSERT_TRUE(federation_.RunToEnd(Study("")));
  federation_.CrashAndRestartCoordinator();
  federation_.Settle();
  RestoreFrom(empty);
  EXPECT_TRUE(federation_.site(kVictim).rollback_found().has_value());
}

/// A coordinator could make up a head; without the site's signature it is nothing.
TEST_F(RollbackTest, AHeadThatTheSiteDidNotSignIsNotBelieved) {
  Receipt made_up = SignReceipt({1'000, Digest()}, federation_.coordinator_identity());
  federation_.Deliver(
      kVictim, FrameMessage(MessageKind::kLedgerHead, Route{federation_.federation(), {}, {}, {}},
                            Encode(made_up)));
  federation_.Settle();
  EXPECT_FALSE(federation_.site(kVictim).rollback_found().has_value());
}

}  // namespace
}  // namespace consilium::testing
