// Covers coordinator/transport_keys.cc.

#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/coordinator/federation_results.h"
#include "tests/support/virtual_federation.h"

namespace consilium::testing {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::uint32_t kSite = 2;

TransportKey Another(unsigned char fill) {
  TransportKey key;
  key.bytes.fill(std::byte{fill});
  return key;
}

const Member& MemberOf(VirtualFederation& federation, const std::string& name) {
  return *federation.coordinator().roster().FindByName(name);
}

RotationRequest RequestOf(VirtualFederation& federation, const TransportKey& next) {
  const Member& member = MemberOf(federation, "site-2");
  return {federation.federation(), member.name, member.identity, member.transport, next};
}

Result<Member> Rotate(VirtualFederation& federation, const RotationRequest& request) {
  CoordinatorEffects effects;
  auto member = federation.coordinator().Rotate(request, federation.now(), effects);
  EXPECT_EQ(member.has_value(), !effects.empty()) << "an error changes nothing";
  federation.Carry(effects);
  return member;
}

/// The site comes back with its new key, as it does once it has seen it in the roster.
void ComeBackWith(VirtualFederation& federation, const TransportKey& key) {
  federation.Disconnect(kSite);
  federation.SetTransportKey(kSite, key);
  federation.Connect(kSite);
}

TEST(TransportKeysTest, AMemberKeepsItsNumberAndBothKeysLetItInUntilItUsesTheNewOne) {
  VirtualFederation federation({});
  federation.JoinAll();
  const Member before = MemberOf(federation, "site-2");
  const std::uint64_t version = federation.coordinator().admission_version();

  const auto member = Rotate(federation, RequestOf(federation, Another(1)));
  federation.Settle();

  ASSERT_TRUE(member) << Describe(member.error());
  EXPECT_EQ(member->id, before.id);
  EXPECT_EQ(MemberOf(federation, "site-2").transport, Another(1));
  EXPECT_GT(federation.coordinator().admission_version(), version);
  EXPECT_THAT(federation.coordinator().AdmittedKeys(), Contains(before.transport));
  EXPECT_THAT(federation.coordinator().AdmittedKeys(), Contains(Another(1)));
  EXPECT_EQ(federation.coordinator().KeyOf(before.id), before.transport);
  EXPECT_TRUE(federation.coordinator().Sites()[kSite].changes_key);
  EXPECT_EQ(federation.site(kSite).roster()->roster.Find(before.id)->transport, Another(1));

  ComeBackWith(federation, Another(1));
  federation.Settle();

  EXPECT_THAT(federation.coordinator().AdmittedKeys(), Not(Contains(before.transport)));
  EXPECT_EQ(federation.coordinator().KeyOf(before.id), Another(1));
  EXPECT_FALSE(federation.coordinator().Sites()[kSite].changes_key);
  EXPECT_TRUE(federation.coordinator().Sites()[kSite].connected);
}

TEST(TransportKeysTest, AStudyGoesOnToTheSameBitsOverAChangeInAnyRound) {
  FederationOptions options;
  for (int deliveries = 0; deliveries < 60; deliveries += 4) {
    VirtualFederation federation(options);
    int left = deliveries;
    bool changed = false;
    const StudyId study = federation.RunningStudy();
    federation.to_coordinator = [&](std::uint32_t, Bytes&) {
      if (left-- != 0) return true;
      EXPECT_TRUE(Rotate(federation, RequestOf(federation, Another(1))));
      changed = true;
      return true;
    };
    for (int turn = 0; turn < 50 && !changed; ++turn) federation.RunToEnd(study, 1);
    ASSERT_TRUE(changed);
    ComeBackWith(federation, Another(1));

    ASSERT_TRUE(federation.RunToEnd(study)) << federation.View(study).reason;
    EXPECT_EQ(TableOf(federation, study), PlainTable(federation, options, {0, 1, 2, 3}));
    EXPECT_TRUE(federation.refusals().empty());
  }
}

TEST(TransportKeysTest, WhatTheOldKeySaysIsNotHeardAnyMore) {
  VirtualFederation federation({});
  federation.JoinAll();
  const TransportKey old = MemberOf(federation, "site-2").transport;
  ASSERT_TRUE(Rotate(federation, RequestOf(federation, Another(1))));
  ComeBackWith(federation, Another(1));
  federation.Settle();
  const Bytes hello = federation.received().back().second;

  EXPECT_TRUE(federation.coordinator().OnMessage(federation.now(), old, hello).empty());
}

TEST(TransportKeysTest, BothKeysOutliveARestart) {
  VirtualFederation federation({});
  federation.JoinAll();
  const TransportKey old = MemberOf(federation, "site-2").transport;
  ASSERT_TRUE(Rotate(federation, RequestOf(federation, Another(1))));

  federation.CrashAndRestartCoordinator();
  EXPECT_THAT(federation.coordinator().AdmittedKeys(), Contains(old));
  EXPECT_THAT(federation.coordinator().AdmittedKeys(), Contains(Another(1)));

  ComeBackWith(federation, Another(1));
  federation.Settle();
  federation.CrashAndRestartCoordinator();
  EXPECT_THAT(federation.coordinator().AdmittedKeys(), Not(Contains(old)));
  EXPECT_THAT(federation.coordinator().AdmittedKeys(), Contains(Another(1)));
}

TEST(TransportKeysTest, ARevokedSiteComesInByNeitherKey) {
  VirtualFederation federation({});
  federation.JoinAll();
  const TransportKey old = MemberOf(federation, "site-2").transport;
  ASSERT_TRUE(Rotate(federation, RequestOf(federation, Another(1))));
  CoordinatorEffects effects;

  ASSERT_TRUE(federation.coordinator().Revoke("site-2", federation.now(), effects));
  federation.Carry(effects);

  EXPECT_THAT(federation.coordinator().AdmittedKeys(), Not(Contains(old)));
  EXPECT_THAT(federation.coordinator().AdmittedKeys(), Not(Contains(Another(1))));
  federation.CrashAndRestartCoordinator();
  EXPECT_EQ(federation.coordinator().AdmittedKeys().size(), 3U);
}

TEST(TransportKeysTest, RefusesARequestThatIsOldForeignOrTakesAnothersKey) {
  VirtualFederation federation({});
  federation.JoinAll();
  const RotationRequest good = RequestOf(federation, Another(1));
  const auto code = [&](const RotationRequest& request) {
    const auto member = Rotate(federation, request);
    return member ? std::optional<ErrorCode>() : member.error().code;
  };
  RotationRequest foreign = good;
  foreign.federation = FederationId{};
  RotationRequest other_identity = good;
  other_identity.identity = MemberOf(federation, "site-1").identity;
  RotationRequest taken = good;
  taken.next = MemberOf(federation, "site-1").transport;
  RotationRequest same = good;
  same.next = good.present;
  RotationRequest of_an_older_key = good;
  of_an_older_key.present = Another(9);

  for (const RotationRequest& bad : {foreign, other_identity, taken, same, of_an_older_key}) {
    EXPECT_EQ(code(bad), ErrorCode::kRefused);
  }
  EXPECT_EQ(code(good), std::nullopt);
  EXPECT_EQ(code(RequestOf(federation, Another(2))), ErrorCode::kConflict) << "one at a time";
  ComeBackWith(federation, Another(1));
  federation.Settle();
  EXPECT_EQ(code(good), ErrorCode::kRefused) << "a request is of use once";
  EXPECT_EQ(code(RequestOf(federation, Another(2))), std::nullopt);
}

TEST(TransportKeysTest, NobodyJoinsWithAKeyThatAMemberStillConnectsWith) {
  VirtualFederation federation({});
  federation.JoinAll();
  const TransportKey old = MemberOf(federation, "site-2").transport;
  ASSERT_TRUE(Rotate(federation, RequestOf(federation, Another(1))));
  CoordinatorEffects effects;
  const Invitation invitation = *ReadInvitation(
      *federation.coordinator().Invite("north", federation.now(), effects), "invitation");
  federation.Carry(effects);
  SeededRandom random(5);
  const SigningKey identity = SigningKey::Generate(random);
  const JoinRequest request{invitation.federation, "north", identity.public_key(), old,
                            invitation.token};
  CoordinatorEffects of_admission;

  const auto admitted = federation.coordinator().Admit(request, federation.now(), of_admission);

  ASSERT_FALSE(admitted);
  EXPECT_EQ(admitted.error().code, ErrorCode::kRefused);
  EXPECT_THAT(admitted.error().message, HasSubstr("site 'site-2' already uses"));
  EXPECT_TRUE(of_admission.empty());
}

}  // namespace
}  // namespace consilium::testing
