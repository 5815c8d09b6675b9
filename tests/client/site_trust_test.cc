// What a site believes of rosters, plans and its own people's word, and what it
// remembers over attempts, restarts and studies.

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/site_core.h"
#include "tests/support/virtual_federation.h"

namespace consilium::testing {
namespace {

using ::testing::HasSubstr;
using R = RefusalReason;

constexpr std::uint32_t kVictim = 0;

Route RouteTo(const VirtualFederation& federation, const StudyId& study = {}) {
  return Route{federation.federation(), study, {}, {}};
}

/// Tells the site something without carrying out what it answers; the reason it
/// refuses with.
std::optional<std::string> RefusalOf(const SiteEffects& effects) {
  std::optional<std::string> reason;
  for (const SiteEffect& effect : effects) {
    EXPECT_FALSE(std::holds_alternative<Persist>(effect));
    const auto* send = std::get_if<SendToCoordinator>(&effect);
    if (send == nullptr) continue;
    const OpenedMessage said = *OpenMessage(send->message);
    EXPECT_EQ(said.kind, MessageKind::kRefusal) << Name(said.kind);
    reason = Name(static_cast<R>(Decode<RefusalMessage>(said.body)->reason));
  }
  return reason;
}

std::optional<std::string> Tell(VirtualFederation& federation, const Bytes& message) {
  return RefusalOf(federation.site(kVictim).OnMessage(federation.now(), message));
}

/// Three sites need one another in every step, so that nothing goes on while
/// one is held up.
FederationOptions Three() {
  FederationOptions options;
  options.sites = 3;
  return options;
}

/// Keeps the first message of a kind to the victim from arriving; nullopt if
/// none came.
std::optional<Bytes> Intercept(VirtualFederation& federation, MessageKind kind) {
  std::optional<Bytes> held;
  federation.to_site = [&](std::uint32_t site, Bytes& bytes) {
    if (held || site != kVictim || OpenMessage(bytes)->kind != kind) return true;
    held = bytes;
    return false;
  };
  federation.Settle();
  federation.to_site = nullptr;
  return held;
}

// -- Rosters

class SiteRosterTest : public ::testing::Test {
 protected:
  SiteRosterTest() { federation_.JoinAll(); }

  std::optional<std::string> TellRoster(const Roster& roster, const SigningKey& signer) {
    const Welcome welcome{Encode(SignRoster(roster, signer)), {}};
    return Tell(federation_, SealMessage(MessageKind::kWelcome, RouteTo(federation_),
                                         Encode(welcome), federation_.coordinator_identity()));
  }
  std::optional<std::string> TellRoster(const Roster& roster) {
    return TellRoster(roster, federation_.coordinator_identity());
  }
  /// The present roster as a new epoch.
  Roster Next() {
    Roster roster = federation_.coordinator().roster();
    roster.epoch = RosterEpoch(roster.epoch.value() + 1);
    return roster;
  }

  VirtualFederation federation_{{}};
};

TEST_F(SiteRosterTest, RefusesOneThatTheCoordinatorDidNotSign) {
  EXPECT_EQ(TellRoster(Next(), federation_.site_identity(1)), "roster-forged");
}

TEST_F(SiteRosterTest, RefusesTheRosterOfAnotherFederation) {
  Roster roster = Next();
  roster.federation = FederationOf(federation_.site_identity(1).public_key());
  EXPECT_EQ(TellRoster(roster), "roster-forged");
}

TEST_F(SiteRosterTest, RefusesAnOlderEpoch) {
  Roster roster = federation_.coordinator().roster();
  roster.epoch = RosterEpoch(roster.epoch.value() - 1);
  EXPECT_EQ(TellRoster(roster), "roster-rolled-back");
}

TEST_F(SiteRosterTest, RefusesAnotherRosterOfTheSameEpoch) {
  Roster roster = federation_.coordinator().roster();
  roster.members.pop_back();
  EXPECT_EQ(TellRoster(roster), "roster-forged");
}

TEST_F(SiteRosterTest, RefusesOtherKeysUnderANumberOrAName) {
  Roster other_keys = Next();
  SeededRandom random(3);
  other_keys.members[2].identity = SigningKey::Generate(random).public_key();
  Roster other_name = Next();
  other_name.members[2].name = "elsewhere";
  Roster removed = Next();
  removed.members.pop_back();

  EXPECT_EQ(TellRoster(other_keys), "roster-changes-a-member");
  EXPECT_EQ(TellRoster(other_name), "roster-changes-a-member");
  EXPECT_EQ(TellRoster(removed), "roster-changes-a-member");
}

TEST_F(SiteRosterTest, RefusesARosterThatItIsNotIn) {
  Roster roster = Next();
  roster.members[kVictim].state = MemberState::kRevoked;
  EXPECT_EQ(TellRoster(roster), "not-in-roster");
}

TEST_F(SiteRosterTest, RefusesBytesThatAreNoRoster) {
  const Bytes message =
      SealMessage(MessageKind::kWelcome, RouteTo(federation_),
                  Encode(Welcome{ToBytes("nothing"), {}}), federation_.coordinator_identity());
  EXPECT_EQ(Tell(federation_, message), "malformed");
}

// -- Plans
// -------------------------------------------------------------------------------------------

std::optional<std::string> Offer(VirtualFederation& federation,
                                 const StudyId& study,
                                 const std::string& text) {
  return Tell(federation, SealMessage(MessageKind::kStudyOffer, RouteTo(federation, study),
                                      Encode(StudyOffer{text}), federation.coordinator_identity()));
}

TEST(SitePlanTest, RefusesATextThatIsNotTheStudysAndATextThatIsNoPlan) {
  VirtualFederation federation({});
  federation.JoinAll();
  StudyId study;
  study.bytes[0] = std::byte{7};

  EXPECT_EQ(Offer(federation, study, LogisticPlanText({})), "plan-changed");
  EXPECT_EQ(Offer(federation, study, "[study]\n"), "plan-invalid");
  EXPECT_TRUE(federation.site(kVictim).Studies().empty());
}

TEST(SitePlanTest, KeepsThePlanItKnowsWhateverIsOfferedUnderItsNumber) {
  VirtualFederation federation({});
  federation.JoinAll();
  const StudyId study = federation.Submit(LogisticPlanText({}));
  FederationOptions other;
  other.minimum_sites = 4;

  EXPECT_EQ(Offer(federation, study, LogisticPlanText(other)), std::nullopt);
  EXPECT_EQ((*federation.site(kVictim).PlanOf(study))->minimum_sites, 3U);
}

TEST(SitePlanTest, AnswersNothingWithoutAnApproval) {
  VirtualFederation federation({});
  const StudyId study = federation.RunningStudy();
  const Bytes start = *Intercept(federation, MessageKind::kRoundStart);
  SiteEffects effects;
  ASSERT_TRUE(federation.site(kVictim).Revoke(study, federation.now(), effects));

  EXPECT_EQ(Tell(federation, start), "not-approved");
}

/// A sum makes the site run the analysis on it: work that nobody here has agreed to.
TEST(SitePlanTest, TakesInNoSumOfAStudyThatNobodyHereHasApproved) {
  VirtualFederation federation({});
  federation.JoinAll();
  const StudyId study = federation.Submit(LogisticPlanText({}));
  const Route route{federation.federation(), study, RoundNumber(1), AttemptNumber(1)};
  const Bytes closed =
      SealMessage(MessageKind::kRoundClosed, route,
                  Encode(RoundClosed{{SiteId(1), SiteId(2), SiteId(3)}, 3, {}, 0, {}}),
                  federation.coordinator_identity());
  EXPECT_EQ(Tell(federation, closed), "not-approved");
  SiteEffects effects;
  ASSERT_TRUE(federation.site(kVictim).Decline(study, federation.now(), effects));
  EXPECT_EQ(Tell(federation, closed), "not-approved");
}

TEST(SitePlanTest, AnswersNoStudyItHasNeverBeenOffered) {
  VirtualFederation federation({});
  federation.RunningStudy();
  const Bytes start = *Intercept(federation, MessageKind::kRoundStart);
  const OpenedMessage honest = *OpenMessage(start);
  Route route = honest.route;
  route.study.bytes[0] ^= std::byte{1};

  EXPECT_EQ(Tell(federation, SealMessage(MessageKind::kRoundStart, route, honest.body,
                                         federation.coordinator_identity())),
            "not-approved");
}

TEST(SitePlanTest, AnswersNothingAfterThePlansLastDay) {
  VirtualFederation federation({});
  federation.RunningStudy();
  const Bytes start = *Intercept(federation, MessageKind::kRoundStart);
  Moment later = federation.now();
  later.utc.seconds += std::int64_t{10} * 366 * 86'400;

  EXPECT_EQ(RefusalOf(federation.site(kVictim).OnMessage(later, start)), "plan-expired");
}

TEST(SitePlanTest, ARevocationEndsTheOpenRoundAtOnce) {
  VirtualFederation federation({});
  const StudyId study = federation.RunningStudy();
  const Bytes quorum = *Intercept(federation, MessageKind::kQuorum);
  SiteEffects effects;
  ASSERT_TRUE(federation.site(kVictim).Revoke(study, federation.now(), effects));

  EXPECT_EQ(Tell(federation, quorum), "no-such-session");
}

// -- The policy has the last word
// --------------------------------------------------------------------

class PolicyInMidStudyTest : public ::testing::TestWithParam<MessageKind> {};

TEST_P(PolicyInMidStudyTest, AnUnreadablePolicyRefusesTheNextStepAndARepairedOneGoesOn) {
  VirtualFederation federation(Three());
  const StudyId study = federation.RunningStudy();
  const std::optional<Bytes> held = Intercept(federation, GetParam());
  ASSERT_TRUE(held.has_value());
  federation.SetPolicy(kVictim, Fail(ErrorCode::kInvalidArgument, "policy.toml:3:1: no such key"));

  federation.Deliver(kVictim, *held);
  EXPECT_FALSE(federation.RunToEnd(study, 5));
  EXPECT_EQ(federation.refusals().at(0).second, "policy-forbids");
  EXPECT_EQ(federation.View(study).state, StudyState::kPaused);
  EXPECT_THAT(federation.View(study).reason, HasSubstr("site-0 refuses"));

  federation.SetPolicy(kVictim, MakePolicy(PolicyPreset::kStandard));
  CoordinatorEffects effects;
  ASSERT_TRUE(federation.coordinator().Resume(study, federation.now(), effects));
  federation.Carry(effects);
  EXPECT_TRUE(federation.RunToEnd(study)) << federation.View(study).reason;
}

INSTANTIATE_TEST_SUITE_P(Step,
                         PolicyInMidStudyTest,
                         ::testing::Values(MessageKind::kRoundStart,
                                           MessageKind::kDelivery,
                                           MessageKind::kSurvivors,
                                           MessageKind::kQuorum));

TEST(SitePolicyTest, AnAnswerComputedMeanwhileIsNotMasked) {
  VirtualFederation federation(Three());
  const StudyId study = federation.RunningStudy();
  // The worker takes its time: shares are dealt and delivered before it has the answer.
  std::optional<ComputeAnswer> asked;
  federation.to_site = [&](std::uint32_t site, Bytes& bytes) {
    if (site != kVictim || OpenMessage(bytes)->kind != MessageKind::kRoundStart) return true;
    SiteEffects effects = federation.site(kVictim).OnMessage(federation.now(), bytes);
    std::erase_if(effects, [&](const SiteEffect& effect) {
      const auto* compute = std::get_if<ComputeAnswer>(&effect);
      if (compute != nullptr) asked = *compute;
      return compute != nullptr;
    });
    federation.Carry(kVictim, effects);
    return false;
  };
  federation.Settle();
  ASSERT_TRUE(asked.has_value());
  const Analysis& analysis = *(*federation.site(kVictim).PlanOf(study))->analysis;
  const Cohort& cohort = federation.cohort(kVictim);
  const ComputedAnswer answer{*analysis.Answer(asked->query, cohort), NumberedPatients(60)};
  federation.SetPolicy(kVictim, Fail(ErrorCode::kInvalidArgument, "policy.toml:3:1: no such key"));

  const SiteEffects effects = federation.site(kVictim).OnAnswer(
      federation.now(), study, asked->round, asked->attempt, answer);

  EXPECT_EQ(RefusalOf(effects), "policy-forbids");  // And nothing but the refusal.
}

TEST(SitePolicyTest, MoreSitesThanThePlanAsksForAreDemandedOfEveryStep) {
  FederationOptions options = Three();
  options.on_loss = "continue";
  for (const auto& [kind, reason] : std::vector<std::pair<MessageKind, std::string>>{
           {MessageKind::kRoundStart, "minimum-lowered"},
           {MessageKind::kDelivery, "delivery-too-small"},
           {MessageKind::kSurvivors, "survivors-too-few"}}) {
    VirtualFederation federation(options);
    federation.RunningStudy();
    const Bytes held = *Intercept(federation, kind);
    Policy policy = MakePolicy(PolicyPreset::kStandard);
    policy.minimum_sites = 5;
    federation.SetPolicy(kVictim, policy);

    EXPECT_EQ(Tell(federation, held), reason);
  }
}

// -- What it remembers
// -------------------------------------------------------------------------------

TEST(SiteMemoryTest, AfterARestartTheOldAttemptIsGone) {
  for (const MessageKind kind :
       {MessageKind::kDelivery, MessageKind::kSurvivors, MessageKind::kQuorum}) {
    VirtualFederation federation({});
    const StudyId study = federation.RunningStudy();
    const Bytes held = *Intercept(federation, kind);
    federation.CrashAndRestartSite(kVictim);

    EXPECT_EQ(Tell(federation, held), "no-such-session") << Name(kind);
    EXPECT_TRUE(federation.RunToEnd(study)) << federation.View(study).reason;
  }
}

TEST(SiteMemoryTest, AfterARestartTheSameStartIsAReplay) {
  VirtualFederation federation({});
  federation.RunningStudy();
  std::optional<Bytes> start;
  federation.to_site = [&](std::uint32_t site, Bytes& bytes) {
    if (site == kVictim && OpenMessage(bytes)->kind == MessageKind::kRoundStart && !start) {
      start = bytes;
    }
    return true;
  };
  federation.Settle();
  federation.CrashAndRestartSite(kVictim);

  EXPECT_EQ(Tell(federation, *start), "round-replayed");
}

/// Runs until the first round was opened at the victim, lets that attempt fail,
/// and stops where the next one names its survivors.
Bytes SurvivorsOfASecondAttempt(VirtualFederation& federation, bool restart) {
  std::optional<Bytes> second;
  federation.to_coordinator = [](std::uint32_t, Bytes& bytes) {
    return OpenMessage(bytes)->kind != MessageKind::kUnmasking;
  };
  federation.to_site = [&](std::uint32_t site, Bytes& bytes) {
    const OpenedMessage message = *OpenMessage(bytes);
    const bool wanted = site == kVictim && message.kind == MessageKind::kSurvivors &&
                        message.route.attempt == AttemptNumber(2);
    if (wanted && !second) second = bytes;
    return !wanted;
  };
  federation.RunningStudy();
  federation.Settle();
  if (restart) federation.CrashAndRestartSite(kVictim);
  for (int turn = 0; turn < 5 && !second; ++turn) federation.Settle(Duration(31'000));
  federation.to_site = nullptr;
  federation.to_coordinator = nullptr;
  return second.value();
}

TEST(SiteMemoryTest, ASecondAttemptOpensTheRoundForTheSameSurvivorsOnly) {
  for (const bool restart : {false, true}) {
    FederationOptions options;
    options.on_loss = "continue";
    VirtualFederation federation(options);
    const Bytes honest = SurvivorsOfASecondAttempt(federation, restart);
    const OpenedMessage message = *OpenMessage(honest);
    Survivors list = *Decode<Survivors>(message.body);
    list.headers.pop_back();
    const Bytes lie =
        SealMessage(message.kind, message.route, Encode(list), federation.coordinator_identity());

    EXPECT_EQ(Tell(federation, lie), "already-released") << restart;

    federation.Deliver(kVictim, honest);
    EXPECT_TRUE(federation.RunToEnd(message.route.study))
        << federation.View(message.route.study).reason;
  }
}

TEST(SiteMemoryTest, ASumToldToOneSiteAloneIsFoundWithTheNextQuestion) {
  VirtualFederation federation({});
  federation.to_site = [&](std::uint32_t site, Bytes& bytes) {
    const OpenedMessage message = *OpenMessage(bytes);
    if (site != kVictim || message.kind != MessageKind::kRoundClosed) return true;
    if (message.route.round != RoundNumber(1)) return true;
    RoundClosed closed = *Decode<RoundClosed>(message.body);
    closed.sum[0] += closed.sum[0] / 2 + 1;
    bytes =
        SealMessage(message.kind, message.route, Encode(closed), federation.coordinator_identity());
    return true;
  };

  const StudyId study = federation.RunningStudy();

  EXPECT_FALSE(federation.RunToEnd(study, 5));
  ASSERT_FALSE(federation.refusals().empty());
  EXPECT_EQ(federation.refusals().at(0).second, "query-not-derived");
  EXPECT_THAT(federation.View(study).reason, HasSubstr("site-0 refuses"));
}

// -- One question, one set of sites
// --------------------------------------------------------------------

/// A second study of the same question that starts without the last site.
StudyId SecondStudyWithoutTheLast(VirtualFederation& federation, FederationOptions options) {
  options.extra_plan_title = " again";
  const StudyId second = federation.Submit(LogisticPlanText(options));
  for (std::uint32_t i = 0; i + 1 < options.sites; ++i) {
    SiteEffects effects;
    EXPECT_TRUE(federation.site(i).Approve(second, federation.now(), effects));
    federation.Carry(i, effects);
  }
  federation.Settle();
  return second;
}

TEST(SameQuestionTest, IsRefusedForAnotherSetOfSites) {
  VirtualFederation federation({});
  ASSERT_TRUE(federation.RunToEnd(federation.RunningStudy()));
  const StudyId second = SecondStudyWithoutTheLast(federation, {});
  federation.Start(second);

  EXPECT_FALSE(federation.RunToEnd(second, 5));

  EXPECT_EQ(federation.refusals().at(0).second, "site-set-changed");
  EXPECT_THAT(federation.View(second).reason, HasSubstr("refuses"));
}

TEST(SameQuestionTest, IsAnsweredWhereEveryPolicyAllowsSiteLevel) {
  VirtualFederation federation({});
  ASSERT_TRUE(federation.RunToEnd(federation.RunningStudy()));
  Policy policy = MakePolicy(PolicyPreset::kStandard);
  policy.site_level = true;
  for (std::uint32_t i = 0; i < 4; ++i) federation.SetPolicy(i, policy);
  const StudyId second = SecondStudyWithoutTheLast(federation, {});
  federation.Start(second);

  EXPECT_TRUE(federation.RunToEnd(second)) << federation.View(second).reason;
}

TEST(SameQuestionTest, OfTwoStudiesAtOnceOnlyOneIsOpened) {
  VirtualFederation federation({});
  const StudyId first = federation.RunningStudy();
  std::optional<Bytes> quorum;  // Of the first study: confirmed there, not yet opened.
  bool second_is_open = false;
  federation.to_site = [&](std::uint32_t site, Bytes& bytes) {
    const OpenedMessage message = *OpenMessage(bytes);
    if (site != kVictim) return true;
    const bool closes = message.kind == MessageKind::kRoundClosed;
    if (message.route.study != first) {
      second_is_open = second_is_open || closes;
      return !second_is_open;
    }
    if (message.kind == MessageKind::kQuorum) quorum = bytes;
    return !quorum.has_value();
  };
  federation.Settle();
  ASSERT_TRUE(quorum.has_value());
  Policy policy = MakePolicy(PolicyPreset::kStandard);
  policy.site_level = true;
  for (std::uint32_t i = 1; i < 4; ++i) federation.SetPolicy(i, policy);
  const StudyId second = SecondStudyWithoutTheLast(federation, {});
  federation.Start(second);
  federation.Settle();
  ASSERT_TRUE(second_is_open) << federation.View(second).reason;

  EXPECT_EQ(Tell(federation, *quorum), "site-set-changed");
}

/// What a site would be asked if crp stood in the plan in this way.
Digest QuestionWith(const std::string& derived, const std::string& feature) {
  const std::string text =
      "[study]\ntitle = \"T\"\nrequested_by = \"R\"\nexpires = 2027-06-30\n"
      "[contract]\npatient = \"id\"\n"
      "[[contract.column]]\nname = \"ill\"\ntype = \"boolean\"\n"
      "[[contract.column]]\nname = \"crp\"\ntype = \"number\"\nrange = [0.1, 500]\n"
      "[[contract.derived]]\n" +
      derived + "[analysis]\nkind = \"logistic\"\noutcome = \"ill\"\nfeatures = [\"" + feature +
      "\"]\n";
  return QuestionDigest(ParsePlan(text, "plan.toml").value(), Query{{}});
}

TEST(SameQuestionTest, ADerivedColumnIsTheSameUnderAnotherName) {
  const Digest log = QuestionWith("name = \"x\"\nlog = \"crp\"\n", "x");
  EXPECT_EQ(QuestionWith("name = \"y\"\nlog = \"crp\"\n", "y"), log);
  EXPECT_NE(QuestionWith("name = \"x\"\nsquare = \"crp\"\n", "x"), log);
  const std::string spline = "name = \"x\"\nspline = \"crp\"\nknots = [1, 10, ";
  EXPECT_EQ(QuestionWith(spline + "100]\n", "x"), QuestionWith(spline + "1e2]\n", "x_1"));
  EXPECT_NE(QuestionWith(spline + "100]\n", "x"), QuestionWith(spline + "101]\n", "x"));
}

}  // namespace
}  // namespace consilium::testing
