#pragma once

// One study at the coordinator: its sites' decisions, its analysis, its open round, its journal.

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "common/random.h"
#include "coordinator/records.h"
#include "protocols/analysis_thread.h"
#include "protocols/effects.h"
#include "protocols/hash_chain.h"
#include "protocols/plan.h"
#include "protocols/roster.h"
#include "protocols/secure_sum/coordinator_session.h"

namespace consilium {

/// What the coordinator knows of a member's connection.
struct SiteLink {
  bool connected = false;
  ByteArray<16> boot{};
  std::optional<UtcSeconds> last_seen;
  std::string software;
};

/// What a study needs of the coordinator; all of it outlives the study.
struct StudyEnvironment {
  const SigningKey* identity = nullptr;
  RandomSource* random = nullptr;
  FederationId federation;
  const SignedRoster* roster = nullptr;
  const std::map<SiteId, SiteLink>* links = nullptr;
  HashChain* audit = nullptr;
};

/// What an administrator sees of one site in a study.
struct StudySiteView {
  SiteId id;
  std::string name;
  bool connected = false;
  std::optional<DecisionKind> decision;
  bool frozen_in = false;                ///< Among the sites the study started with.
  std::string progress;                  ///< "ready", "awaited", "answered", "dropped: silent", ...
  std::optional<UploadProgress> upload;  ///< Of a long vector that is not whole yet.
};

struct StudyView {
  StudyId id;
  std::string title;
  std::string kind;
  StudyState state = StudyState::kOffered;
  std::string reason;  ///< Why it is paused or failed, or what it waits for.
  UtcSeconds submitted_at;
  UtcSeconds started_at;
  UtcSeconds ended_at;
  std::uint32_t rounds_done = 0;
  std::uint32_t rounds_at_most = 0;
  std::uint32_t attempt = 0;   ///< Of the open round; 0 when none is open.
  std::string phase;           ///< "gathering sites", "dealing shares", "uploading", ...
  std::uint32_t answered = 0;  ///< In this phase.
  std::uint32_t expected = 0;
  std::vector<StudySiteView> sites;
};

class Study {
 public:
  Study(const StudyEnvironment& environment, Plan plan, StudyRecord record);
  ~Study();

  /// The journal's records in order; kCorrupt if they are not those of this study.
  Status RestoreJournal(std::vector<JournalRecord> journal);

  const Plan& plan() const { return plan_; }
  const StudyRecord& record() const { return record_; }
  StudyView View() const;

  // Commands; errors leave everything as it was.
  Status Start(const Moment& now, CoordinatorEffects& effects);
  Status Pause(const std::string& reason, const Moment& now, CoordinatorEffects& effects);
  Status Resume(const Moment& now, CoordinatorEffects& effects);
  Status Stop(const Moment& now, CoordinatorEffects& effects);

  /// After a restart of the coordinator: a running study goes on.
  void Continue(const Moment& now, CoordinatorEffects& effects);
  /// A message of this study, its sender's signature verified.
  void OnMessage(const Member& from,
                 const OpenedMessage& message,
                 const Moment& now,
                 CoordinatorEffects& effects);
  /// A hello: `restarted` when the process at the site is a new one. Sends what the site is owed.
  void OnHello(const Member& site, bool restarted, const Moment& now, CoordinatorEffects& effects);
  /// No connection, or revoked: out of the open attempt.
  void OnLost(SiteId site, DropReason reason, const Moment& now, CoordinatorEffects& effects);
  void OnTick(const Moment& now, CoordinatorEffects& effects);
  std::optional<Instant> NextDeadline() const;

 private:
  struct ReadyPrekey {
    Prekey prekey;
    Signature signature;
  };
  /// How far a site is with the sums. Counted in rounds from the first.
  struct SumsAt {
    std::uint32_t known = 0;       ///< As its newest key said.
    std::uint32_t sent = 0;        ///< Whole, on this connection or known from before.
    std::uint64_t next_chunk = 0;  ///< Of the round after those; 0 when none is under way.
  };

  void Persist(CoordinatorEffects& effects) const;
  void Audit(const Moment& now,
             std::string event,
             std::string detail,
             CoordinatorEffects& effects) const;
  SharedBytes MessageOf(MessageKind kind, const Route& route, ByteSpan body) const;
  void Send(SiteId site,
            MessageKind kind,
            const Route& route,
            ByteSpan body,
            CoordinatorEffects& effects) const;
  void Notify(SiteId site, CoordinatorEffects& effects) const;
  void NotifyAll(CoordinatorEffects& effects) const;
  void SetState(StudyState state,
                std::string reason,
                const Moment& now,
                CoordinatorEffects& effects);

  void PauseBecause(std::string reason, const Moment& now, CoordinatorEffects& effects);

  bool OpenAnalysis(const Moment& now, CoordinatorEffects& effects);
  std::optional<Aggregate> AggregateOf(const AnalysisThread::Step& step,
                                       const JournalRecord& entry) const;
  void TakeStep(AnalysisThread::Step step, const Moment& now, CoordinatorEffects& effects);
  void Finish(const Result<AnalysisResult>& result, const Moment& now, CoordinatorEffects& effects);
  RoundNumber OpenRound() const;

  const SiteDecision* DecisionOf(SiteId site) const;  ///< Null if none has come.
  bool Approves(SiteId site) const;
  bool NeedsAll() const;
  std::vector<SiteId> Eligible() const;
  bool WasSentAllSums(SiteId site) const;
  std::vector<SiteId> ReadyOf(std::vector<SiteId> sites) const;
  bool PauseIfOneIsGone(const std::vector<SiteId>& needed,
                        const Moment& now,
                        CoordinatorEffects& effects);
  std::string WaitingFor() const;
  std::string TooFewLeft(const std::vector<SiteId>& eligible) const;
  void TryBegin(const Moment& now, CoordinatorEffects& effects);
  void BeginAttempt(const std::vector<SiteId>& sites,
                    const Moment& now,
                    CoordinatorEffects& effects);
  bool MayClose() const;
  void GiveTurns(const Moment& now, CoordinatorEffects& effects);
  std::vector<SiteId> InTime(const Moment& now) const;
  bool WaitsLonger(const Moment& now, CoordinatorEffects& effects);
  Duration TimeFor(std::uint64_t words) const;
  void Advance(const Moment& now, CoordinatorEffects& effects);
  void EnterPhase(const Moment& now, CoordinatorEffects& effects);
  std::optional<SharedBytes> PhaseMessage() const;
  void SendPhase(SiteId site, CoordinatorEffects& effects) const;
  void PauseMisled(const Moment& now, CoordinatorEffects& effects);
  void EndAttempt(const std::string& reason, const Moment& now, CoordinatorEffects& effects);
  void NoteDropped(CoordinatorEffects& effects) const;
  void JournalAndTell(JournalRecord entry, const Moment& now, CoordinatorEffects& effects);
  void CloseRound(const Moment& now, CoordinatorEffects& effects);
  void OnSumReceived(const Member& from,
                     const OpenedMessage& message,
                     const Moment& now,
                     CoordinatorEffects& effects);
  void SendPhaseIfAwaited(SiteId site, CoordinatorEffects& effects);
  void NoteVector(SiteId site, CoordinatorEffects& effects) const;
  void AskForChunk(SiteId site, CoordinatorEffects& effects) const;
  void SendSums(SiteId site, CoordinatorEffects& effects);
  Route RouteOf(const JournalRecord& entry) const;
  const SharedBytes& ClosingOf(const JournalRecord& entry);
  SharedBytes SumChunkOf(const JournalRecord& entry, std::uint64_t index);

  void OnDecision(const Member& from,
                  const OpenedMessage& message,
                  const Moment& now,
                  CoordinatorEffects& effects);
  void OnPrekey(const Member& from,
                const OpenedMessage& message,
                const Moment& now,
                CoordinatorEffects& effects);
  void OnRefusal(const Member& from,
                 const OpenedMessage& message,
                 const Moment& now,
                 CoordinatorEffects& effects);
  std::optional<DropReason> OnRoundMessage(SiteId from,
                                           const OpenedMessage& message,
                                           CoordinatorEffects& effects);
  bool IsUsable(const Member& from, const Prekey& prekey) const;
  void Exclude(SiteId site);
  bool EndsWithout(SiteId site, DropReason reason, const Moment& now, CoordinatorEffects& effects);
  void LeaveOut(const std::vector<SiteId>& sites,
                DropReason reason,
                const Moment& now,
                CoordinatorEffects& effects);
  void SettleDisputes(std::uint32_t may_collude, const Moment& now, CoordinatorEffects& effects);
  std::string NameOf(SiteId site) const;

  StudyEnvironment environment_;
  Plan plan_;
  StudyRecord record_;
  std::map<SiteId, std::size_t> decision_of_;  ///< Where each site's stands in the record.
  std::vector<JournalRecord> journal_;
  std::unique_ptr<AnalysisThread> analysis_;
  std::optional<Query> query_;  ///< Of the open round.
  std::vector<Slot> slots_;     ///< Of the open query.
  std::map<SiteId, ReadyPrekey> prekeys_;
  std::map<SiteId, SumsAt> sums_at_;  ///< Of sites that have offered a key since they started.
  std::optional<std::pair<RoundNumber, SharedBytes>> closing_;  ///< The RoundClosed last sent.
  RoundNumber framed_round_;  ///< Of the sum whose chunks these are:
  std::deque<std::pair<std::uint64_t, SharedBytes>> framed_;  ///< the newest that were asked for.
  std::unique_ptr<CoordinatorSession> session_;
  std::map<SiteId, Instant> turns_end_;  ///< Of the session's long vectors.
  /// Who, in the open attempt, refused what the key's site had dealt.
  std::map<SiteId, std::set<SiteId>> accusers_;
  std::set<SiteId> sketched_before_;   ///< Who, in it, gives no second sketch of its answer.
  std::optional<Instant> deadline_;    ///< Of the open phase, or of gathering sites.
  std::uint32_t failed_attempts_ = 0;  ///< In a row, of the open round.
};

}  // namespace consilium
