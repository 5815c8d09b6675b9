#include "protocols/common_knowledge.h"

#include <gtest/gtest.h>

#include "tests/support/sum_fixture.h"

namespace consilium {
namespace {

SignedRoster RosterOf(std::uint64_t epoch) {
  SignedRoster roster;
  roster.roster.epoch = RosterEpoch(static_cast<std::uint32_t>(epoch));
  roster.roster.members = {Member{SiteId(1), "north", {}, {}, MemberState::kActive}};
  return roster;
}

TEST(CommonKnowledgeTest, EqualRostersAreOneObject) {
  CommonKnowledge common;

  const auto one = common.Share(RosterOf(2));
  const auto same = common.Share(RosterOf(2));
  const auto other = common.Share(RosterOf(3));
  SignedRoster resigned = RosterOf(2);
  resigned.signature.bytes[0] = std::byte{1};
  const auto signed_otherwise = common.Share(std::move(resigned));

  EXPECT_EQ(one, same);
  EXPECT_NE(one, other);
  EXPECT_NE(one, signed_otherwise);
  EXPECT_EQ(other->roster.epoch, RosterEpoch(3));
}

TEST(CommonKnowledgeTest, ARosterIsGenuineForItsCoordinatorAlone) {
  CommonKnowledge common;
  const SigningKey key = SigningKey::FromSeed(SecretKey32());
  SeededRandom random(1);
  const SigningKey stranger = SigningKey::Generate(random);
  Roster roster = RosterOf(2).roster;
  roster.federation = FederationOf(key.public_key());
  roster.federation_name = "heart";
  const SignedRoster genuine = SignRoster(roster, key);
  SignedRoster altered = genuine;
  altered.roster.members.front().name = "south";
  ASSERT_TRUE(VerifyRoster(genuine, key.public_key()));

  for (int i = 0; i < 2; ++i) {
    EXPECT_TRUE(common.Verify(genuine, key.public_key()));
    EXPECT_FALSE(common.Verify(genuine, stranger.public_key()));
    EXPECT_FALSE(common.Verify(altered, key.public_key()));
  }
  EXPECT_EQ(common.verified(), 3U);
}

TEST(CommonKnowledgeTest, HoldsNothingThatNobodyHolds) {
  CommonKnowledge common;
  std::weak_ptr<const SignedRoster> seen;
  {
    const auto roster = common.Share(RosterOf(2));
    seen = roster;
  }

  EXPECT_TRUE(seen.expired());
  EXPECT_EQ(common.Share(RosterOf(2))->roster.epoch, RosterEpoch(2));
}

TEST(CommonKnowledgeTest, SetupsThatDifferInAnythingAreTwo) {
  const SumFixture fixture(4);
  CommonKnowledge common;
  const auto setup = common.Share(fixture.setup());
  EXPECT_EQ(common.Share(fixture.setup()), setup);

  const auto differs = [&](const auto& change) {
    SessionSetup other = fixture.setup();
    change(other);
    return common.Share(std::move(other)) != setup;
  };

  EXPECT_TRUE(differs([](SessionSetup& other) { other.route.round = RoundNumber(77); }));
  EXPECT_TRUE(differs([](SessionSetup& other) { other.start.roster_epoch = RosterEpoch(77); }));
  EXPECT_TRUE(differs(
      [](SessionSetup& other) { other.start.participants[2].signature.bytes[3] ^= std::byte{1}; }));
  EXPECT_TRUE(differs([](SessionSetup& other) { other.codec.bytes[3] ^= std::byte{1}; }));
  EXPECT_TRUE(differs([](SessionSetup& other) { ++other.words; }));
  EXPECT_TRUE(differs([](SessionSetup& other) { ++other.own_minimum; }));
  EXPECT_TRUE(differs([&](SessionSetup& other) { other.identities.erase(fixture.id(3)); }));
  EXPECT_TRUE(differs(
      [&](SessionSetup& other) { other.identities.at(fixture.id(3)).bytes[0] ^= std::byte{1}; }));
  EXPECT_TRUE(differs([](SessionSetup& other) { other.sketch_nonce[3] ^= std::byte{1}; }));
  EXPECT_TRUE(differs([](SessionSetup& other) { other.check.emplace(); }));
}

TEST(CommonKnowledgeTest, SetupsWhoseChecksDifferInAnythingAreTwo) {
  const SumFixture fixture(4);
  CommonKnowledge common;
  SessionSetup checked = fixture.setup();
  checked.check = NormCheck{3, Slot{Encoding::kReal, 5, 1.5, 7, 0.25, 9}, 2.5, 4};
  const auto setup = common.Share(checked);
  EXPECT_EQ(common.Share(checked), setup);

  const auto differs = [&](const auto& change) {
    SessionSetup other = checked;
    change(*other.check);
    return common.Share(std::move(other)) != setup;
  };

  EXPECT_TRUE(differs([](NormCheck& other) { ++other.first_word; }));
  EXPECT_TRUE(differs([](NormCheck& other) { other.slot.encoding = Encoding::kShort; }));
  EXPECT_TRUE(differs([](NormCheck& other) { ++other.slot.count; }));
  EXPECT_TRUE(differs([](NormCheck& other) { other.slot.bound *= 2; }));
  EXPECT_TRUE(differs([](NormCheck& other) { ++other.slot.dither; }));
  EXPECT_TRUE(differs([](NormCheck& other) { other.slot.step *= 2; }));
  EXPECT_TRUE(differs([](NormCheck& other) { ++other.slot.noise; }));
  EXPECT_TRUE(differs([](NormCheck& other) { other.bound *= 2; }));
  EXPECT_TRUE(differs([](NormCheck& other) { ++other.sites; }));
}

class CommonSignatureTest : public ::testing::Test {
 protected:
  bool Verify(MessageKind kind,
              const Route& route,
              ByteSpan body,
              const Signature& signature,
              std::size_t signer) {
    return common_.Verify(kind, route, body, signature,
                          fixture_.site(signer).identity.public_key());
  }

  SumFixture fixture_{4};
  CommonKnowledge common_;
};

TEST_F(CommonSignatureTest, AnswersAsTheVerificationItself) {
  const Route& route = fixture_.setup().route;
  const Bytes body = Encode(Confirmation{HashBytes(ToBytes("transcript"))});
  const Signature signature =
      fixture_.Sign(1, MessageKind::kConfirmation, Confirmation{HashBytes(ToBytes("transcript"))});

  // Twice each: the second answer is remembered.
  for (int i = 0; i < 2; ++i) {
    EXPECT_TRUE(Verify(MessageKind::kConfirmation, route, body, signature, 1));
    EXPECT_FALSE(Verify(MessageKind::kConfirmation, route, body, signature, 2));
    EXPECT_FALSE(Verify(MessageKind::kUploadHeader, route, body, signature, 1));
    Route other = route;
    other.attempt = AttemptNumber(99);
    EXPECT_FALSE(Verify(MessageKind::kConfirmation, other, body, signature, 1));
    Bytes altered = body;
    altered[5] ^= std::byte{1};
    EXPECT_FALSE(Verify(MessageKind::kConfirmation, route, altered, signature, 1));
    Signature forged = signature;
    forged.bytes[40] ^= std::byte{1};
    EXPECT_FALSE(Verify(MessageKind::kConfirmation, route, body, forged, 1));
  }
  EXPECT_EQ(common_.verified(), 6U);
}

TEST_F(CommonSignatureTest, ASessionRefusesForgeriesWithIt) {
  SessionSetup setup = fixture_.setup();
  setup.common = &common_;
  ASSERT_TRUE(fixture_.TryBegin(0, setup).has_value());
  EXPECT_EQ(common_.verified(), 3U);  // The other sites' keys.
  ASSERT_TRUE(fixture_.TryBegin(1, setup).has_value());
  EXPECT_EQ(common_.verified(), 4U);

  setup.start.participants[2].signature.bytes[0] ^= std::byte{1};
  const auto refused = fixture_.TryBegin(0, setup);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().reason, RefusalReason::kPrekeyForged);
}

}  // namespace
}  // namespace consilium
