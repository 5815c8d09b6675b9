// A coordinator that lies, with its own valid signing key: each lie is refused by its name, the
// site's durable state stays as it was, and the study still ends with the right numbers once the
// lie stops.

#include <functional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/virtual_federation.h"

namespace consilium::testing {
namespace {

using ::testing::Contains;
using ::testing::Pair;

constexpr std::uint32_t kVictim = 1;

std::string StateOf(VirtualFederation& federation, std::uint32_t site) {
  std::string state;
  for (const char* table : {"study", "sum", "answered", "ledger", "roster", "receipt"}) {
    const std::vector<Record> records = *federation.site_store(site).Load(table);
    for (const Record& record : records) {
      state += ToHex(record.key) + ToHex(record.value);
    }
  }
  return state;
}

/// Alters the first message of `kind` to the victim, as the coordinator could.
template <class Body>
void LieOnce(VirtualFederation& federation,
             MessageKind kind,
             const std::function<void(Body&, Route&)>& alter) {
  auto done = std::make_shared<bool>(false);
  federation.to_site = [&federation, kind, alter, done](std::uint32_t site, Bytes& message) {
    const OpenedMessage opened = *OpenMessage(message);
    if (*done || site != kVictim || opened.kind != kind) return true;
    *done = true;
    Body body = *Decode<Body>(opened.body);
    Route route = opened.route;
    alter(body, route);
    const std::string before = StateOf(federation, kVictim);
    federation.Deliver(kVictim,
                       SealMessage(kind, route, Encode(body), federation.coordinator_identity()));
    EXPECT_EQ(StateOf(federation, kVictim), before) << "a refused message changed the state";
    return true;  // The honest message follows.
  };
}

template <class Body>
void ExpectNamed(MessageKind kind,
                 RefusalReason reason,
                 const std::function<void(Body&, Route&)>& alter,
                 FederationOptions options = {}) {
  VirtualFederation federation(options);
  LieOnce<Body>(federation, kind, alter);
  const StudyId study = federation.RunningStudy();
  bool finished = federation.RunToEnd(study);
  if (!finished) {
    CoordinatorEffects effects;
    ASSERT_TRUE(federation.coordinator().Resume(study, federation.now(), effects));
    for (const CoordinatorEffect& effect : effects) {
      const auto* persist = std::get_if<Persist>(&effect);
      if (persist != nullptr) {
        ASSERT_TRUE(federation.coordinator_store().Apply(persist->changes));
      }
    }
    federation.CrashAndRestartCoordinator();
    finished = federation.RunToEnd(study);
  }
  EXPECT_THAT(federation.refusals(), Contains(Pair(kVictim, std::string(Name(reason)))));
  EXPECT_TRUE(finished) << federation.View(study).reason;
}

TEST(LyingCoordinatorTest, SwappedKeysOfAPeer) {
  ExpectNamed<RoundStart>(MessageKind::kRoundStart, RefusalReason::kPrekeyForged,
                          [](RoundStart& start, Route&) {
                            SeededRandom random(5);
                            start.participants[0].prekey = GeneratePrekey(random).prekey;
                          });
}

TEST(LyingCoordinatorTest, LoweredThresholds) {
  ExpectNamed<RoundStart>(MessageKind::kRoundStart, RefusalReason::kThresholdsAltered,
                          [](RoundStart& start, Route&) { --start.thresholds.shares; });
  ExpectNamed<RoundStart>(MessageKind::kRoundStart, RefusalReason::kThresholdsAltered,
                          [](RoundStart& start, Route&) { --start.thresholds.quorum; });
}

TEST(LyingCoordinatorTest, LoweredMinimum) {
  FederationOptions options;
  options.minimum_sites = 4;
  ExpectNamed<RoundStart>(
      MessageKind::kRoundStart, RefusalReason::kMinimumLowered,
      [](RoundStart& start, Route&) { start.thresholds.minimum = 3; }, options);
}

TEST(LyingCoordinatorTest, AnotherModelForOneSite) {
  ExpectNamed<RoundStart>(
      MessageKind::kRoundStart, RefusalReason::kQueryNotDerived,
      [](RoundStart& start, Route&) { start.query_hash.bytes[7] ^= std::byte{1}; });
}

TEST(LyingCoordinatorTest, AParticipantNobodyKnows) {
  ExpectNamed<RoundStart>(
      MessageKind::kRoundStart, RefusalReason::kUnknownParticipant,
      [](RoundStart& start, Route&) { start.participants.back().site = SiteId(99); });
}

TEST(LyingCoordinatorTest, AnOldRoster) {
  ExpectNamed<RoundStart>(MessageKind::kRoundStart, RefusalReason::kRosterRolledBack,
                          [](RoundStart& start, Route&) { start.roster_epoch = RosterEpoch(1); });
}

TEST(LyingCoordinatorTest, AForeignOrUnsignedRoster) {
  ExpectNamed<Welcome>(MessageKind::kWelcome, RefusalReason::kRosterForged,
                       [](Welcome& welcome, Route&) {
                         SeededRandom random(6);
                         const SigningKey stranger = SigningKey::Generate(random);
                         SignedRoster roster = *Decode<SignedRoster>(welcome.roster);
                         welcome.roster = Encode(SignRoster(roster.roster, stranger));
                       });
}

/// Its keys may have been stolen: who comes back is admitted under another number.
TEST(LyingCoordinatorTest, AMemberThatWasRevoked) {
  VirtualFederation federation({});
  federation.JoinAll();
  CoordinatorEffects effects;
  ASSERT_TRUE(federation.coordinator().Revoke("site-2", federation.now(), effects));
  federation.Carry(effects);
  federation.Settle();
  Roster roster = federation.coordinator().roster();
  roster.epoch = RosterEpoch(roster.epoch.value() + 1);
  ASSERT_EQ(roster.members[2].state, MemberState::kRevoked);
  roster.members[2].state = MemberState::kActive;
  const Welcome welcome{Encode(SignRoster(roster, federation.coordinator_identity())), {}};
  const std::string before = StateOf(federation, kVictim);

  federation.Deliver(kVictim,
                     SealMessage(MessageKind::kWelcome, Route{federation.federation(), {}, {}, {}},
                                 Encode(welcome), federation.coordinator_identity()));
  federation.Settle();

  EXPECT_EQ(StateOf(federation, kVictim), before);
  EXPECT_THAT(federation.refusals(), Contains(Pair(kVictim, "roster-changes-a-member")));
}

TEST(LyingCoordinatorTest, AReceiptItCouldDisown) {
  ExpectNamed<Welcome>(MessageKind::kWelcome, RefusalReason::kNotSignedByCoordinator,
                       [](Welcome& welcome, Route&) { ++welcome.receipt.head.records; });
}

TEST(LyingCoordinatorTest, AChangedPlan) {
  ExpectNamed<StudyOffer>(MessageKind::kStudyOffer, RefusalReason::kPlanChanged,
                          [](StudyOffer& offer, Route&) {
                            const std::size_t at = offer.plan_text.find("minimum_patients = 10");
                            offer.plan_text.replace(at, 21, "minimum_patients = 11");
                          });
}

TEST(LyingCoordinatorTest, AnEquivocatingDelivery) {
  FederationOptions options;
  options.sites = 5;
  options.on_loss = "continue";
  ExpectNamed<Survivors>(
      MessageKind::kSurvivors, RefusalReason::kHeaderForged,
      [](Survivors& survivors, Route&) {
        survivors.headers[0].header.delivery_root.bytes[0] ^= std::byte{1};
      },
      options);
}

TEST(LyingCoordinatorTest, TooFewSurvivors) {
  FederationOptions options;
  options.sites = 5;
  options.on_loss = "continue";
  ExpectNamed<Survivors>(
      MessageKind::kSurvivors, RefusalReason::kSurvivorsTooFew,
      [](Survivors& survivors, Route&) { survivors.headers.resize(2); }, options);
}

TEST(LyingCoordinatorTest, AQuorumThatIsNone) {
  ExpectNamed<Quorum>(MessageKind::kQuorum, RefusalReason::kQuorumTooSmall,
                      [](Quorum& quorum, Route&) { quorum.signatures.pop_back(); });
  ExpectNamed<Quorum>(
      MessageKind::kQuorum, RefusalReason::kQuorumForged,
      [](Quorum& quorum, Route&) { quorum.signatures[0].signature.bytes[3] ^= std::byte{1}; });
}

TEST(LyingCoordinatorTest, AReplayedRound) {
  FederationOptions options;
  VirtualFederation federation(options);
  std::vector<Bytes> starts;
  federation.to_site = [&](std::uint32_t site, Bytes& message) {
    if (site == kVictim && OpenMessage(message)->kind == MessageKind::kRoundStart) {
      starts.push_back(message);
    }
    return true;
  };
  const StudyId study = federation.RunningStudy();
  ASSERT_TRUE(federation.RunToEnd(study));
  const std::string before = StateOf(federation, kVictim);

  for (const Bytes& start : starts) federation.Deliver(kVictim, start);

  EXPECT_THAT(federation.refusals(),
              Contains(Pair(kVictim, std::string(Name(RefusalReason::kRoundReplayed)))));
  EXPECT_EQ(StateOf(federation, kVictim), before);
}

TEST(LyingCoordinatorTest, ASecondSurvivorSetAlsoAcrossARestartOfTheSite) {
  for (const bool restarts : {false, true}) {
    FederationOptions options;
    options.sites = 5;
    options.on_loss = "continue";
    VirtualFederation federation(options);
    bool lied = false;
    federation.to_site = [&](std::uint32_t site, Bytes& message) {
      const OpenedMessage opened = *OpenMessage(message);
      if (lied || site != kVictim || opened.kind != MessageKind::kSurvivors) return true;
      lied = true;
      const Bytes honest = message;
      federation.Deliver(kVictim, honest);  // Confirmed: the one transcript of this session.
      if (restarts) federation.CrashAndRestartSite(kVictim);
      Survivors fewer = *Decode<Survivors>(opened.body);
      fewer.headers.pop_back();
      const std::string before = StateOf(federation, kVictim);
      federation.Deliver(kVictim, SealMessage(MessageKind::kSurvivors, opened.route, Encode(fewer),
                                              federation.coordinator_identity()));
      EXPECT_EQ(StateOf(federation, kVictim), before);
      return false;
    };
    const StudyId study = federation.RunningStudy();
    EXPECT_TRUE(federation.RunToEnd(study)) << federation.View(study).reason;
    const RefusalReason expected =
        restarts ? RefusalReason::kNoSuchSession : RefusalReason::kSecondSurvivorSet;
    EXPECT_THAT(federation.refusals(), Contains(Pair(kVictim, std::string(Name(expected)))));
  }
}

TEST(LyingCoordinatorTest, NotSignedByTheCoordinator) {
  VirtualFederation federation({});
  SeededRandom random(7);
  const SigningKey stranger = SigningKey::Generate(random);
  const StudyId study = federation.RunningStudy();
  federation.Deliver(
      kVictim, SealMessage(MessageKind::kStudyNotice, Route{federation.federation(), study, {}, {}},
                           Encode(StudyNotice{StudyState::kStopped, "x"}), stranger));

  EXPECT_THAT(federation.refusals(),
              Contains(Pair(kVictim, std::string(Name(RefusalReason::kNotSignedByCoordinator)))));
  EXPECT_TRUE(federation.RunToEnd(study));
}

TEST(LyingCoordinatorTest, TheSameQuestionForAnotherSetOfSites) {
  FederationOptions options;
  options.sites = 5;
  options.on_loss = "continue";
  VirtualFederation federation(options);
  ASSERT_TRUE(federation.RunToEnd(federation.RunningStudy()));
  FederationOptions again = options;
  again.extra_plan_title = ", again";
  const StudyId second = federation.Submit(LogisticPlanText(again));
  federation.ApproveAll(second);
  federation.Disconnect(4);
  federation.Start(second);

  EXPECT_FALSE(federation.RunToEnd(second, 8));

  EXPECT_THAT(federation.refusals(),
              Contains(Pair(kVictim, std::string(Name(RefusalReason::kSiteSetChanged)))));
}

}  // namespace
}  // namespace consilium::testing
