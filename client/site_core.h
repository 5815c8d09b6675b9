#pragma once

// A site's decisions, without sockets, threads, clocks or files: roster, studies, approvals, rounds
// and ledger as one state machine. Inputs are commands of the site's people, messages of the
// coordinator, finished computations and the passing of time; outputs are effects, carried out in
// order.

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "client/site_study.h"
#include "common/random.h"
#include "common/storage.h"
#include "common/time.h"
#include "protocols/effects.h"
#include "protocols/hash_chain.h"
#include "protocols/roster.h"

namespace consilium {

class SiteCore {
 public:
  struct Settings {
    std::string site_name;
    FederationId federation;
    IdentityKey coordinator;  ///< Pinned at joining.
    std::string software;     ///< "consilium-site 0.1.0"
    /// What this process's sites know alike, where it has many; outlives the core.
    CommonKnowledge* common = nullptr;
  };

  /// `identity` and `random` outlive the core. A policy that is an error forbids everything.
  SiteCore(Settings settings,
           const SigningKey& identity,
           Result<Policy> policy,
           RandomSource& random);
  ~SiteCore();

  Status Restore(const RecordStore& store);
  void SetPolicy(Result<Policy> policy);

  // -- The site's people. On an error nothing changed and `effects` is untouched.
  // --------------------
  /// Where the policy asks for several signatures, the study is approved with the last of them.
  Status Approve(const StudyId& study,
                 const Moment& now,
                 SiteEffects& effects,
                 const ApprovalRequest& request = {});
  /// Lets an approval hold until another day, with as many signatures as the first one.
  Status Renew(const StudyId& study,
               const Moment& now,
               SiteEffects& effects,
               const ApprovalRequest& request);
  Status Decline(const StudyId& study,
                 const Moment& now,
                 SiteEffects& effects,
                 const std::string& reason = {});
  /// Takes an approval back: no further round is answered.
  Status Revoke(const StudyId& study,
                const Moment& now,
                SiteEffects& effects,
                const std::string& reason = {});

  /// Somebody may sign approvals from now on; `added_at` is set here.
  Status AddApprover(ApproverRecord approver, const Moment& now, SiteEffects& effects);
  /// From now on no signature of this person counts, nor one given before.
  Status RemoveApprover(const std::string& name, const Moment& now, SiteEffects& effects);
  const Approvers& approvers() const { return approvers_; }
  const FederationId& federation() const { return settings_.federation; }

  /// Leaves these patients out of all cohorts from now on.
  struct Exclusion {
    std::uint64_t added = 0;   ///< That were not on the list before.
    std::uint64_t in_all = 0;  ///< On the list now.
    AuditHead head;            ///< Of the ledger, which has it on record.
  };
  Result<Exclusion> Exclude(const PatientCodes& patients, const Moment& now, SiteEffects& effects);
  const PatientCodes& excluded() const { return excluded_; }

  std::vector<SiteStudyView> Studies() const;
  Result<SiteStudyView> View(const StudyId& study) const;
  /// Why nothing of an offered study is answered for want of an approval, in words; none while it
  /// has one.
  Result<std::optional<std::string>> LacksApproval(const StudyId& study, const Moment& now) const;
  /// The checked plan of an offered study.
  Result<const Plan*> PlanOf(const StudyId& study) const;
  /// What a finished study's sums came to, as this site knows them; none where it does not.
  Result<std::optional<AnalysisResult>> ResultOf(const StudyId& study);
  /// A study by the whole or an unambiguous beginning (4 or more digits) of its hexadecimal number.
  Result<StudyId> FindStudy(std::string_view number) const;
  const std::shared_ptr<const SignedRoster>& roster() const { return roster_; }
  bool welcomed() const { return welcomed_; }
  AuditHead ledger_head() const { return ledger_.head(); }
  const Result<Policy>& policy() const { return policy_; }
  /// Set when the coordinator holds a receipt of this site for ledger records that this state does
  /// not have, in words: it is an old copy, and nothing is answered from it.
  const std::optional<std::string>& rollback_found() const { return rollback_; }
  // -- Looking ahead: nothing is recorded.
  struct Foreseen {
    std::string rule;   ///< The policy's key; empty where it is no rule of the policy.
    std::string words;  ///< Why no answer would leave.
  };
  /// All that stands against answers to this plan as things are. The cohort is not looked at.
  std::vector<Foreseen> Foresee(const Plan& plan, UtcSeconds now) const;
  const CohortGuard& cohorts() const { return cohorts_; }
  /// What counts against the quotas when a new study asks.
  AnswersSoFar AnswersBefore(UtcSeconds now) const { return history_.Before(now, StudyId()); }
  /// What the study's next round asks, as this site's own run of the analysis has it; where the
  /// study is over, its last round. kCorrupt where the sums made known do not fit the plan.
  Result<ComputeAnswer> NextQuestion(const StudyId& study) const;
  /// What all answers with noise have told, as rho of zero-concentrated differential privacy.
  double privacy_spent() const { return privacy_.rho; }

  // -- The network
  // ----------------------------------------------------------------------------------
  SiteEffects OnConnected(const Moment& now);
  void OnDisconnected();
  SiteEffects OnMessage(const Moment& now, ByteSpan message);
  SiteEffects OnAnswer(const Moment& now,
                       const StudyId& study,
                       RoundNumber round,
                       AttemptNumber attempt,
                       Result<ComputedAnswer> answer);
  SiteEffects OnTick(const Moment& now);
  std::optional<Instant> NextDeadline() const;

 private:
  Status RestoreAnswers(const RecordStore& store);
  Status RestoreReceipts(const RecordStore& store);
  Status RestoreExclusions(const RecordStore& store);
  Status RestoreApprovers(const RecordStore& store);
  Status CompareWithLedger(const RecordStore& store) const;
  Judged<void> Dispatch(const Moment& now, const OpenedMessage& message, SiteEffects& effects);
  Judged<void> OnWelcome(const OpenedMessage& message, SiteEffects& effects);
  Judged<void> OnStudyOffer(const Moment& now, const OpenedMessage& message, SiteEffects& effects);
  Judged<SiteStudy*> StudyOf(const OpenedMessage& message);
  Judged<void> OnLedgerHead(const OpenedMessage& message, SiteEffects& effects);
  void CompareLedger(const Receipt& receipt);
  bool IsGenuine(const SignedRoster& roster) const;
  void KeepRoster(SignedRoster roster);
  void SayHello(const Moment& now, SiteEffects& effects);
  void SayRefusal(const OpenedMessage& message, const Refusal& refusal, SiteEffects& effects);
  SiteEnvironment Environment();
  Result<SiteStudy*> Offered(const StudyId& study) const;

  Settings settings_;
  const SigningKey& identity_;
  RandomSource& random_;
  Result<Policy> policy_;
  ByteArray<16> boot_{};
  std::shared_ptr<const SignedRoster> roster_;  ///< None before the first welcome.
  Receipt receipt_;
  HashChain ledger_;
  std::map<Digest, AnsweredRecord> answered_;
  std::map<Digest, SketchedRecord> sketched_;
  PrivacyRecord privacy_;
  CohortGuard cohorts_;
  AnswerHistory history_;
  PatientCodes excluded_;
  Approvers approvers_;
  std::optional<std::string> rollback_;
  std::map<StudyId, std::unique_ptr<SiteStudy>> studies_;
  bool connected_ = false;
  bool welcomed_ = false;
  std::optional<Instant> hello_again_;
};

/// Where the ledger lives and what its signatures are bound to.
inline constexpr std::string_view kLedgerTable = "ledger";
inline constexpr std::string_view kLedgerDomain = "consilium/ledger/v1";

}  // namespace consilium
