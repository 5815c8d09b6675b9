// What a ledger proves of approvals later: client/approval_ledger.h.

#include "client/approval_ledger.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/client/approvals_fixture.h"

namespace consilium::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

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

TEST_F(ApprovalLedgerTest, AnAnswerWithoutAnApprovalIsFound) {
  std::vector<ChainRecord> records = Ledger();
  ChainRecord answered = records.back();
  answered.event = "answered";
  answered.detail = R"({"study":")" + study_.ToHex() + R"(","round":1})";
  const auto with = [&](const char* event, std::int64_t days) {
    std::vector<ChainRecord> all = records;
    if (*event != '\0') {
      all.push_back(records.back());
      all.back().event = event;
      all.back().detail = R"({"study":")" + study_.ToHex() + R"("})";
    }
    answered.at.seconds = records.back().at.seconds + days * kDay;
    all.push_back(answered);
    return Verified(all);
  };
  EXPECT_EQ(with("", 0), "holds");
  EXPECT_EQ(with("", 30), "holds") << "its last day";
  EXPECT_THAT(with("", 31), HasSubstr("approval had ended"));
  EXPECT_THAT(with("revoked", 0), HasSubstr("was not approved when it was answered"));
  EXPECT_THAT(with("declined", 0), HasSubstr("was not approved when it was answered"));
  EXPECT_EQ(with("approved", 40), "holds") << "as the first version wrote approvals";
  records = {records[0]};
  EXPECT_THAT(with("", 0), HasSubstr("was not approved when it was answered"));
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
