#pragma once

// A federation of four in which one site has two people who may sign approvals, Anna and Berta, and
// one study is on offer.

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "client/site_core.h"
#include "tests/support/virtual_federation.h"

namespace consilium::testing {

inline constexpr std::uint32_t kVictim = 0;
inline constexpr std::int64_t kDay = 86'400;

inline SigningKey PersonsKey(std::uint64_t seed) {
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

}  // namespace consilium::testing
