// Covers coordinator/study.cc, coordinator/study_messages.cc, coordinator/study_rounds.cc, and from
// the sites' side client/site_study.cc and client/site_rounds.cc.

#include "coordinator/coordinator_core.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/coordinator/federation_results.h"
#include "tests/support/virtual_federation.h"

namespace consilium::testing {
namespace {

using ::testing::HasSubstr;

TEST(CoordinatorCoreTest, RunsAStudyToTheBitsOfPlainSums) {
  for (const std::uint32_t sites : {3U, 4U, 7U}) {
    FederationOptions options;
    options.sites = sites;
    VirtualFederation federation(options);

    const StudyId study = federation.RunningStudy();

    ASSERT_TRUE(federation.RunToEnd(study)) << federation.View(study).reason;
    EXPECT_EQ(TableOf(federation, study), PlainTable(federation, options, SitesBut(options)));
    EXPECT_TRUE(federation.refusals().empty());
  }
}

TEST(CoordinatorCoreTest, NamesTheSharedFieldsInTheResult) {
  VirtualFederation federation({});
  const StudyId study = federation.RunningStudy();
  ASSERT_TRUE(federation.RunToEnd(study));

  const std::string result = federation.ResultOf(study);

  for (const char* field :
       {"\"study\"", "\"kind\": \"logistic\"", "\"sites\": 4", "\"patients\": 240", "\"rounds\"",
        "\"converged\": true", "\"coefficients\""}) {
    EXPECT_THAT(result, HasSubstr(field));
  }
}

TEST(CoordinatorCoreTest, DoesNotStartBelowTheMinimumOfSites) {
  FederationOptions options;
  options.minimum_sites = 4;
  VirtualFederation federation(options);
  federation.JoinAll();
  const StudyId study = federation.Submit(LogisticPlanText(options));
  CoordinatorEffects effects;

  const Status started = federation.coordinator().Start(study, federation.now(), effects);

  ASSERT_FALSE(started);
  EXPECT_THAT(started.error().message, HasSubstr("0 sites have approved"));
  EXPECT_TRUE(effects.empty());
}

TEST(CoordinatorCoreTest, RefusesTheSamePlanTwice) {
  VirtualFederation federation({});
  federation.JoinAll();
  federation.Submit(LogisticPlanText({}));
  CoordinatorEffects effects;

  const auto again = federation.coordinator().Submit(
      "# only a comment differs\n" + LogisticPlanText({}), "plan.toml", federation.now(), effects);

  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, ErrorCode::kConflict);
}

TEST(CoordinatorCoreTest, AnInvitationAdmitsOneSiteOnce) {
  VirtualFederation federation({});
  CoordinatorEffects effects;
  const auto text = federation.coordinator().Invite("north", federation.now(), effects);
  const Invitation invitation = *ReadInvitation(*text, "invitation");
  SeededRandom random(5);
  const SigningKey key = SigningKey::Generate(random);
  JoinRequest request{invitation.federation, "north", key.public_key(), {}, invitation.token};
  request.transport.bytes = random.Draw<32>();
  JoinRequest forged = request;
  forged.token = random.Draw<32>();

  EXPECT_FALSE(federation.coordinator().Admit(forged, federation.now(), effects));
  EXPECT_TRUE(federation.coordinator().Admit(request, federation.now(), effects));
  EXPECT_FALSE(federation.coordinator().Admit(request, federation.now(), effects));
}

TEST(CoordinatorCoreTest, WaitsForALostSiteAndGoesOnWhenItIsBack) {
  FederationOptions options;
  VirtualFederation federation(options);
  const StudyId study = federation.RunningStudy();
  federation.Disconnect(2);

  EXPECT_FALSE(federation.RunToEnd(study, 5));
  EXPECT_THAT(federation.View(study).reason, HasSubstr("site-2"));
  federation.Connect(2);

  ASSERT_TRUE(federation.RunToEnd(study)) << federation.View(study).reason;
  EXPECT_EQ(TableOf(federation, study), PlainTable(federation, options, {0, 1, 2, 3}));
}

TEST(CoordinatorCoreTest, GoesOnWithoutALostSiteWhereThePlanSaysSo) {
  FederationOptions options;
  options.sites = 5;
  options.on_loss = "continue";
  VirtualFederation federation(options);
  const StudyId study = federation.RunningStudy();
  federation.Disconnect(3);

  ASSERT_TRUE(federation.RunToEnd(study)) << federation.View(study).reason;
  EXPECT_EQ(TableOf(federation, study), PlainTable(federation, options, {0, 1, 2, 4}));
}

TEST(CoordinatorCoreTest, PausesWhenASiteTakesItsApprovalBack) {
  VirtualFederation federation({});
  const StudyId study = federation.RunningStudy();
  SiteEffects effects;
  ASSERT_TRUE(federation.site(1).Revoke(study, federation.now(), effects));
  for (const SiteEffect& effect : effects) {
    if (const auto* send = std::get_if<SendToCoordinator>(&effect)) {
      federation.DeliverToCoordinator(1, send->message);
    }
  }

  EXPECT_FALSE(federation.RunToEnd(study));
  EXPECT_EQ(federation.View(study).state, StudyState::kPaused);
  EXPECT_THAT(federation.View(study).reason, HasSubstr("site-1 took its approval back"));
}

TEST(CoordinatorCoreTest, PausesAndCutsARevokedSite) {
  VirtualFederation federation({});
  const StudyId study = federation.RunningStudy();
  CoordinatorEffects effects;

  ASSERT_TRUE(federation.coordinator().Revoke("site-0", federation.now(), effects));

  EXPECT_EQ(federation.View(study).state, StudyState::kPaused);
  EXPECT_THAT(federation.View(study).reason, HasSubstr("site-0 was revoked"));
  EXPECT_TRUE(std::any_of(effects.begin(), effects.end(), [](const CoordinatorEffect& effect) {
    return std::holds_alternative<CutOff>(effect);
  }));
  EXPECT_EQ(federation.coordinator().AdmittedKeys().size(), 3U);
}

TEST(CoordinatorCoreTest, IgnoresGarbageAndForgedMessages) {
  FederationOptions options;
  VirtualFederation federation(options);
  const StudyId study = federation.RunningStudy();
  SeededRandom random(9);
  const SigningKey stranger = SigningKey::Generate(random);
  for (int i = 0; i < 50; ++i) {
    Bytes garbage(static_cast<std::size_t>(random.Below(400)));
    random.Fill(garbage);
    federation.DeliverToCoordinator(1, garbage);
    federation.DeliverToCoordinator(
        1, SealMessage(MessageKind::kHello, Route{federation.federation(), {}, {}, {}},
                       Encode(Hello{}), stranger));
  }

  ASSERT_TRUE(federation.RunToEnd(study)) << federation.View(study).reason;
  EXPECT_EQ(TableOf(federation, study), PlainTable(federation, options, {0, 1, 2, 3}));
}

TEST(CoordinatorCoreTest, ReplayingEveryMessageChangesNothing) {
  FederationOptions options;
  VirtualFederation federation(options);
  const StudyId study = federation.RunningStudy();
  federation.to_coordinator = [&](std::uint32_t site, Bytes& message) {
    const std::size_t count = federation.received().size();
    if (count > 0 && count < 200) {
      const Bytes earlier = federation.received()[count / 2].second;
      const std::uint32_t sender = federation.received()[count / 2].first;
      if (sender == site) federation.DeliverToCoordinator(sender, earlier);
    }
    federation.DeliverToCoordinator(site, message);  // And each message twice.
    return true;
  };

  ASSERT_TRUE(federation.RunToEnd(study)) << federation.View(study).reason;
  EXPECT_EQ(TableOf(federation, study), PlainTable(federation, options, {0, 1, 2, 3}));
}

TEST(CoordinatorCoreTest, NoticesAStateThatWasRolledBack) {
  VirtualFederation federation({});
  const StudyId study = federation.RunningStudy();
  ASSERT_TRUE(federation.RunToEnd(study));
  federation.CrashAndRestartSite(0);  // Its new hello brings the newest receipt home.
  federation.Settle();
  federation.CrashAndRestartSite(0);
  federation.Settle();
  const auto records = *federation.coordinator_store().Load("audit");
  RecordBatch batch;
  for (std::size_t i = records.size() / 2; i < records.size(); ++i) {
    batch.push_back(EraseRecord{"audit", records[i].key});
  }
  ASSERT_TRUE(federation.coordinator_store().Apply(batch));

  federation.CrashAndRestartCoordinator();
  federation.Settle();

  ASSERT_TRUE(federation.coordinator().rollback_found().has_value());
  EXPECT_THAT(*federation.coordinator().rollback_found(), HasSubstr("site-0 holds a receipt"));
}

TEST(CoordinatorCoreTest, AReceiptThatASiteMadeUpStopsNobody) {
  VirtualFederation federation({});
  federation.to_coordinator = [&](std::uint32_t site, Bytes& message) {
    const auto opened = OpenMessage(message);
    if (site != 1 || !opened || opened->kind != MessageKind::kHello) return true;
    auto hello = *Decode<Hello>(opened->body);
    hello.receipt = SignReceipt(AuditHead{1'000'000, Digest{}}, federation.site_identity(1));
    message = SealMessage(opened->kind, opened->route, Encode(hello), federation.site_identity(1));
    return true;
  };

  const StudyId study = federation.RunningStudy();

  EXPECT_TRUE(federation.RunToEnd(study)) << federation.View(study).reason;
  EXPECT_FALSE(federation.coordinator().rollback_found().has_value());
}

}  // namespace
}  // namespace consilium::testing
