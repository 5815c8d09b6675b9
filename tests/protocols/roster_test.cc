#include "protocols/roster.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace consilium {
namespace {

SigningKey KeyOf(std::uint64_t seed) {
  SeededRandom random(seed);
  return SigningKey::Generate(random);
}

TransportKey TransportOf(unsigned char fill) {
  TransportKey key;
  key.bytes.fill(std::byte{fill});
  return key;
}

Member AMember(std::uint32_t id, std::string name) {
  Member member;
  member.id = SiteId(id);
  member.name = std::move(name);
  member.identity = KeyOf(100 + id).public_key();
  member.transport = TransportOf(static_cast<unsigned char>(id));
  return member;
}

Roster ARoster() {
  Roster roster;
  roster.federation = FederationOf(KeyOf(1).public_key());
  roster.federation_name = "cardio";
  roster.epoch = RosterEpoch(3);
  roster.issued_at = UtcSeconds{1'780'000'000};
  roster.members = {AMember(1, "basel"), AMember(2, "budapest"), AMember(5, "cleveland")};
  return roster;
}

bool Accepted(Roster roster) {
  const SigningKey coordinator = KeyOf(1);
  return VerifyRoster(SignRoster(std::move(roster), coordinator), coordinator.public_key());
}

TEST(RosterTest, VerifiesWhatItsCoordinatorSigned) { EXPECT_TRUE(Accepted(ARoster())); }

TEST(RosterTest, SurvivesTheWire) {
  const SignedRoster sent = SignRoster(ARoster(), KeyOf(1));

  const Result<SignedRoster> received = Decode<SignedRoster>(Encode(sent));

  ASSERT_TRUE(received.has_value());
  EXPECT_EQ(received->roster.members, sent.roster.members);
  EXPECT_TRUE(VerifyRoster(*received, KeyOf(1).public_key()));
}

TEST(RosterTest, AFullOneWithTheLongestNamesFitsAWelcome) {
  Roster roster = ARoster();
  roster.federation_name = std::string(kMaxNameLength, 'f');
  roster.members.assign(kMaxMembers, AMember(1, std::string(kMaxNameLength, 'n')));

  EXPECT_LE(Encode(SignRoster(std::move(roster), KeyOf(1))).size(), kMaxRosterBytes);
}

TEST(RosterTest, FindsMembersByTheirNumbers) {
  const Roster roster = ARoster();

  for (const std::uint32_t id : {1U, 2U, 5U}) EXPECT_EQ(roster.Find(SiteId(id))->id, SiteId(id));
  for (const std::uint32_t id : {0U, 3U, 6U}) EXPECT_EQ(roster.Find(SiteId(id)), nullptr) << id;
}

TEST(RosterTest, RefusesAnotherCoordinatorsSignature) {
  const SignedRoster forged = SignRoster(ARoster(), KeyOf(2));

  EXPECT_FALSE(VerifyRoster(forged, KeyOf(1).public_key()));
  EXPECT_FALSE(
      VerifyRoster(forged, KeyOf(2).public_key()));  // It names coordinator 1's federation.
}

TEST(RosterTest, RefusesEveryChangedByte) {
  const Bytes good = Encode(SignRoster(ARoster(), KeyOf(1)));
  for (std::size_t i = 0; i < good.size(); ++i) {
    Bytes bad = good;
    bad[i] ^= std::byte{1};
    const Result<SignedRoster> decoded = Decode<SignedRoster>(bad);
    EXPECT_FALSE(decoded && VerifyRoster(*decoded, KeyOf(1).public_key())) << "byte " << i;
  }
}

TEST(RosterTest, RefusesMembersOutOfOrderOrTwice) {
  Roster swapped = ARoster();
  std::swap(swapped.members[0], swapped.members[1]);
  EXPECT_FALSE(Accepted(swapped));

  Roster repeated = ARoster();
  repeated.members[1].id = repeated.members[0].id;
  EXPECT_FALSE(Accepted(repeated));

  Roster zero = ARoster();
  zero.members[0].id = SiteId();
  EXPECT_FALSE(Accepted(zero));
}

TEST(RosterTest, RefusesTwoActiveMembersWithOneNameOrKey) {
  Roster name = ARoster();
  name.members[2].name = "basel";
  EXPECT_FALSE(Accepted(name));

  Roster identity = ARoster();
  identity.members[2].identity = identity.members[0].identity;
  EXPECT_FALSE(Accepted(identity));

  Roster transport = ARoster();
  transport.members[2].transport = transport.members[0].transport;
  EXPECT_FALSE(Accepted(transport));
}

TEST(RosterTest, LetsANewMemberTakeARevokedMembersName) {
  Roster roster = ARoster();
  roster.members[0].state = MemberState::kRevoked;
  roster.members[2].name = "basel";

  EXPECT_TRUE(Accepted(roster));
  EXPECT_EQ(roster.FindByName("basel")->id, SiteId(5));
}

TEST(RosterTest, RefusesEpochZeroAndUnprintableNames) {
  Roster epoch = ARoster();
  epoch.epoch = RosterEpoch(0);
  EXPECT_FALSE(Accepted(epoch));

  Roster name = ARoster();
  name.members[1].name = "buda\x1b[2Jpest";
  EXPECT_FALSE(Accepted(name));
}

TEST(RosterTest, FindsMembersByEachOfTheirMarks) {
  Roster roster = ARoster();
  roster.members[1].state = MemberState::kRevoked;

  EXPECT_EQ(roster.Find(SiteId(5))->name, "cleveland");
  EXPECT_EQ(roster.Find(SiteId(4)), nullptr);
  EXPECT_EQ(roster.FindByName("budapest")->id, SiteId(2));
  EXPECT_EQ(roster.FindByName("zurich"), nullptr);
  EXPECT_EQ(roster.FindByTransportKey(TransportOf(1))->id, SiteId(1));
  EXPECT_EQ(roster.FindByTransportKey(TransportOf(9)), nullptr);
  EXPECT_TRUE(roster.IsActive(SiteId(1)));
  EXPECT_FALSE(roster.IsActive(SiteId(2)));
  EXPECT_FALSE(roster.IsActive(SiteId(4)));
}

TEST(FingerprintTest, HasEightGroupsAndCoversBothKeys) {
  const IdentityKey identity = KeyOf(7).public_key();
  const std::string fingerprint = Fingerprint(identity, TransportOf(1));

  EXPECT_THAT(fingerprint, ::testing::MatchesRegex("([0-9a-f]{4}-){7}[0-9a-f]{4}"));
  EXPECT_TRUE(IsFingerprint(fingerprint));
  EXPECT_FALSE(IsFingerprint(fingerprint.substr(1)));
  EXPECT_FALSE(IsFingerprint("g" + fingerprint.substr(1)));
  EXPECT_FALSE(IsFingerprint("charite"));
  EXPECT_NE(fingerprint, Fingerprint(identity, TransportOf(2)));
  EXPECT_NE(fingerprint, Fingerprint(KeyOf(8).public_key(), TransportOf(1)));
}

TEST(FederationOfTest, DiffersBetweenCoordinators) {
  EXPECT_EQ(FederationOf(KeyOf(1).public_key()), FederationOf(KeyOf(1).public_key()));
  EXPECT_NE(FederationOf(KeyOf(1).public_key()), FederationOf(KeyOf(2).public_key()));
}

TEST(CheckNameTest, TakesPlainNamesOnly) {
  for (const char* name : {"a", "Basel-2", "st.gallen", "7th_house"}) {
    EXPECT_TRUE(CheckName("site", name)) << name;
  }
  EXPECT_TRUE(CheckName("site", std::string(64, 'x')));
  for (const char* name : {"", "-a", ".a", "_a", "a b", "a/b", "a\n", "k\xc3\xb6ln"}) {
    EXPECT_FALSE(CheckName("site", name)) << name;
  }
  EXPECT_FALSE(CheckName("site", std::string(65, 'x')));
  EXPECT_FALSE(CheckName("site", std::string_view("a\0b", 3)));
}

}  // namespace
}  // namespace consilium
