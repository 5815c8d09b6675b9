// Several studies, administrators at work at any moment, members that come and go, refusals, and
// state that was altered behind the coordinator's back.

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "coordinator/coordinator_core.h"
#include "coordinator/records.h"
#include "tests/coordinator/federation_results.h"
#include "tests/support/virtual_federation.h"

namespace consilium::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

/// Carries out an administrator's command.
template <class Command>
Status Do(VirtualFederation& federation, const StudyId& study, Command command) {
  CoordinatorEffects effects;
  Status done = (federation.coordinator().*command)(study, federation.now(), effects);
  federation.Carry(effects);
  return done;
}

// -- Several studies
// ---------------------------------------------------------------------------------

TEST(StudiesTest, TwoAtOnceEachEndWithTheirBits) {
  FederationOptions options;
  VirtualFederation federation(options);
  federation.JoinAll();
  const StudyId first = federation.Submit(LogisticPlanText(options));
  FederationOptions again = options;
  again.extra_plan_title = " again";
  const StudyId second = federation.Submit(LogisticPlanText(again));
  federation.ApproveAll(first);
  federation.ApproveAll(second);
  federation.Start(first);
  federation.Start(second);

  ASSERT_TRUE(federation.RunToEnd(first)) << federation.View(first).reason;
  ASSERT_TRUE(federation.RunToEnd(second)) << federation.View(second).reason;

  EXPECT_EQ(TableOf(federation, first), PlainTable(federation, options, {0, 1, 2, 3}));
  EXPECT_EQ(TableOf(federation, second), TableOf(federation, first));
}

TEST(StudiesTest, OneThatStartsWhileASiteIsAwayWaitsForIt) {
  FederationOptions options;
  VirtualFederation federation(options);
  federation.JoinAll();
  const StudyId study = federation.Submit(LogisticPlanText(options));
  federation.ApproveAll(study);
  federation.Disconnect(1);
  federation.Start(study);

  EXPECT_FALSE(federation.RunToEnd(study, 5));
  EXPECT_THAT(federation.View(study).reason, HasSubstr("waiting for site-1"));
  federation.Connect(1);

  ASSERT_TRUE(federation.RunToEnd(study)) << federation.View(study).reason;
  EXPECT_EQ(TableOf(federation, study), PlainTable(federation, options, {0, 1, 2, 3}));
}

TEST(StudiesTest, AMemberAdmittedInMidStudyChangesNothingInIt) {
  for (std::uint64_t moment = 0; moment < 60; moment += 7) {
    FederationOptions options;
    options.sites = 5;
    options.joined_later = 1;
    VirtualFederation federation(options);
    std::uint64_t messages = 0;
    federation.to_coordinator = [&](std::uint32_t, Bytes&) {
      if (messages++ == 30 + moment) {
        federation.Join(4);
        federation.Connect(4);
      }
      return true;
    };

    const StudyId study = federation.RunningStudy();

    ASSERT_TRUE(federation.RunToEnd(study)) << moment << ": " << federation.View(study).reason;
    EXPECT_EQ(federation.coordinator().roster().members.size(), 5U) << moment;
    EXPECT_EQ(TableOf(federation, study), PlainTable(federation, options, {0, 1, 2, 3})) << moment;
  }
}

// -- Members that go
// ---------------------------------------------------------------------------------

TEST(LeavingTest, AStudyThatGoesOnNeedNotWaitForWhoTookItsApprovalBack) {
  FederationOptions options;
  options.sites = 5;
  options.on_loss = "continue";
  VirtualFederation federation(options);
  const StudyId study = federation.RunningStudy();
  SiteEffects effects;
  ASSERT_TRUE(federation.site(4).Revoke(study, federation.now(), effects));
  federation.Carry(4, effects);
  const Instant before = federation.now().monotonic;

  ASSERT_TRUE(federation.RunToEnd(study)) << federation.View(study).reason;

  // One attempt may have been lost with it, but no round waits for its answer.
  EXPECT_LT(federation.now().monotonic - before, Duration(60'000));
  EXPECT_EQ(TableOf(federation, study), PlainTable(federation, options, {0, 1, 2, 3}));
}

TEST(LeavingTest, TooFewLeftPauseTheStudyAndAreNamed) {
  FederationOptions options;
  options.on_loss = "continue";
  VirtualFederation federation(options);
  const StudyId study = federation.RunningStudy();
  for (const std::uint32_t site : {1U, 3U}) {
    SiteEffects effects;
    ASSERT_TRUE(federation.site(site).Revoke(study, federation.now(), effects));
    federation.Carry(site, effects);
  }

  EXPECT_FALSE(federation.RunToEnd(study, 10));

  EXPECT_EQ(federation.View(study).state, StudyState::kPaused);
  EXPECT_THAT(federation.View(study).reason, HasSubstr("site-1, site-3"));
}

TEST(LeavingTest, NewKeysOfAMemberPauseAStudyWhoseSitesAreFrozen) {
  VirtualFederation federation({});
  const StudyId study = federation.RunningStudy();
  CoordinatorEffects effects;
  const auto text = federation.coordinator().Invite("site-2", federation.now(), effects);
  const Invitation invitation = *ReadInvitation(*text, "invitation");
  SeededRandom random(8);
  const SigningKey key = SigningKey::Generate(random);
  JoinRequest request{invitation.federation, "site-2", key.public_key(), {}, invitation.token};
  request.transport.bytes = random.Draw<32>();

  const auto admitted = federation.coordinator().Admit(request, federation.now(), effects);

  ASSERT_TRUE(admitted);
  EXPECT_EQ(admitted->id, SiteId(5));
  EXPECT_FALSE(federation.coordinator().roster().IsActive(SiteId(3)));
  EXPECT_EQ(federation.View(study).state, StudyState::kPaused);
  EXPECT_THAT(federation.View(study).reason, HasSubstr("site-2 was revoked"));
  const auto sent_to_the_old = [](const CoordinatorEffect& effect) {
    const auto* send = std::get_if<SendToSite>(&effect);
    return send != nullptr && send->site == SiteId(3) &&
           OpenMessage(send->message)->kind == MessageKind::kWelcome;
  };
  EXPECT_TRUE(std::none_of(effects.begin(), effects.end(), sent_to_the_old));
}

// -- Refusals of data and policy
// ---------------------------------------------------------------------

constexpr const char* kWords = "the cohort has 7 patients; the policy asks for 20";

class DataRefusedTest : public ::testing::Test {
 protected:
  static void RefuseAt(VirtualFederation& federation, std::uint32_t refusing) {
    federation.answer = [=](std::uint32_t site) -> std::optional<Result<ComputedAnswer>> {
      if (site != refusing) return std::nullopt;
      return Result<ComputedAnswer>(Fail(ErrorCode::kRefused, kWords));
    };
  }

  /// Nothing of the words leaves the site.
  static void ExpectWordsOnlyAtTheSite(VirtualFederation& federation,
                                       const StudyId& study,
                                       std::uint32_t site) {
    EXPECT_THAT(federation.site(site).View(study)->last_refusal, HasSubstr(kWords));
    EXPECT_THAT(federation.View(study).reason, Not(HasSubstr("7 patients")));
    for (const auto& [from, bytes] : federation.received()) {
      const std::string text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
      ASSERT_THAT(text, Not(HasSubstr("7 patients")));
    }
  }
};

TEST_F(DataRefusedTest, AWaitingStudyPausesWithTheSiteAndTheReasonsName) {
  FederationOptions options;
  VirtualFederation federation(options);
  RefuseAt(federation, 2);
  const StudyId study = federation.RunningStudy();

  EXPECT_FALSE(federation.RunToEnd(study, 5));

  EXPECT_EQ(federation.View(study).state, StudyState::kPaused);
  const std::string expected =
      "site site-2 refuses: " + std::string(Explanation(RefusalReason::kDataRefused));
  EXPECT_EQ(federation.View(study).reason, expected);
  ExpectWordsOnlyAtTheSite(federation, study, 2);

  federation.answer = nullptr;  // The data are in order now.
  ASSERT_TRUE(Do(federation, study, &CoordinatorCore::Resume));
  ASSERT_TRUE(federation.RunToEnd(study)) << federation.View(study).reason;
  EXPECT_EQ(TableOf(federation, study), PlainTable(federation, options, {0, 1, 2, 3}));
}

TEST_F(DataRefusedTest, AStudyThatGoesOnLeavesTheSiteOut) {
  FederationOptions options;
  options.sites = 5;
  options.on_loss = "continue";
  VirtualFederation federation(options);
  RefuseAt(federation, 4);
  const StudyId study = federation.RunningStudy();

  ASSERT_TRUE(federation.RunToEnd(study)) << federation.View(study).reason;

  EXPECT_EQ(TableOf(federation, study), PlainTable(federation, options, {0, 1, 2, 3}));
  EXPECT_EQ(federation.View(study).sites.at(4).progress, "excluded");
  ExpectWordsOnlyAtTheSite(federation, study, 4);
}

TEST_F(DataRefusedTest, APolicyThatForbidsIsNamedInBothModes) {
  for (const std::string mode : {"wait", "continue"}) {
    FederationOptions options;
    options.sites = 5;
    options.on_loss = mode;
    VirtualFederation federation(options);
    const StudyId study = federation.RunningStudy();
    Policy policy = MakePolicy(PolicyPreset::kStandard);
    policy.allowed_analyses = {"linear"};
    federation.SetPolicy(4, policy);

    EXPECT_EQ(federation.RunToEnd(study, 5), mode == "continue") << mode;

    EXPECT_EQ(federation.refusals().at(0).second, "policy-forbids");
    if (mode == "continue") {
      EXPECT_EQ(TableOf(federation, study), PlainTable(federation, options, {0, 1, 2, 3}));
    } else {
      EXPECT_THAT(federation.View(study).reason, HasSubstr("site-4 refuses"));
    }
  }
}

// -- Administration
// ----------------------------------------------------------------------------------

TEST(AdministrationTest, PauseAndResumeAtAnyMomentEndWithTheSameBits) {
  FederationOptions options;
  for (const bool restart : {false, true}) {
    for (std::uint64_t moment = 0;; moment += 5) {
      VirtualFederation federation(options);
      StudyId study;
      std::uint64_t messages = 0;
      bool paused = false;
      federation.to_coordinator = [&](std::uint32_t, Bytes&) {
        if (study != StudyId() && messages++ == moment) {
          paused = Do(federation, study, &CoordinatorCore::Pause).has_value();
        }
        return true;
      };
      study = federation.RunningStudy();
      const bool finished = federation.RunToEnd(study, 3);
      if (!paused) break;
      ASSERT_FALSE(finished);
      ASSERT_EQ(federation.View(study).state, StudyState::kPaused);
      if (restart) federation.CrashAndRestartCoordinator();
      federation.Settle();
      ASSERT_TRUE(Do(federation, study, &CoordinatorCore::Resume)) << moment;
      ASSERT_TRUE(federation.RunToEnd(study)) << moment << ": " << federation.View(study).reason;
      ASSERT_EQ(TableOf(federation, study), PlainTable(federation, options, {0, 1, 2, 3}))
          << moment;
    }
  }
}

TEST(AdministrationTest, AStoppedStudyAsksNobodyAnything) {
  for (std::uint64_t moment = 0; moment < 80; moment += 9) {
    VirtualFederation federation({});
    StudyId study;
    std::uint64_t messages = 0;
    bool stopped = false;
    federation.to_coordinator = [&](std::uint32_t, Bytes&) {
      if (study != StudyId() && messages++ == moment) {
        stopped = Do(federation, study, &CoordinatorCore::Stop).has_value();
      }
      return true;
    };
    study = federation.RunningStudy();
    EXPECT_FALSE(federation.RunToEnd(study, 5));
    ASSERT_TRUE(stopped);
    federation.to_site = [&](std::uint32_t, Bytes& bytes) {
      EXPECT_NE(OpenMessage(bytes)->kind, MessageKind::kRoundStart);
      return true;
    };
    federation.CrashAndRestartCoordinator();
    federation.Settle(Duration(300'000));
    EXPECT_EQ(federation.View(study).state, StudyState::kStopped);
    EXPECT_EQ(federation.site(0).View(study)->open_round, 0U);
  }
}

TEST(AdministrationTest, CommandsInTheWrongStateChangeNothing) {
  VirtualFederation federation({});
  federation.JoinAll();
  const StudyId study = federation.Submit(LogisticPlanText({}));
  StudyId unknown;
  unknown.bytes[0] = std::byte{1};
  CoordinatorEffects effects;
  const auto code = [](const Status& status) {
    return status ? std::nullopt : std::optional<ErrorCode>(status.error().code);
  };
  CoordinatorCore& core = federation.coordinator();
  const Moment now = federation.now();

  EXPECT_EQ(code(core.Start(unknown, now, effects)), ErrorCode::kNotFound);
  EXPECT_EQ(code(core.Pause(unknown, now, effects)), ErrorCode::kNotFound);
  EXPECT_EQ(code(core.Resume(unknown, now, effects)), ErrorCode::kNotFound);
  EXPECT_EQ(code(core.Stop(unknown, now, effects)), ErrorCode::kNotFound);
  EXPECT_EQ(code(core.Pause(study, now, effects)), ErrorCode::kConflict);
  EXPECT_EQ(code(core.Resume(study, now, effects)), ErrorCode::kConflict);
  EXPECT_EQ(code(core.Start(study, now, effects)), ErrorCode::kConflict);
  EXPECT_EQ(code(core.Revoke("nobody", now, effects)), ErrorCode::kNotFound);
  EXPECT_FALSE(core.FindStudy("zzzz"));
  EXPECT_FALSE(core.ResultJson(study));
  EXPECT_TRUE(effects.empty());

  ASSERT_TRUE(core.Stop(study, now, effects));
  effects.clear();
  EXPECT_EQ(code(core.Stop(study, now, effects)), ErrorCode::kConflict);
  EXPECT_EQ(code(core.Start(study, now, effects)), ErrorCode::kConflict);
  EXPECT_TRUE(effects.empty());
}

}  // namespace
}  // namespace consilium::testing
