// Approvals at a site: client/site_approvals.cc.

#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/approval_ledger.h"
#include "client/site_core.h"
#include "common/stored_rows.h"
#include "tests/client/approvals_fixture.h"

namespace consilium::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

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
  // Kept back: of this second, and of the next, as after a decision of this second.
  const std::int64_t now = federation_.now().utc.seconds;
  const std::vector<ApprovalSignature> kept = {SignatureAt(now), SignatureAt(now + 1)};
  SiteEffects effects;
  ASSERT_TRUE(site().Revoke(study_, federation_.now(), effects));
  federation_.Carry(kVictim, effects);
  for (std::size_t second = 0; second < 5; ++second) {
    for (const ApprovalSignature& signature : kept) EXPECT_FALSE(Approve(signature)) << second;
    NextSecond();
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

/// The first version's: a ledger that says "approved" and no more, and no row of the approval.
TEST_F(SiteApprovalsTest, AnApprovalFromBeforeThereWereSignaturesHolds) {
  SiteEffects effects;
  for (const char* person : {"Anna", "Berta"}) {
    ASSERT_TRUE(site().RemoveApprover(person, federation_.now(), effects));
  }
  federation_.Carry(kVictim, effects);
  federation_.ApproveAll(study_);
  MemoryStore old = federation_.site_store(kVictim);
  RecordBatch changes;
  for (const char* table : {"approval", "ledger"}) {
    const std::vector<Record> rows = *old.Load(table);
    for (const Record& record : rows) changes.push_back(EraseRecord{table, record.key});
  }
  HashChain ledger{std::string(kLedgerTable), std::string(kLedgerDomain)};
  changes.push_back(ledger.Append(federation_.now().utc, "approved",
                                  R"({"study":")" + study_.ToHex() + R"("})",
                                  federation_.site_identity(kVictim)));
  ASSERT_TRUE(old.Apply(changes));
  const Status restored = RestoreFrom(old);
  EXPECT_TRUE(restored) << Describe(restored.error());
}

// -- State that the signed ledger contradicts

class AlteredStateTest : public SiteApprovalsTest {
 protected:
  AlteredStateTest() { EXPECT_TRUE(Approve(Signature("Anna", anna_))); }

  /// The site's state with rows of one table as they were at another time.
  static MemoryStore With(MemoryStore state, const std::string& table, const MemoryStore& other) {
    RecordBatch changes;
    const std::vector<Record> present = *state.Load(table);
    for (const Record& record : present) changes.push_back(EraseRecord{table, record.key});
    const std::vector<Record> instead = *other.Load(table);
    for (const Record& record : instead) {
      changes.push_back(PutRecord{table, record.key, record.value});
    }
    EXPECT_TRUE(state.Apply(changes));
    return state;
  }
  std::string Restored(const MemoryStore& state) {
    const Status restored = RestoreFrom(state);
    return restored ? "whole" : Describe(restored.error());
  }
  MemoryStore Now() { return federation_.site_store(kVictim); }
};

TEST_F(AlteredStateTest, ARevokedApprovalIsNotPutBack) {
  const MemoryStore approved = Now();
  ASSERT_EQ(Restored(approved), "whole");
  federation_.Advance(Duration(5'000));
  SiteEffects effects;
  ASSERT_TRUE(site().Revoke(study_, federation_.now(), effects));
  federation_.Carry(kVictim, effects);
  ASSERT_EQ(Restored(Now()), "whole");

  const MemoryStore altered = With(With(Now(), "study", approved), "approval", approved);
  EXPECT_THAT(Restored(altered), HasSubstr("the decision on study " + study_.Short()));
}

TEST_F(AlteredStateTest, AnApprovalHoldsNoLongerAndHasNoFewerSignaturesThanOnRecord) {
  EXPECT_THAT(Restored(With(Now(), "approval", {})), HasSubstr("the decision on study"));
  EXPECT_THAT(Restored(With(Now(), "study", {})), HasSubstr("what is left of study"));
}

TEST_F(AlteredStateTest, WhoWasRemovedIsNotPutBack) {
  const MemoryStore before = Now();
  SiteEffects effects;
  ASSERT_TRUE(site().RemoveApprover("Anna", federation_.now(), effects));
  federation_.Carry(kVictim, effects);
  ASSERT_EQ(Restored(Now()), "whole");
  EXPECT_THAT(Restored(With(Now(), "approver", before)), HasSubstr("who sign approvals"));
  // Back again in earnest, but only from now on.
  federation_.Advance(Duration(5'000));
  AddPerson("Anna", anna_);
  ASSERT_EQ(Restored(Now()), "whole");
  EXPECT_THAT(Restored(With(Now(), "approver", before)), HasSubstr("who sign approvals"));
}

TEST_F(AlteredStateTest, PatientsStayExcluded) {
  SiteEffects effects;
  ASSERT_TRUE(site().Exclude({7, 11}, federation_.now(), effects));
  federation_.Carry(kVictim, effects);
  ASSERT_EQ(Restored(Now()), "whole");
  EXPECT_THAT(Restored(With(Now(), "excluded", {})), HasSubstr("patients who take no part"));
}

}  // namespace
}  // namespace consilium::testing
