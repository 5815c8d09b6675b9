// Approvals at a site: client/site_approvals.cc and what client/approval_ledger.h makes of them
// afterwards.

#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/approval_ledger.h"
#include "client/site_core.h"
#include "common/stored_rows.h"
#include "tests/support/virtual_federation.h"

namespace consilium::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr std::uint32_t kVictim = 0;
constexpr std::int64_t kDay = 86'400;

SigningKey PersonsKey(std::uint64_t seed) {
  SeededRandom random(seed + 4'000);
  return SigningKey::Generate(random);
}

class SiteApprovalsTest : public ::testing::Test {
 protected:
  SiteApprovalsTest() {
    federation_.JoinAll();
    study_ = federation_.Submit(LogisticPlanText({}));
    AddPerson("Anna", anna_);
    AddPerson("Berta", berta_);
  }

  SiteCore& site() { return federation_.site(kVictim); }

  void RequireSignatures(std::uint32_t count) {
    Policy policy = MakePolicy(PolicyPreset::kStandard);
    policy.approval.needed = count;
    federation_.SetPolicy(kVictim, policy);
  }
  void AddPerson(const std::string& name, const SigningKey& key) {
    ApproverRecord person{name, key.public_key(), {}, {}};
    person.proof = ProveApprover(federation_.federation(), SiteKey(), name, key);
    SiteEffects effects;
    const Status added = site().AddApprover(person, federation_.now(), effects);
    ASSERT_TRUE(added) << Describe(added.error());
    federation_.Carry(kVictim, effects);
  }
  IdentityKey SiteKey() { return federation_.site_identity(kVictim).public_key(); }
  ApprovalPlace Place() { return {federation_.federation(), SiteKey(), study_}; }

  ApprovalSignature Signature(const std::string& name, const SigningKey& key) {
    return SignatureFor(Place(), name, key);
  }
  /// Anna's, with this time on it.
  ApprovalSignature SignatureAt(std::int64_t seconds) {
    ApprovalSignature signature = Signature("Anna", anna_);
    signature.at.seconds = seconds;
    SignApproval(Place(), anna_, signature);
    return signature;
  }
  ApprovalSignature SignatureFor(const ApprovalPlace& place,
                                 const std::string& name,
                                 const SigningKey& key,
                                 ApprovalKind kind = ApprovalKind::kApprove,
                                 std::int64_t days = 30) {
    ApprovalSignature signature;
    signature.kind = kind;
    signature.name = name;
    signature.at = federation_.now().utc;
    signature.reason = "The board agreed";
    signature.last_day = DaysSinceEpoch(DateOf(federation_.now().utc)) + days;
    SignApproval(place, key, signature);
    return signature;
  }

  Status Approve(const ApprovalSignature& signature) {
    SiteEffects effects;
    const Status done = site().Approve(study_, federation_.now(), effects, {"", {}, signature});
    EXPECT_TRUE(done || effects.empty());
    federation_.Carry(kVictim, effects);
    return done;
  }
  Status Renew(const ApprovalSignature& signature) {
    SiteEffects effects;
    const Status done = site().Renew(study_, federation_.now(), effects, {"", {}, signature});
    EXPECT_TRUE(done || effects.empty());
    federation_.Carry(kVictim, effects);
    return done;
  }
  /// What the refusal says; nothing may have changed by it.
  std::string Refused(const ApprovalSignature& signature) {
    const AuditHead before = site().ledger_head();
    const std::uint64_t effects = federation_.site_effects(kVictim);
    const Status done = Approve(signature);
    EXPECT_EQ(site().ledger_head(), before);
    EXPECT_EQ(federation_.site_effects(kVictim), effects);
    EXPECT_FALSE(site().View(study_)->decision.has_value());
    return done ? "nothing" : Describe(done.error());
  }
  void ApproveElsewhere() {
    for (std::uint32_t i = 1; i < 4; ++i) {
      SiteEffects effects;
      ASSERT_TRUE(federation_.site(i).Approve(study_, federation_.now(), effects));
      federation_.Carry(i, effects);
    }
    federation_.Settle();
  }
  void NextSecond() { federation_.Advance(Duration(1'000)); }
  void NextDay() { federation_.Advance(Duration(1'000 * kDay)); }
  std::vector<ChainRecord> Ledger() {
    return *HashChain::ReadAll(federation_.site_store(kVictim), std::string(kLedgerTable),
                               std::string(kLedgerDomain), SiteKey());
  }
  Status RestoreFrom(const MemoryStore& store) {
    SeededRandom random(1);
    SiteCore core({"site-0", federation_.federation(),
                   federation_.coordinator_identity().public_key(), "test"},
                  federation_.site_identity(kVictim), MakePolicy(PolicyPreset::kStandard), random);
    return core.Restore(store);
  }

  VirtualFederation federation_{{}};
  StudyId study_;
  SigningKey anna_ = PersonsKey(1);
  SigningKey berta_ = PersonsKey(2);
};

TEST_F(SiteApprovalsTest, TwoPeopleApproveAndTheStudyRuns) {
  RequireSignatures(2);
  ApproveElsewhere();
  ASSERT_TRUE(Approve(Signature("Anna", anna_)));
  EXPECT_FALSE(site().View(study_)->decision.has_value());
  EXPECT_EQ(site().View(study_)->approval.pending.size(), 1U);

  ASSERT_TRUE(Approve(Signature("Berta", berta_)));

  EXPECT_EQ(site().View(study_)->decision->kind, DecisionKind::kApproved);
  federation_.Settle();
  federation_.Start(study_);
  EXPECT_TRUE(federation_.RunToEnd(study_)) << federation_.View(study_).reason;
  const auto verified = VerifySignatures(Ledger(), federation_.federation(), SiteKey());
  ASSERT_TRUE(verified) << Describe(verified.error());
  EXPECT_EQ(verified->signatures, 2U);
  EXPECT_EQ(verified->approvers, 2U);
}

TEST_F(SiteApprovalsTest, NoSignatureNoApproval) {
  RequireSignatures(1);
  SiteEffects effects;
  const Status approved = site().Approve(study_, federation_.now(), effects);
  ASSERT_FALSE(approved);
  EXPECT_THAT(Describe(approved.error()), AllOf(HasSubstr("1 signature"), HasSubstr("--as NAME")));
  EXPECT_TRUE(effects.empty());
}

TEST_F(SiteApprovalsTest, OnePersonCannotSignForTwo) {
  RequireSignatures(2);
  ASSERT_TRUE(Approve(Signature("Anna", anna_)));
  NextSecond();
  EXPECT_THAT(Refused(Signature("Anna", anna_)), HasSubstr("has signed already"));
}

TEST_F(SiteApprovalsTest, OfOneOfTwoSignaturesTheCoordinatorHearsNothing) {
  RequireSignatures(2);
  federation_.Settle();
  const std::size_t heard = federation_.received().size();
  ASSERT_TRUE(Approve(Signature("Anna", anna_)));
  federation_.Settle();
  for (std::size_t i = heard; i < federation_.received().size(); ++i) {
    EXPECT_EQ(OpenMessage(federation_.received()[i].second)->kind, MessageKind::kLedgerHead);
  }
}

TEST_F(SiteApprovalsTest, AStrangersSignatureIsNone) {
  RequireSignatures(1);
  EXPECT_THAT(Refused(Signature("Anna", PersonsKey(3))), HasSubstr("not registered"));
  EXPECT_THAT(Refused(Signature("Berta", anna_)), HasSubstr("not registered"));
  ApprovalSignature forged = Signature("Anna", anna_);
  forged.reason = "Something else";
  EXPECT_THAT(Refused(forged), HasSubstr("not that of Anna"));
}

TEST_F(SiteApprovalsTest, WhoIsNotNamedByThePolicyMayNotSign) {
  Policy policy = MakePolicy(PolicyPreset::kStandard);
  policy.approval.needed = 1;
  policy.approval.named = {{"Berta", berta_.public_key()}};
  federation_.SetPolicy(kVictim, policy);
  EXPECT_THAT(Refused(Signature("Anna", anna_)), HasSubstr("[[approver]]"));
  EXPECT_TRUE(Approve(Signature("Berta", berta_)));
}

TEST_F(SiteApprovalsTest, ASignatureOfAnotherStudySiteOrTimeIsReplayed) {
  RequireSignatures(1);
  ApprovalPlace other = Place();
  other.study.bytes[3] ^= std::byte{1};
  EXPECT_THAT(Refused(SignatureFor(other, "Anna", anna_)), HasSubstr("for this study"));
  other = Place();
  other.site = federation_.site_identity(1).public_key();
  EXPECT_THAT(Refused(SignatureFor(other, "Anna", anna_)), HasSubstr("at this site"));
  const ApprovalSignature early = Signature("Anna", anna_);
  federation_.Advance(Duration(301'000));
  EXPECT_THAT(Refused(early), HasSubstr("at another time"));
  EXPECT_THAT(Refused(SignatureFor(Place(), "Anna", anna_, ApprovalKind::kRenew)),
              HasSubstr("another meaning"));
}

TEST_F(SiteApprovalsTest, ARevokedApprovalsSignatureApprovesNothingAgain) {
  RequireSignatures(1);
  const ApprovalSignature signature = Signature("Anna", anna_);
  ASSERT_TRUE(Approve(signature));
  SiteEffects effects;
  ASSERT_TRUE(site().Revoke(study_, federation_.now(), effects, "Patients objected"));
  federation_.Carry(kVictim, effects);

  const Status again = Approve(signature);
  ASSERT_FALSE(again);
  EXPECT_THAT(Describe(again.error()), HasSubstr("before the last decision"));
  EXPECT_THAT(Ledger().back().detail, HasSubstr("Patients objected"));
  federation_.Advance(Duration(5'000));
  EXPECT_TRUE(Approve(Signature("Anna", anna_)));
}

TEST_F(SiteApprovalsTest, ASignatureDatedAheadIsRefused) {
  RequireSignatures(1);
  for (const std::int64_t ahead : {std::int64_t{1}, std::int64_t{290}, kDay}) {
    EXPECT_THAT(Refused(SignatureAt(federation_.now().utc.seconds + ahead)),
                HasSubstr("at another time"));
  }
  EXPECT_THAT(Refused(SignatureAt(std::numeric_limits<std::int64_t>::min())),
              HasSubstr("at another time"));
  EXPECT_THAT(Refused(SignatureAt(std::numeric_limits<std::int64_t>::max())),
              HasSubstr("at another time"));
}

TEST_F(SiteApprovalsTest, AfterARevocationNoSignatureFromBeforeApproves) {
  RequireSignatures(1);
  ASSERT_TRUE(Approve(Signature("Anna", anna_)));
  // Kept back: as far ahead as anybody could have dated it before the revocation.
  std::vector<ApprovalSignature> kept;
  for (std::int64_t ahead = 0; ahead <= 400; ++ahead) {
    kept.push_back(SignatureAt(federation_.now().utc.seconds + ahead));
  }
  SiteEffects effects;
  ASSERT_TRUE(site().Revoke(study_, federation_.now(), effects));
  federation_.Carry(kVictim, effects);
  for (std::size_t i = 0; i < 2; ++i) EXPECT_FALSE(Approve(kept[i])) << i;
  for (std::size_t i = 2; i < kept.size(); ++i) {
    const std::int64_t now = federation_.now().utc.seconds;
    ASSERT_TRUE(kept[i].at.seconds <= now || !Approve(kept[i])) << i;
  }
  EXPECT_EQ(site().View(study_)->decision->kind, DecisionKind::kRevoked);
}

/// The clock was an hour ahead while Anna signed, and was then set right.
TEST_F(SiteApprovalsTest, ADecisionIsNoOlderThanTheSignaturesThatItDiscards) {
  RequireSignatures(2);
  Moment ahead = federation_.now();
  ahead.utc.seconds += 3'600;
  const ApprovalSignature early = SignatureAt(ahead.utc.seconds);
  SiteEffects effects;
  ASSERT_TRUE(site().Approve(study_, ahead, effects, {"", {}, early}));
  ASSERT_TRUE(site().Decline(study_, federation_.now(), effects));
  EXPECT_EQ(site().View(study_)->decision->decided_at, ahead.utc);

  RequireSignatures(1);
  EXPECT_FALSE(site().Approve(study_, ahead, effects, {"", {}, early}));
  EXPECT_EQ(site().View(study_)->decision->kind, DecisionKind::kDeclined);
}

TEST_F(SiteApprovalsTest, WhoComesBackSignsAnew) {
  RequireSignatures(1);
  ASSERT_TRUE(Approve(Signature("Anna", anna_)));
  federation_.Advance(Duration(5'000));
  SiteEffects effects;
  ASSERT_TRUE(site().RemoveApprover("Anna", federation_.now(), effects));
  federation_.Carry(kVictim, effects);
  const ApprovalSignature kept = SignatureAt(federation_.now().utc.seconds - 1);
  AddPerson("Anna", anna_);
  EXPECT_FALSE(Approve(kept));
  ApproveElsewhere();
  federation_.Start(study_);
  EXPECT_FALSE(federation_.RunToEnd(study_, 5));
  EXPECT_THAT(site().View(study_)->last_refusal, HasSubstr("0 signatures that count"));
  EXPECT_TRUE(Approve(Signature("Anna", anna_)));
}

TEST_F(SiteApprovalsTest, AnApprovalEndsAndIsRenewed) {
  RequireSignatures(1);
  ApproveElsewhere();
  ASSERT_TRUE(Approve(SignatureFor(Place(), "Anna", anna_, ApprovalKind::kApprove, 0)));
  federation_.Settle();
  NextDay();
  federation_.Start(study_);

  EXPECT_FALSE(federation_.RunToEnd(study_, 5));

  ASSERT_FALSE(federation_.refusals().empty());
  EXPECT_EQ(federation_.refusals().back().second, "not-approved");
  EXPECT_THAT(site().View(study_)->last_refusal, HasSubstr("The approval ended on"));
  for (const auto& [from, bytes] : federation_.received()) {
    if (from != kVictim) continue;
    EXPECT_NE(OpenMessage(bytes)->kind, MessageKind::kShares);
  }
  ASSERT_TRUE(Renew(SignatureFor(Place(), "Berta", berta_, ApprovalKind::kRenew)));
  CoordinatorEffects effects;
  ASSERT_TRUE(federation_.coordinator().Resume(study_, federation_.now(), effects));
  federation_.Carry(effects);
  EXPECT_TRUE(federation_.RunToEnd(study_)) << federation_.View(study_).reason;
  EXPECT_TRUE(VerifySignatures(Ledger(), federation_.federation(), SiteKey()));
}

TEST_F(SiteApprovalsTest, WhileARenewalWaitsTheApprovalHoldsAsBefore) {
  RequireSignatures(2);
  ASSERT_TRUE(Approve(Signature("Anna", anna_)));
  ASSERT_TRUE(Approve(Signature("Berta", berta_)));
  const Date until = site().View(study_)->approved_through;
  federation_.Advance(Duration(5'000));
  ASSERT_TRUE(Renew(SignatureFor(Place(), "Anna", anna_, ApprovalKind::kRenew, 60)));
  EXPECT_EQ(site().View(study_)->approved_through, until);
  ASSERT_TRUE(Renew(SignatureFor(Place(), "Berta", berta_, ApprovalKind::kRenew, 40)));
  const Date renewed = site().View(study_)->approved_through;
  EXPECT_EQ(DaysSinceEpoch(renewed), DaysSinceEpoch(until) + 10) << "the earlier of both";
}

TEST_F(SiteApprovalsTest, NoApprovalOutlivesThePlanNorEndsBeforeToday) {
  for (const std::int64_t days : {std::int64_t{-1}, std::int64_t{40'000}}) {
    EXPECT_THAT(Refused(SignatureFor(Place(), "Anna", anna_, ApprovalKind::kApprove, days)),
                HasSubstr("an approval until"));
  }
  SiteEffects effects;
  EXPECT_FALSE(
      site().Approve(study_, federation_.now(), effects, {"", Date{2020, 1, 1}, std::nullopt}));
  EXPECT_FALSE(
      site().Approve(study_, federation_.now(), effects, {"a\nb", std::nullopt, std::nullopt}));
  EXPECT_TRUE(effects.empty());
}

TEST_F(SiteApprovalsTest, WithoutAnApprovalThereIsNothingToRenew) {
  const Status renewed = Renew(SignatureFor(Place(), "Anna", anna_, ApprovalKind::kRenew));
  ASSERT_FALSE(renewed);
  EXPECT_THAT(Describe(renewed.error()), HasSubstr("nothing to renew"));
}

TEST_F(SiteApprovalsTest, AStricterPolicyStopsWhatWasApprovedBefore) {
  federation_.ApproveAll(study_);
  RequireSignatures(2);
  federation_.Start(study_);
  EXPECT_FALSE(federation_.RunToEnd(study_, 5));
  EXPECT_THAT(site().View(study_)->last_refusal,
              AllOf(HasSubstr("0 signatures"), HasSubstr("asks for 2")));
  federation_.Advance(Duration(5'000));
  ASSERT_TRUE(Approve(Signature("Anna", anna_)));
  EXPECT_EQ(site().View(study_)->approval.pending.size(), 1U);
  ASSERT_TRUE(Approve(Signature("Berta", berta_)));
  EXPECT_EQ(site().View(study_)->approval.signatures.size(), 2U);
}

TEST_F(SiteApprovalsTest, ASignatureCeasesToCountWithItsOwner) {
  RequireSignatures(1);
  ApproveElsewhere();
  ASSERT_TRUE(Approve(Signature("Anna", anna_)));
  SiteEffects effects;
  ASSERT_TRUE(site().RemoveApprover("Anna", federation_.now(), effects));
  federation_.Carry(kVictim, effects);
  federation_.Settle();
  federation_.Start(study_);
  EXPECT_FALSE(federation_.RunToEnd(study_, 5));
  EXPECT_THAT(site().View(study_)->last_refusal, HasSubstr("approve the study again"));
  federation_.Advance(Duration(5'000));
  EXPECT_TRUE(Approve(Signature("Berta", berta_)));
}

TEST_F(SiteApprovalsTest, TwoPeopleHaveTwoNamesAndTwoKeys) {
  SiteEffects effects;
  ApproverRecord person{"Anna", PersonsKey(9).public_key(), {}, {}};
  person.proof = ProveApprover(federation_.federation(), SiteKey(), person.name, PersonsKey(9));
  EXPECT_FALSE(site().AddApprover(person, federation_.now(), effects));
  person.name = "Clara";
  EXPECT_FALSE(site().AddApprover(person, federation_.now(), effects)) << "its proof is Anna's";
  ApproverRecord again{"Clara", anna_.public_key(), {}, {}};
  again.proof = ProveApprover(federation_.federation(), SiteKey(), "Clara", anna_);
  EXPECT_FALSE(site().AddApprover(again, federation_.now(), effects));
  EXPECT_FALSE(site().RemoveApprover("Clara", federation_.now(), effects));
  EXPECT_TRUE(effects.empty());
}

TEST_F(SiteApprovalsTest, SignaturesOutliveARestart) {
  RequireSignatures(2);
  ASSERT_TRUE(Approve(Signature("Anna", anna_)));
  federation_.CrashAndRestartSite(kVictim);
  federation_.Settle();
  EXPECT_EQ(site().View(study_)->approval.pending.size(), 1U);
  ASSERT_TRUE(Approve(Signature("Berta", berta_)));
  federation_.CrashAndRestartSite(kVictim);
  EXPECT_EQ(site().View(study_)->approval.signatures.size(), 2U);
}

TEST_F(SiteApprovalsTest, StoredSignaturesAndKeysThatWereAlteredAreFound) {
  ASSERT_TRUE(Approve(Signature("Anna", anna_)));
  const MemoryStore honest = federation_.site_store(kVictim);
  ASSERT_TRUE(RestoreFrom(honest));
  auto approvals = *LoadRows<ApprovalRecord>(honest, "approval");
  ASSERT_EQ(approvals.size(), 1U);
  approvals[0].second.signatures[0].last_day += 100;
  MemoryStore altered = honest;
  ASSERT_TRUE(
      altered.Apply({PutRecord{"approval", approvals[0].first, Encode(approvals[0].second)}}));
  const Status restored = RestoreFrom(altered);
  ASSERT_FALSE(restored);
  EXPECT_THAT(Describe(restored.error()), HasSubstr("not that person's"));

  auto people = *LoadRows<ApproverRecord>(honest, "approver");
  people[0].second.name = "Mallory";
  altered = honest;
  ASSERT_TRUE(altered.Apply({PutRecord{"approver", people[0].first, Encode(people[0].second)}}));
  EXPECT_FALSE(RestoreFrom(altered));
}

TEST_F(SiteApprovalsTest, AnApprovalFromBeforeThereWereSignaturesHolds) {
  federation_.ApproveAll(study_);
  RecordBatch forget;
  const std::vector<Record> rows = *federation_.site_store(kVictim).Load("approval");
  for (const Record& record : rows) {
    forget.push_back(EraseRecord{"approval", record.key});
  }
  ASSERT_EQ(forget.size(), 1U);
  ASSERT_TRUE(federation_.site_store(kVictim).Apply(forget));
  federation_.CrashAndRestartSite(kVictim);
  federation_.Settle();
  federation_.Start(study_);
  EXPECT_TRUE(federation_.RunToEnd(study_)) << federation_.View(study_).reason;
}

// -- What the ledger proves of it later
// --------------------------------------------------------

class ApprovalLedgerTest : public SiteApprovalsTest {
 protected:
  ApprovalLedgerTest() { EXPECT_TRUE(Approve(Signature("Anna", anna_))); }

  std::string Verified(const std::vector<ChainRecord>& records) {
    const auto verified = VerifySignatures(records, federation_.federation(), SiteKey());
    return verified ? "holds" : Describe(verified.error());
  }
  /// The ledger with `from` for `to` in the details of one kind of record, as if whoever holds the
  /// site's key had written it so.
  std::string With(const std::string& event, const std::string& from, const std::string& to) {
    std::vector<ChainRecord> records = Ledger();
    for (ChainRecord& record : records) {
      const std::size_t at = record.detail.find(from);
      if (record.event != event || at == std::string::npos) continue;
      record.detail.replace(at, from.size(), to);
      return Verified(records);
    }
    return "not found";
  }
};

TEST_F(ApprovalLedgerTest, WhatPeopleSignedHolds) { EXPECT_EQ(Verified(Ledger()), "holds"); }

TEST_F(ApprovalLedgerTest, WordsPutIntoSomebodysMouthAreFound) {
  EXPECT_THAT(With("signed", "The board agreed", "Nobody asked"),
              AllOf(HasSubstr("record 3"), HasSubstr("not that of Anna")));
  EXPECT_THAT(With("signed", "\"name\":\"Anna\"", "\"name\":\"Berta\""),
              HasSubstr("not registered under the key"));
  EXPECT_THAT(With("signed", study_.ToHex(), std::string(64, '0')), HasSubstr("not that of Anna"));
  EXPECT_THAT(With("signed", "\"signature\":\"", "\"signature\":\"0"), HasSubstr("not whole"));
  EXPECT_THAT(With("approver-added", "\"name\":\"Anna\"", "\"name\":\"Anne\""),
              HasSubstr("did not sign for that name"));
  EXPECT_THAT(With("approved", "\"signatures\":1", "\"signatures\":2"),
              AllOf(HasSubstr("record 4"), HasSubstr("claims 2 signatures, and 1")));
}

TEST_F(ApprovalLedgerTest, AnOldSignatureMakesNoNewApproval) {
  federation_.Advance(Duration(2'000));
  SiteEffects effects;
  ASSERT_TRUE(site().Revoke(study_, federation_.now(), effects));
  federation_.Carry(kVictim, effects);
  std::vector<ChainRecord> records = Ledger();
  ASSERT_EQ(records.size(), 5U);
  records.push_back(records[2]);  // "signed" and "approved", as they were.
  records.push_back(records[3]);
  EXPECT_THAT(Verified(records), HasSubstr("was given at another time"));
}

TEST_F(ApprovalLedgerTest, ASignatureCannotBeLeftOut) {
  std::vector<ChainRecord> records = Ledger();
  std::erase_if(records, [](const ChainRecord& record) { return record.event == "signed"; });
  EXPECT_THAT(Verified(records), HasSubstr("claims 1 signatures, and 0"));
}

TEST_F(ApprovalLedgerTest, AnApprovalHoldsNoLongerThanItsSignatures) {
  const std::string day = ToText(site().View(study_)->approved_through);
  EXPECT_THAT(With("approved", day, "2027-01-01"),
              AllOf(HasSubstr("record 4"), HasSubstr("claims 1 signatures, and 0")));
  EXPECT_THAT(With("approved", day, "never"), HasSubstr("no last day"));
}

TEST_F(ApprovalLedgerTest, ASignatureUnderAnApprovalRenewsNothing) {
  std::vector<ChainRecord> records = Ledger();
  records.back().event = "renewed";
  EXPECT_THAT(Verified(records), HasSubstr("claims 1 signatures, and 0"));
}

TEST_F(ApprovalLedgerTest, WhoeverWasRemovedHasSignedNothing) {
  std::vector<ChainRecord> records = Ledger();
  ChainRecord removed = records.back();
  removed.event = "approver-removed";
  removed.detail = R"({"name":"Anna"})";
  records.insert(records.end() - 1, removed);
  EXPECT_THAT(Verified(records), HasSubstr("claims 1 signatures, and 0"));
}

TEST_F(ApprovalLedgerTest, SeveralDecisionsWithinOneSecondHold) {
  for (int i = 0; i < 3; ++i) {
    SiteEffects effects;
    ASSERT_TRUE(site().Revoke(study_, federation_.now(), effects));
    federation_.Carry(kVictim, effects);
    ASSERT_TRUE(Approve(SignatureAt(site().View(study_)->decision->decided_at.seconds + 1)));
  }
  EXPECT_EQ(Verified(Ledger()), "holds");
}

}  // namespace
}  // namespace consilium::testing
