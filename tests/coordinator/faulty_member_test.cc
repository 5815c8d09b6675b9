// A member that keeps to the protocol's form and breaks its sense, to stop everybody else's study.
// Covers coordinator/study_faults.cc.

#include <algorithm>
#include <functional>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "coordinator/coordinator_core.h"
#include "tests/coordinator/federation_results.h"
#include "tests/support/virtual_federation.h"

namespace consilium::testing {
namespace {

using ::testing::HasSubstr;

constexpr std::uint32_t kFaulty = 1;

FederationOptions FiveSites(const std::string& on_loss) {
  FederationOptions options;
  options.sites = 5;
  options.on_loss = on_loss;
  return options;
}

/// Lets the faulty site alter each of its bodies of one kind, and sign what it altered.
template <class Body>
void AlterAt(VirtualFederation& federation,
             std::uint32_t faulty,
             MessageKind kind,
             std::function<void(Body&)> alter) {
  federation.to_coordinator = [&federation, faulty, kind, alter](std::uint32_t site,
                                                                 Bytes& message) {
    if (site != faulty) return true;
    const auto opened = OpenMessage(message);
    if (!opened || opened->kind != kind) return true;
    auto body = Decode<Body>(opened->body);
    alter(*body);
    message = SealMessage(kind, opened->route, Encode(*body), federation.site_identity(faulty));
    return true;
  };
}

void SpoilFor(Shares& shares, const std::vector<SiteId>& victims) {
  for (SealedShare& share : shares.shares) {
    if (std::find(victims.begin(), victims.end(), share.recipient) == victims.end()) continue;
    share.sealed.back() ^= std::byte{1};
  }
}

/// Resumes a paused study whose faulty site now keeps to the protocol.
void ExpectTheTableOfAllOnceMended(VirtualFederation& federation,
                                   const StudyId& study,
                                   const FederationOptions& options) {
  federation.to_coordinator = nullptr;
  CoordinatorEffects effects;
  ASSERT_TRUE(federation.coordinator().Resume(study, federation.now(), effects));
  federation.Carry(effects);
  ASSERT_TRUE(federation.RunToEnd(study)) << federation.View(study).reason;
  EXPECT_EQ(TableOf(federation, study), PlainTable(federation, options, SitesBut(options, {})));
}

std::vector<SiteId> IdsOf(const VirtualFederation& federation,
                          const StudyId& study,
                          const std::vector<std::uint32_t>& sites) {
  std::vector<SiteId> ids;
  for (const std::uint32_t site : sites) {
    ids.push_back(federation.View(study).sites.at(site).id);
  }
  return ids;
}

// -- One-time keys
// -----------------------------------------------------------------------------------

struct BadKey {
  std::string name;
  std::function<void(Prekey&, const Prekey& seen)> alter;
};

class BadPrekeyTest : public ::testing::TestWithParam<BadKey> {
 protected:
  /// Site 0's prekeys pass before the faulty site's, which may copy them.
  static void Corrupt(VirtualFederation& federation) {
    federation.to_coordinator = [&federation, seen = Prekey{}](std::uint32_t site,
                                                               Bytes& message) mutable {
      const auto opened = OpenMessage(message);
      if (!opened || opened->kind != MessageKind::kPrekey) return true;
      auto prekey = *Decode<Prekey>(opened->body);
      if (site == 0) seen = prekey;
      if (site != kFaulty) return true;
      GetParam().alter(prekey, seen);
      message = SealMessage(opened->kind, opened->route, Encode(prekey),
                            federation.site_identity(kFaulty));
      return true;
    };
  }
};

TEST_P(BadPrekeyTest, AWaitingStudyPausesNamingItsOwner) {
  VirtualFederation federation(FiveSites("wait"));
  Corrupt(federation);
  const StudyId study = federation.RunningStudy();

  EXPECT_FALSE(federation.RunToEnd(study, 5));

  const StudyView view = federation.View(study);
  EXPECT_THAT(view.reason, HasSubstr("site-1")) << view.reason;
  EXPECT_TRUE(federation.refusals().empty()) << federation.refusals().front().second;
}

TEST_P(BadPrekeyTest, AStudyThatGoesOnDoesSoWithoutItsOwner) {
  const FederationOptions options = FiveSites("continue");
  VirtualFederation federation(options);
  Corrupt(federation);
  const StudyId study = federation.RunningStudy();

  ASSERT_TRUE(federation.RunToEnd(study)) << federation.View(study).reason;

  EXPECT_EQ(TableOf(federation, study),
            PlainTable(federation, options, SitesBut(options, {kFaulty})));
  EXPECT_TRUE(federation.refusals().empty()) << federation.refusals().front().second;
}

INSTANTIATE_TEST_SUITE_P(
    Keys,
    BadPrekeyTest,
    ::testing::Values(
        BadKey{"LowOrderEncryption",
               [](Prekey& prekey, const Prekey&) { prekey.encryption = ExchangeKey{}; }},
        BadKey{"LowOrderMasking",
               [](Prekey& prekey, const Prekey&) {
                 prekey.masking = ExchangeKey{};
                 prekey.masking.bytes[0] = std::byte{1};
               }},
        BadKey{"OneKeyForBoth",
               [](Prekey& prekey, const Prekey&) { prekey.masking = prekey.encryption; }},
        BadKey{"AnothersMasking",
               [](Prekey& prekey, const Prekey& seen) { prekey.masking = seen.masking; }},
        BadKey{"AnothersEncryptionForMasking",
               [](Prekey& prekey, const Prekey& seen) { prekey.masking = seen.encryption; }}),
    [](const auto& test) { return test.param.name; });

// -- Shares
// ------------------------------------------------------------------------------------------

TEST(FaultyDealerTest, WhoDealsNobodyARightShareIsLeftOutAlone) {
  const FederationOptions options = FiveSites("continue");
  VirtualFederation federation(options);
  AlterAt<Shares>(federation, kFaulty, MessageKind::kShares, [](Shares& shares) {
    for (SealedShare& share : shares.shares) share.sealed.back() ^= std::byte{1};
  });
  const StudyId study = federation.RunningStudy();

  ASSERT_TRUE(federation.RunToEnd(study)) << federation.View(study).reason;

  EXPECT_EQ(TableOf(federation, study),
            PlainTable(federation, options, SitesBut(options, {kFaulty})));
  EXPECT_EQ(federation.View(study).sites.at(kFaulty).progress, "excluded");
}

TEST(FaultyDealerTest, WhoWrongsOneSiteGoesTogetherWithIt) {
  const FederationOptions options = FiveSites("continue");
  VirtualFederation federation(options);
  std::vector<SiteId> victim;
  AlterAt<Shares>(federation, kFaulty, MessageKind::kShares,
                  [&](Shares& shares) { SpoilFor(shares, victim); });
  federation.JoinAll();
  const StudyId study = federation.Submit(LogisticPlanText(options));
  federation.ApproveAll(study);
  victim = IdsOf(federation, study, {3});
  federation.Start(study);

  ASSERT_TRUE(federation.RunToEnd(study)) << federation.View(study).reason;

  const StudyView view = federation.View(study);
  EXPECT_EQ(view.sites.at(kFaulty).progress, "excluded");
  EXPECT_EQ(view.sites.at(3).progress, "excluded");
  EXPECT_EQ(view.sites.at(0).progress, "");
}

TEST(FaultyDealerTest, AWaitingStudyPausesNamingBothAndGoesOnWhenMended) {
  const FederationOptions options = FiveSites("wait");
  VirtualFederation federation(options);
  AlterAt<Shares>(federation, kFaulty, MessageKind::kShares,
                  [](Shares& shares) { shares.shares.front().sealed.back() ^= std::byte{1}; });
  const StudyId study = federation.RunningStudy();

  EXPECT_FALSE(federation.RunToEnd(study, 5));

  const StudyView view = federation.View(study);
  EXPECT_EQ(view.state, StudyState::kPaused);
  EXPECT_EQ(view.attempt, 0U) << "no attempt is left open";
  EXPECT_THAT(view.reason, HasSubstr("site-0 and site-1"));
  EXPECT_THAT(view.reason, HasSubstr(std::string(Explanation(DropReason::kInDispute))));

  ExpectTheTableOfAllOnceMended(federation, study, options);
}

TEST(FalseAccuserTest, GoesTogetherWithWhomItAccuses) {
  const FederationOptions options = FiveSites("continue");
  VirtualFederation federation(options);
  federation.to_coordinator = [&](std::uint32_t site, Bytes& message) {
    if (site != kFaulty) return true;
    const auto opened = OpenMessage(message);
    if (!opened || opened->kind != MessageKind::kUploadHeader) return true;
    RefusalMessage lie;
    lie.refused_kind = static_cast<std::uint16_t>(MessageKind::kDelivery);
    lie.reason = static_cast<std::uint16_t>(RefusalReason::kShareDoesNotOpen);
    lie.about = federation.coordinator().roster().members.at(2).id;
    message = SealMessage(MessageKind::kRefusal, opened->route, Encode(lie),
                          federation.site_identity(kFaulty));
    return true;
  };
  const StudyId study = federation.RunningStudy();

  ASSERT_TRUE(federation.RunToEnd(study)) << federation.View(study).reason;

  const StudyView view = federation.View(study);
  EXPECT_EQ(view.sites.at(kFaulty).progress, "excluded");
  EXPECT_EQ(view.sites.at(2).progress, "excluded");
  EXPECT_EQ(view.sites.at(0).progress, "");
}

// -- Refusals for good
// ------------------------------------------------------------------------------------------

/// Has the faulty site refuse in place of its message of this kind, once `when` is true.
void RefuseInPlaceOf(VirtualFederation& federation, MessageKind kind, std::function<bool()> when) {
  federation.to_coordinator = [&federation, kind, when](std::uint32_t site, Bytes& message) {
    const auto opened = OpenMessage(message);
    if (!opened || opened->kind != kind || site != kFaulty || !when()) return true;
    RefusalMessage refusal;
    refusal.refused_kind = static_cast<std::uint16_t>(MessageKind::kRoundStart);
    refusal.reason = static_cast<std::uint16_t>(RefusalReason::kPolicyForbids);
    message = SealMessage(MessageKind::kRefusal, opened->route, Encode(refusal),
                          federation.site_identity(kFaulty));
    return true;
  };
}

TEST(RefusingMemberTest, ASumThatIsBeingOpenedIsOpenedByTheOthers) {
  const FederationOptions options = FiveSites("continue");
  VirtualFederation federation(options);
  RefuseInPlaceOf(federation, MessageKind::kUnmasking, [] { return true; });
  const StudyId study = federation.RunningStudy();

  ASSERT_TRUE(federation.RunToEnd(study)) << federation.View(study).reason;

  const std::vector<JournalRecord> journal = JournalOf(federation);
  EXPECT_EQ(journal.front().survivors.size(), 5U);
  EXPECT_EQ(journal.back().survivors.size(), 4U);
  EXPECT_EQ(federation.View(study).sites.at(kFaulty).progress, "excluded");
}

/// The coordinator fell over while a sum was opened: only the same one may be opened again.
TEST(RefusingMemberTest, ASumThatIsToBeOpenedAgainWaitsForWhoRefusesAndSaysSo) {
  const FederationOptions options = FiveSites("continue");
  VirtualFederation federation(options);
  bool fell = false;
  federation.to_site = [&](std::uint32_t, Bytes& message) {
    const auto opened = OpenMessage(message);
    if (opened && opened->kind == MessageKind::kQuorum && !fell) {
      fell = true;
      federation.crash_coordinator_in = 0;
    }
    return true;
  };
  RefuseInPlaceOf(federation, MessageKind::kShares, [&] { return fell; });
  const StudyId study = federation.RunningStudy();

  EXPECT_FALSE(federation.RunToEnd(study, 5));

  const StudyView view = federation.View(study);
  EXPECT_TRUE(fell);
  EXPECT_EQ(view.state, StudyState::kPaused);
  EXPECT_THAT(view.reason, HasSubstr("site-1 refuses"));
  EXPECT_THAT(view.reason, HasSubstr(std::string(Explanation(RefusalReason::kPolicyForbids))));
  ExpectTheTableOfAllOnceMended(federation, study, options);
}

}  // namespace
}  // namespace consilium::testing
