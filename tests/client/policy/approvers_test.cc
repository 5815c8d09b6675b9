#include "client/policy/approvers.h"

#include <functional>
#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/policy/policy.h"

namespace consilium {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

SigningKey KeyOf(std::uint64_t seed) {
  SeededRandom random(seed);
  return SigningKey::Generate(random);
}

ApprovalPlace APlace() {
  ApprovalPlace place;
  place.federation.bytes[0] = std::byte{1};
  place.site.bytes[0] = std::byte{2};
  place.study.bytes[0] = std::byte{3};
  return place;
}

ApprovalSignature Signed() {
  ApprovalSignature approval;
  approval.name = "Anna Keller";
  approval.at = UtcSeconds{1'790'000'000};
  approval.reason = "The board agreed";
  approval.last_day = 20'800;
  SignApproval(APlace(), KeyOf(1), approval);
  return approval;
}

std::string Hex(std::uint64_t seed) { return KeyOf(seed).public_key().ToHex(); }

std::string ErrorFor(const std::string& policy) {
  const Result<Policy> parsed = ParsePolicy("preset = \"standard\"\n" + policy, "policy.toml");
  return parsed ? "none" : Describe(parsed.error());
}

TEST(ApprovalSignatureTest, HoldsForItsOwnWordsOnly) {
  ASSERT_TRUE(VerifyApproval(APlace(), Signed()));
  const std::vector<std::function<void(ApprovalPlace&, ApprovalSignature&)>> changes = {
      [](auto& place, auto&) { place.federation.bytes[5] ^= std::byte{1}; },
      [](auto& place, auto&) { place.site.bytes[5] ^= std::byte{1}; },
      [](auto& place, auto&) { place.study.bytes[5] ^= std::byte{1}; },
      [](auto&, auto& approval) { approval.kind = ApprovalKind::kRenew; },
      [](auto&, auto& approval) { approval.name = "Anna Kellers"; },
      [](auto&, auto& approval) { approval.key = KeyOf(2).public_key(); },
      [](auto&, auto& approval) { ++approval.at.seconds; },
      [](auto&, auto& approval) { approval.reason.clear(); },
      [](auto&, auto& approval) { ++approval.last_day; },
      [](auto&, auto& approval) { approval.signature.bytes[9] ^= std::byte{1}; }};
  for (std::size_t i = 0; i < changes.size(); ++i) {
    ApprovalPlace place = APlace();
    ApprovalSignature approval = Signed();
    changes[i](place, approval);
    EXPECT_FALSE(VerifyApproval(place, approval)) << i;
  }
}

TEST(ApprovalSignatureTest, KeepsItsBytesInStorage) {
  const auto read = Decode<ApprovalSignature>(Encode(Signed()));
  ASSERT_TRUE(read);
  EXPECT_TRUE(VerifyApproval(APlace(), *read));
}

TEST(ApprovalSignatureTest, HasAMeaningThatCanBeReadBack) {
  for (const ApprovalKind kind : {ApprovalKind::kApprove, ApprovalKind::kRenew}) {
    EXPECT_EQ(*KindOfMeaning(MeaningOf(kind)), kind);
  }
  EXPECT_FALSE(KindOfMeaning("I have not looked at it."));
}

TEST(ApprovalTimeTest, ASignatureIsTakenSoonAfterItWasGivenAndAfterTheLastDecision) {
  const UtcSeconds now{1'000'000};
  const auto timely = [now](std::int64_t given, std::optional<std::int64_t> decided) {
    return IsTimely(UtcSeconds{given}, now,
                    decided ? std::optional(UtcSeconds{*decided}) : std::nullopt);
  };
  EXPECT_TRUE(timely(1'000'000, {}));
  EXPECT_TRUE(timely(999'700, {}));
  EXPECT_FALSE(timely(999'699, {}));
  EXPECT_FALSE(timely(1'000'001, {}));
  EXPECT_TRUE(timely(999'900, 999'899));
  EXPECT_FALSE(timely(999'900, 999'900));
  EXPECT_TRUE(timely(1'000'001, 1'000'000)) << "decided within this second";
  EXPECT_FALSE(timely(1'000'002, 1'000'000));
  EXPECT_TRUE(timely(1'000'004, 1'000'003));
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
  constexpr std::int64_t kLeast = std::numeric_limits<std::int64_t>::min();
  EXPECT_FALSE(timely(kLeast, {}));
  EXPECT_FALSE(timely(kMost, {}));
  EXPECT_FALSE(timely(kMost, kLeast));
  EXPECT_FALSE(timely(kMost, kMost));
  EXPECT_FALSE(IsTimely(UtcSeconds{kLeast}, UtcSeconds{kMost}, {}));
}

TEST(ApprovalTimeTest, ADecisionIsLaterThanTheLastOneAndNoOlderThanItsSignatures) {
  EXPECT_EQ(DecisionTime(UtcSeconds{100}, {}, {}), UtcSeconds{100});
  EXPECT_EQ(DecisionTime(UtcSeconds{100}, UtcSeconds{99}, UtcSeconds{100}), UtcSeconds{100});
  EXPECT_EQ(DecisionTime(UtcSeconds{100}, UtcSeconds{100}, {}), UtcSeconds{101});
  EXPECT_EQ(DecisionTime(UtcSeconds{100}, UtcSeconds{102}, UtcSeconds{250}), UtcSeconds{250});
  EXPECT_EQ(NewestOf({}), std::nullopt);
}

TEST(ApproverTest, ProvesNameAndKeyForOneSite) {
  const ApprovalPlace place = APlace();
  ApproverRecord approver{"Anna Keller", KeyOf(1).public_key(), {}, {}};
  approver.proof = ProveApprover(place.federation, place.site, approver.name, KeyOf(1));
  EXPECT_TRUE(VerifyApprover(place.federation, place.site, approver));
  EXPECT_FALSE(VerifyApprover(place.federation, KeyOf(9).public_key(), approver));
  approver.name = "Somebody Else";
  EXPECT_FALSE(VerifyApprover(place.federation, place.site, approver));
}

TEST(ApproverTest, HasANameThatFitsAFileAndALine) {
  for (const char* name : {"Anna Keller", "Dr. A. M\xc3\xbcller", "o'neill-2", "A"}) {
    EXPECT_TRUE(CheckPersonName(name)) << name;
  }
  for (const char* name : {"", " Anna", "Anna ", ".hidden", "-rf", "a/b", "../key", "a\"b", "a\nb",
                           "a\\b", "Anna.", "Anna\xe2\x80\xae", "a\xc2\x9b", "\xff"}) {
    EXPECT_FALSE(CheckPersonName(name)) << name;
  }
  EXPECT_FALSE(CheckPersonName(std::string(65, 'a')));
  EXPECT_FALSE(CheckReason("a\nb"));
  EXPECT_FALSE(CheckReason("agreed\xe2\x80\xae"));
  EXPECT_FALSE(CheckReason(std::string(501, 'a')));
}

TEST(ApproverTest, DaysAreCountedAsDatesAre) {
  EXPECT_EQ(ToText(DayOf(DaysSinceEpoch({2027, 6, 30}))), "2027-06-30");
}

TEST(ApprovalRulesTest, NobodyHasToSignUnlessThePolicySaysSo) {
  EXPECT_EQ(ParsePolicy("preset = \"strict\"\n", "policy.toml")->approval.needed, 0U);
  EXPECT_EQ(ParsePolicy("preset = \"strict\"\napprovers = 2\n", "p")->approval.needed, 2U);
}

TEST(ApprovalRulesTest, WhoeverIsNamedHasToSign) {
  const std::string anna = "[[approver]]\nname = \"Anna\"\nkey = \"" + Hex(1) + "\"\n";
  const Result<Policy> policy = ParsePolicy("preset = \"standard\"\n" + anna, "policy.toml");
  ASSERT_TRUE(policy) << Describe(policy.error());
  EXPECT_EQ(policy->approval.needed, 1U);
  EXPECT_TRUE(policy->approval.MaySign("Anna", KeyOf(1).public_key()));
  EXPECT_FALSE(policy->approval.MaySign("Anna", KeyOf(2).public_key()));
  EXPECT_FALSE(policy->approval.MaySign("Berta", KeyOf(1).public_key()));
}

TEST(ApprovalRulesTest, WhatMakesNoSenseRefusesEverything) {
  const std::string anna = "[[approver]]\nname = \"Anna\"\nkey = \"" + Hex(1) + "\"\n";
  EXPECT_THAT(ErrorFor("approvers = 2\n" + anna),
              AllOf(HasSubstr("policy.toml:2:"), HasSubstr("refuses every study")));
  EXPECT_THAT(ErrorFor("approvers = 0\n" + anna), HasSubstr("refuses every study"));
  EXPECT_THAT(ErrorFor("approvers = -1\n"), HasSubstr("refuses every study"));
  EXPECT_THAT(ErrorFor("approvers = 11\n"), HasSubstr("refuses every study"));
  EXPECT_THAT(ErrorFor("approvers = \"two\"\n"), HasSubstr("refuses every study"));
  EXPECT_THAT(ErrorFor(anna + anna), HasSubstr("two approvers have one name or one key"));
  EXPECT_THAT(ErrorFor("[[approver]]\nname = \"Anna\"\nkey = \"12\"\n"), HasSubstr("64 hexa"));
  EXPECT_THAT(ErrorFor("[[approver]]\nname = \"a/b\"\nkey = \"" + Hex(1) + "\"\n"),
              HasSubstr("no name for a person"));
  EXPECT_THAT(ErrorFor(anna + "email = \"a@example.org\"\n"), HasSubstr("email"));
}

}  // namespace
}  // namespace consilium
