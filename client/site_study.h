#pragma once

// One study at a site: the plan it has checked, its decision, its part in the open round.

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "client/policy/cohort_guard.h"
#include "client/policy/policy.h"
#include "client/records.h"
#include "common/random.h"
#include "protocols/analysis_thread.h"
#include "protocols/common_knowledge.h"
#include "protocols/effects.h"
#include "protocols/hash_chain.h"
#include "protocols/plan.h"
#include "protocols/roster.h"
#include "protocols/secure_sum/chunks.h"
#include "protocols/secure_sum/site_session.h"

namespace consilium {

/// What a site's people see of a study.
struct SiteStudyView {
  StudyId id;
  std::string title;
  std::string requested_by;
  std::string kind;
  std::optional<Decision> decision;
  ApprovalRecord approval;
  std::uint32_t signatures_needed = 0;    ///< By the policy as it is now.
  std::uint32_t signatures_counting = 0;  ///< Under the approval, by policy and approvers now.
  Date approved_through;                  ///< Last day of the approval, or the plan's.
  StudyState state = StudyState::kOffered;
  std::string reason;               ///< The coordinator's, or what this site refused last.
  std::uint32_t sums_known = 0;     ///< Rounds closed.
  std::uint32_t open_round = 0;     ///< 0 when none is open here.
  std::string progress;             ///< "computing", "masked vector sent", ...
  std::uint64_t chunks = 0;         ///< Of a long masked vector, on their way or there.
  std::uint64_t chunks_in_all = 0;  ///< 0 unless such a vector is to be sent.
  std::string last_refusal;         ///< In words; empty if none.
};

/// What the worker hands back for a ComputeAnswer.
struct ComputedAnswer {
  Contribution contribution;
  CohortPatients patients;  ///< The cohort's, for ledger and guard.
  Bytes next_state = {};    ///< The site's, once this answer's round is closed with it.
};

/// How somebody approves: the reason and the last day, signed where the policy asks for it.
struct ApprovalRequest {
  std::string reason;
  std::optional<Date> until;                   ///< None: as long as the plan is valid.
  std::optional<ApprovalSignature> signature;  ///< Then reason and last day are in there.
};

/// Who may sign at the site, by key.
using Approvers = std::map<IdentityKey, ApproverRecord>;

/// What a study needs of the site; all of it outlives the study.
struct SiteEnvironment {
  const SigningKey* identity = nullptr;
  RandomSource* random = nullptr;
  FederationId federation;
  const std::shared_ptr<const SignedRoster>* roster = nullptr;  ///< None before a welcome.
  CommonKnowledge* common = nullptr;       ///< Of this process's sites, where it has many.
  const Result<Policy>* policy = nullptr;  ///< An error: nothing is allowed.
  HashChain* ledger = nullptr;
  std::map<Digest, AnsweredRecord>* answered = nullptr;
  std::map<Digest, SketchedRecord>* sketched = nullptr;
  PrivacyRecord* privacy = nullptr;
  CohortGuard* cohorts = nullptr;
  AnswerHistory* history = nullptr;
  const PatientCodes* excluded = nullptr;
  const Approvers* approvers = nullptr;
  const std::optional<std::string>* rollback = nullptr;  ///< Why nothing is answered, if so.
};

class SiteStudy {
 public:
  SiteStudy(const SiteEnvironment& environment, Plan plan, SiteStudyRecord record);
  ~SiteStudy();

  /// The result as our own run of the coordinator's half has it from the sums made known; none
  /// while there is none.
  std::optional<AnalysisResult> KnownResult();

  /// The sums made known so far, by round; kCorrupt where one is absent.
  Status RestoreSums(std::map<std::uint64_t, KnownSum> sums);
  void RestoreState(SiteStateRecord state) { state_ = std::move(state); }
  /// kCorrupt where a signature is not its owner's, or of another study.
  Status RestoreApproval(ApprovalRecord approval);

  const Plan& plan() const { return plan_; }
  const SiteStudyRecord& record() const { return record_; }
  SiteStudyView View() const;
  Result<ComputeAnswer> NextQuestion() const;  ///< See SiteCore.
  /// kRefused where answers with noise have used up what the plan's epsilon covers.
  Status KeepsPromise() const;
  /// Why nothing is answered for want of an approval, in words; none while there is one.
  std::optional<std::string> LacksApproval(const Moment& now) const;

  /// Approves, renews, or adds a signature to what will be an approval once there are enough.
  Status Approve(ApprovalKind kind,
                 const ApprovalRequest& request,
                 const Moment& now,
                 SiteEffects& effects);
  /// Declines or revokes.
  Status TakeBack(DecisionKind kind,
                  const std::string& reason,
                  const Moment& now,
                  SiteEffects& effects);
  /// After a welcome: says the decision again and offers a fresh prekey. Whatever else was lost
  /// with the connection the coordinator asks for again by repeating its own message.
  void OnWelcome(SiteEffects& effects);
  void OnNotice(const StudyNotice& notice, SiteEffects& effects);

  // Messages of the coordinator, its signature verified. A refusal leaves the state as it was.
  Judged<void> OnRoundStart(const OpenedMessage& message, const Moment& now, SiteEffects& effects);
  Judged<void> OnDelivery(const OpenedMessage& message, const Moment& now, SiteEffects& effects);
  Judged<void> OnSketchRequest(const OpenedMessage& message,
                               const Moment& now,
                               SiteEffects& effects);
  Judged<void> OnChunkReceived(const OpenedMessage& message, SiteEffects& effects);
  Judged<void> OnSurvivors(const OpenedMessage& message, SiteEffects& effects);
  Judged<void> OnQuorum(const OpenedMessage& message, SiteEffects& effects);
  Judged<void> OnRoundClosed(const OpenedMessage& message, SiteEffects& effects);
  Judged<void> OnSumChunk(const OpenedMessage& message, SiteEffects& effects);
  void OnAttemptEnded(const OpenedMessage& message, SiteEffects& effects);

  Judged<void> OnAnswer(RoundNumber round,
                        AttemptNumber attempt,
                        Result<ComputedAnswer> answer,
                        const Moment& now,
                        SiteEffects& effects);
  void NoteRefusal(const Refusal& refusal);

 private:
  /// What a start that may be answered asks for.
  struct Started {
    std::shared_ptr<const SessionSetup> setup;
    Query query;
    std::vector<Slot> slots;
  };
  struct Session {
    SiteSession sum;
    Query query;
    std::vector<Slot> slots;
    std::optional<RingVector> contribution;  ///< Encoded, until it is masked.
    CohortPatients patients;
    Bytes next_state;              ///< Of the analysis, until the answer is masked.
    std::uint64_t next_chunk = 0;  ///< The first not sent since the upload was last begun.
  };

  /// A sum of several chunks that is under way.
  struct PendingSum {
    Route route;
    Digest closing;    ///< Of the message that announced it.
    Digest more_hash;  ///< Of the words after the first chunk.
    std::vector<SiteId> survivors;
    std::uint32_t capacity = 0;
    IncomingVector vector;
  };

  Route RouteOf(RoundNumber round, AttemptNumber attempt) const;
  void Persist(SiteEffects& effects) const;
  void Say(MessageKind kind, const Route& route, ByteSpan body, SiteEffects& effects);
  void OfferPrekey(SiteEffects& effects);
  std::optional<SiteId> Self() const;
  Judged<void> Forbid(const PolicyRefusal& why);
  Judged<void> MayAnswer(const Moment& now);
  PolicyStatus MaySpend() const;
  Judged<void> MayLeave(const Moment& now);
  PolicyStatus HoldsAnchors(const std::vector<SiteId>& sites) const;
  std::size_t CountSignatures(const std::vector<ApprovalSignature>& signatures) const;
  Status MaySign(const ApprovalSignature& signature, const Moment& now) const;
  Status CheckLastDay(std::int64_t last_day, const Moment& now) const;
  Status MayApprove(ApprovalKind kind, const Moment& now) const;
  Status TakeSignature(const ApprovalSignature& signature, const Moment& now, RecordBatch& changes);
  void Decided(DecisionKind kind,
               std::string_view event,
               ApprovalRecord approval,
               const std::string& detail,
               const Moment& now,
               RecordBatch changes,
               SiteEffects& effects);
  ApprovalPlace Place() const;
  std::optional<UtcSeconds> LastDecision() const;
  bool IsExact() const;
  PolicyStatus IsApart(const CohortPatients& patients) const;
  Judged<void> RefuseData(const Error& why, SiteEffects& effects);
  std::optional<PutRecord> Charge();
  Judged<void> Replay();
  Judged<Query> ExpectedQuery();
  Judged<std::vector<Slot>> ExpectedSlots();
  Judged<void> MayLearnSums() const;
  Judged<void> CheckRepeat(const RoundClosed& closed, const KnownSum& known) const;
  void SayReceived(const Route& route, std::uint64_t next_chunk, SiteEffects& effects);
  Judged<void> TakeSum(const Route& route, KnownSum sum, SiteEffects& effects);
  void SettleState(const Route& route, const std::vector<SiteId>& survivors, RecordBatch& changes);
  Judged<Started> CheckRoundStart(const Route& route, const RoundStart& start);
  Judged<void> CheckParticipants(const RoundStart& start);
  Judged<void> CheckSurvivors(const Survivors& survivors);
  Judged<void> CheckSiteSet(const Query& query, const std::vector<SiteId>& sites) const;
  Judged<Session*> SessionOf(const OpenedMessage& message);
  Judged<void> MaskIfReady(const Moment& now, SiteEffects& effects);
  RecordBatch RecordSketch(const Digest& question, const Moment& now);
  std::string AnswerOnRecord() const;
  void BeginUpload(SiteEffects& effects);
  void SayChunk(std::uint64_t index, SiteEffects& effects);
  PrekeySecrets* FindPrekey(const ByteArray<16>& id);

  SiteEnvironment environment_;
  Plan plan_;
  SiteStudyRecord record_;
  ApprovalRecord approval_;
  SiteStateRecord state_;  ///< Of an analysis that has one.
  std::vector<KnownSum> sums_;
  std::optional<PendingSum> pending_sum_;
  std::unique_ptr<AnalysisThread> replay_;    ///< Our own run of the coordinator's half.
  std::optional<AnalysisThread::Step> next_;  ///< What it asks now.
  std::deque<PrekeySecrets> prekeys_;         ///< Unused, newest last; at most two.
  std::optional<Session> session_;
  std::string last_refusal_;
  std::string policy_words_;  ///< Of a policy's refusal that is about to be said.
};

/// What a site's people can do about a state that was rolled back.
inline constexpr std::string_view kRollbackRemedy =
    "Stop the service, restore the newest state.db, start again. If that is lost, nobody knows "
    "what "
    "was answered: have this site revoked and join anew, and count the lost privacy budget as "
    "spent.";

/// Tells the coordinator how far the ledger is, if it has any record; `route` is that of the
/// message that it goes before.
void SayLedgerHead(const Route& route,
                   const HashChain& ledger,
                   const SigningKey& identity,
                   SiteEffects& effects);

/// What a question is, whoever asks: the contract, the analysis and the query.
Digest QuestionDigest(const Plan& plan, const Query& query);

}  // namespace consilium
