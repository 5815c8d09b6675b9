#include "client/site_core.h"

#include <algorithm>
#include <utility>

#include "common/check.h"
#include "common/stored_rows.h"
#include "protocols/study_words.h"

namespace consilium {
namespace {

using R = RefusalReason;

/// A hello that nobody answered is said again: the connection may have died unnoticed.
constexpr Duration kHelloInterval{10'000};
/// Studies a coordinator may have on offer here at one time.
constexpr std::size_t kMaxStudies = 1'000;

StudyId StudyIdOf(ByteSpan key) {
  StudyId id;
  std::copy_n(key.begin(), std::min<std::size_t>(key.size(), 32), id.bytes.begin());
  return id;
}

/// The second half of a key of table "sum".
std::optional<std::uint64_t> RoundOf(ByteSpan key) {
  if (key.size() != 40) return std::nullopt;
  std::uint64_t round = 0;
  for (const std::byte byte : key.subspan(32)) {
    round = (round << 8) | std::to_integer<std::uint64_t>(byte);
  }
  return round;
}

/// Who was revoked comes back under another number: the keys may have been stolen.
bool IsRevived(const Member& known, const Member& now_listed) {
  return known.state == MemberState::kRevoked && now_listed.state == MemberState::kActive;
}

/// Whether a message that was refused is the coordinator's at all.
bool IsFromCoordinator(const OpenedMessage& message, const Refusal& refusal) {
  return IsSigned(message.kind) && refusal.reason != R::kOtherFederation &&
         refusal.reason != R::kNotSignedByCoordinator;
}

}  // namespace

SiteCore::SiteCore(Settings settings,
                   const SigningKey& identity,
                   Result<Policy> policy,
                   RandomSource& random)
    : settings_(std::move(settings)),
      identity_(identity),
      random_(random),
      policy_(std::move(policy)),
      boot_(random.Draw<16>()),
      ledger_(std::string(kLedgerTable), std::string(kLedgerDomain)) {}

SiteCore::~SiteCore() = default;

SiteEnvironment SiteCore::Environment() {
  SiteEnvironment environment;
  environment.identity = &identity_;
  environment.random = &random_;
  environment.federation = settings_.federation;
  environment.roster = &roster_;
  environment.common = settings_.common;
  environment.policy = &policy_;
  environment.ledger = &ledger_;
  environment.answered = &answered_;
  environment.sketched = &sketched_;
  environment.privacy = &privacy_;
  environment.cohorts = &cohorts_;
  environment.history = &history_;
  environment.excluded = &excluded_;
  environment.approvers = &approvers_;
  environment.rollback = &rollback_;
  return environment;
}

/// What was answered, with which patients, and what answers with noise have told.
Status SiteCore::RestoreAnswers(const RecordStore& store) {
  const auto question_of = [](const Bytes& key) {
    Digest question;
    std::copy_n(key.begin(), std::min<std::size_t>(key.size(), 32), question.bytes.begin());
    return question;
  };
  TRY(auto answers, LoadRows<AnsweredRecord>(store, "answered"));
  for (auto& [key, answered] : answers) answered_.emplace(question_of(key), std::move(answered));
  TRY(const auto sketches, LoadRows<SketchedRecord>(store, "sketched"));
  for (const auto& [key, sketched] : sketches) sketched_.emplace(question_of(key), sketched);
  TRY_STATUS(cohorts_.Restore(store));
  TRY(const auto spent, LoadRows<PrivacyRecord>(store, "privacy"));
  for (const auto& [key, privacy] : spent) {
    privacy_ = privacy;
    if (!(privacy_.rho >= 0)) return Fail(ErrorCode::kCorrupt, "privacy spent is no number");
  }
  return {};
}

bool SiteCore::IsGenuine(const SignedRoster& roster) const {
  return settings_.common != nullptr ? settings_.common->Verify(roster, settings_.coordinator)
                                     : VerifyRoster(roster, settings_.coordinator);
}

void SiteCore::KeepRoster(SignedRoster roster) {
  roster_ = settings_.common != nullptr ? settings_.common->Share(std::move(roster))
                                        : std::make_shared<const SignedRoster>(std::move(roster));
}

Status SiteCore::Restore(const RecordStore& store) {
  TRY_STATUS(ledger_.Restore(store, identity_.public_key()));
  TRY_STATUS(history_.Restore(store, kLedgerTable));
  TRY(auto rosters, LoadRows<SignedRoster>(store, "roster"));
  for (auto& [key, roster] : rosters) {
    if (!IsGenuine(roster)) {
      return Fail(ErrorCode::kCorrupt, "the stored roster is not signed by the pinned coordinator");
    }
    KeepRoster(std::move(roster));
  }
  TRY_STATUS(RestoreReceipts(store));
  TRY_STATUS(RestoreAnswers(store));
  TRY_STATUS(RestoreExclusions(store));
  TRY_STATUS(RestoreApprovers(store));
  std::map<StudyId, std::map<std::uint64_t, KnownSum>> sums;
  TRY(auto known, LoadRows<KnownSum>(store, "sum"));
  for (auto& [key, sum] : known) {
    const std::optional<std::uint64_t> round = RoundOf(key);
    if (!round) return Fail(ErrorCode::kCorrupt, "a key of table 'sum' was altered");
    sums[StudyIdOf(key)].emplace(*round, std::move(sum));
  }
  std::map<StudyId, SiteStateRecord> states;
  TRY(auto kept, LoadRows<SiteStateRecord>(store, "state"));
  for (auto& [key, state] : kept) {
    states.emplace(StudyIdOf(key), std::move(state));
  }
  std::map<StudyId, ApprovalRecord> approvals;
  TRY(auto approved, LoadRows<ApprovalRecord>(store, "approval"));
  for (auto& [key, approval] : approved) {
    approvals.emplace(StudyIdOf(key), std::move(approval));
  }
  TRY(auto studies, LoadRows<SiteStudyRecord>(store, "study"));
  for (auto& [key, row] : studies) {
    const StudyId id = StudyIdOf(key);
    TRY(Plan plan, ParsePlan(row.plan_text, "stored plan " + id.Short()));
    if (plan.id != id) {
      return Fail(ErrorCode::kCorrupt, "the stored plan of study " + id.Short() + " was altered");
    }
    auto study = std::make_unique<SiteStudy>(Environment(), std::move(plan), std::move(row));
    TRY_STATUS(study->RestoreSums(std::move(sums[id])));
    sums.erase(id);
    if (const auto state = states.find(id); state != states.end()) {
      study->RestoreState(std::move(state->second));
    }
    if (const auto approval = approvals.find(id); approval != approvals.end()) {
      TRY_STATUS(study->RestoreApproval(std::move(approval->second)));
    }
    studies_.emplace(id, std::move(study));
  }
  if (!sums.empty()) {
    return Fail(ErrorCode::kCorrupt, "table 'sum' holds rounds of study " +
                                         sums.begin()->first.Short() +
                                         ", which table 'study' lacks");
  }
  return CompareWithLedger(store);
}

void SiteCore::SetPolicy(Result<Policy> policy) { policy_ = std::move(policy); }

// -- The site's people --------------------------------------------------------------------------

Result<StudyId> SiteCore::FindStudy(std::string_view number) const {
  return StudyWithDigitsIn(studies_, number, "studies");
}

Result<SiteStudy*> SiteCore::Offered(const StudyId& study) const {
  const auto found = studies_.find(study);
  if (found == studies_.end()) {
    return Fail(ErrorCode::kNotFound, "no study has the number " + study.Short());
  }
  return found->second.get();
}

Result<SiteStudyView> SiteCore::View(const StudyId& study) const {
  TRY(const SiteStudy* const offered, Offered(study));
  return offered->View();
}

Result<std::optional<std::string>> SiteCore::LacksApproval(const StudyId& study,
                                                           const Moment& now) const {
  TRY(const SiteStudy* const offered, Offered(study));
  return offered->LacksApproval(now);
}

Result<const Plan*> SiteCore::PlanOf(const StudyId& study) const {
  TRY(const SiteStudy* const offered, Offered(study));
  return &offered->plan();
}

Result<std::optional<AnalysisResult>> SiteCore::ResultOf(const StudyId& study) {
  TRY(SiteStudy* const offered, Offered(study));
  if (offered->record().state != StudyState::kFinished) return std::optional<AnalysisResult>();
  return offered->KnownResult();
}

std::vector<SiteStudyView> SiteCore::Studies() const {
  std::vector<SiteStudyView> views;
  for (const auto& [id, study] : studies_) views.push_back(study->View());
  return views;
}

// -- The network
// ---------------------------------------------------------------------------------------

void SiteCore::SayHello(const Moment& now, SiteEffects& effects) {
  Hello hello;
  hello.boot = boot_;
  hello.roster_epoch = roster_ ? roster_->roster.epoch : RosterEpoch();
  hello.receipt = receipt_;
  hello.software = settings_.software;
  effects.emplace_back(SendToCoordinator{SealMessage(
      MessageKind::kHello, Route{settings_.federation, {}, {}, {}}, Encode(hello), identity_)});
  hello_again_ = now.monotonic + kHelloInterval;
}

SiteEffects SiteCore::OnConnected(const Moment& now) {
  SiteEffects effects;
  connected_ = true;
  welcomed_ = false;
  SayHello(now, effects);
  return effects;
}

void SiteCore::OnDisconnected() {
  connected_ = false;
  welcomed_ = false;
  hello_again_.reset();
}

SiteEffects SiteCore::OnTick(const Moment& now) {
  SiteEffects effects;
  if (connected_ && !welcomed_ && hello_again_ && now.monotonic >= *hello_again_) {
    SayHello(now, effects);
  }
  return effects;
}

std::optional<Instant> SiteCore::NextDeadline() const {
  return connected_ && !welcomed_ ? hello_again_ : std::nullopt;
}

void SiteCore::SayRefusal(const OpenedMessage& message,
                          const Refusal& refusal,
                          SiteEffects& effects) {
  effects.emplace_back(
      Note{LogLevel::kWarning,
           "refused",
           {{"kind", std::string(Name(message.kind))},
            {"reason", std::string(Name(refusal.reason))},
            {"about", refusal.about ? std::to_string(refusal.about->value()) : ""}}});
  // Only the coordinator is answered: a stranger's bytes must not end this site's part in a round.
  if (!IsFromCoordinator(message, refusal)) return;
  RefusalMessage body;
  body.refused_kind = static_cast<std::uint16_t>(message.kind);
  body.reason = static_cast<std::uint16_t>(refusal.reason);
  body.about = refusal.about.value_or(SiteId());
  effects.emplace_back(SendToCoordinator{
      SealMessage(MessageKind::kRefusal, message.route, Encode(body), identity_)});
}

SiteEffects SiteCore::OnMessage(const Moment& now, ByteSpan bytes) {
  SiteEffects effects;
  const Result<OpenedMessage> message = OpenMessage(bytes);
  if (!message) {
    effects.emplace_back(Note{
        LogLevel::kWarning, "message-refused", {{"reason", std::string(Name(R::kMalformed))}}});
    return effects;
  }
  if (auto taken = Dispatch(now, *message, effects); !taken) {
    // Nothing has changed; what people should know of it stays.
    std::erase_if(effects,
                  [](const SiteEffect& effect) { return !std::holds_alternative<Note>(effect); });
    const auto study = studies_.find(message->route.study);
    if (study != studies_.end() && IsFromCoordinator(*message, taken.error())) {
      study->second->NoteRefusal(taken.error());
    }
    SayRefusal(*message, taken.error(), effects);
  }
  return effects;
}

Judged<SiteStudy*> SiteCore::StudyOf(const OpenedMessage& message) {
  const auto study = studies_.find(message.route.study);
  if (study == studies_.end()) return Refuse(R::kNotApproved);
  return study->second.get();
}

Judged<void> SiteCore::Dispatch(const Moment& now,
                                const OpenedMessage& message,
                                SiteEffects& effects) {
  if (message.route.federation != settings_.federation) return Refuse(R::kOtherFederation);
  if (IsSigned(message.kind) && !VerifySender(message, settings_.coordinator)) {
    return Refuse(R::kNotSignedByCoordinator);
  }
  if (message.kind == MessageKind::kWelcome) return OnWelcome(message, effects);
  if (message.kind == MessageKind::kLedgerHead) return OnLedgerHead(message, effects);
  if (message.kind == MessageKind::kStudyOffer) return OnStudyOffer(now, message, effects);
  const Judged<SiteStudy*> study = StudyOf(message);
  if (!study) return tl::unexpected<Refusal>(study.error());
  switch (message.kind) {
    case MessageKind::kStudyNotice: {
      const auto notice = Decode<StudyNotice>(message.body);
      if (!notice) return Refuse(R::kMalformed);
      (*study)->OnNotice(*notice, effects);
      return {};
    }
    case MessageKind::kRoundStart:
      return (*study)->OnRoundStart(message, now, effects);
    case MessageKind::kDelivery:
      return (*study)->OnDelivery(message, now, effects);
    case MessageKind::kChunkReceived:
      return (*study)->OnChunkReceived(message, effects);
    case MessageKind::kSketchRequest:
      return (*study)->OnSketchRequest(message, now, effects);
    case MessageKind::kSurvivors:
      return (*study)->OnSurvivors(message, effects);
    case MessageKind::kQuorum:
      return (*study)->OnQuorum(message, effects);
    case MessageKind::kRoundClosed:
      return (*study)->OnRoundClosed(message, effects);
    case MessageKind::kSumChunk:
      return (*study)->OnSumChunk(message, effects);
    case MessageKind::kAttemptEnded:
      (*study)->OnAttemptEnded(message, effects);
      return {};
    default:
      return Refuse(R::kUnexpected);
  }
}

Judged<void> SiteCore::OnWelcome(const OpenedMessage& message, SiteEffects& effects) {
  const auto welcome = Decode<consilium::Welcome>(message.body);
  if (!welcome) return Refuse(R::kMalformed);
  auto roster = Decode<SignedRoster>(welcome->roster);
  if (!roster) return Refuse(R::kMalformed);
  const Receipt& receipt = welcome->receipt;
  if (receipt.head.records > 0 && !VerifyReceipt(receipt, settings_.coordinator)) {
    return Refuse(R::kNotSignedByCoordinator);  // It could never be held to such a receipt.
  }
  if (!IsGenuine(*roster) || roster->roster.federation != settings_.federation) {
    return Refuse(R::kRosterForged);
  }
  if (roster_) {
    if (roster->roster.epoch < roster_->roster.epoch) return Refuse(R::kRosterRolledBack);
    if (roster->roster.epoch == roster_->roster.epoch && Encode(*roster) != Encode(*roster_)) {
      return Refuse(R::kRosterForged);
    }
    for (const Member& known : roster_->roster.members) {
      const Member* now_listed = roster->roster.Find(known.id);
      if (now_listed == nullptr || now_listed->identity != known.identity ||
          now_listed->name != known.name || IsRevived(known, *now_listed)) {
        return Refuse(R::kRosterChangesAMember, known.id);
      }
    }
  }
  const bool listed = std::any_of(
      roster->roster.members.begin(), roster->roster.members.end(), [&](const Member& member) {
        return member.identity == identity_.public_key() && member.state == MemberState::kActive;
      });
  if (!listed) return Refuse(R::kNotInRoster);
  RecordBatch batch;
  if (!roster_ || Encode(*roster) != Encode(*roster_)) {
    batch.push_back(PutRecord{"roster", ToBytes("current"), Encode(*roster)});
    KeepRoster(*std::move(roster));
  }
  if (welcome->receipt.head.records > receipt_.head.records) {
    receipt_ = welcome->receipt;
    batch.push_back(PutRecord{"receipt", ToBytes("coordinator"), Encode(receipt_)});
  }
  if (!batch.empty()) effects.emplace_back(Persist{std::move(batch)});
  const bool first = !welcomed_;
  welcomed_ = true;
  hello_again_.reset();
  if (!first) return {};
  effects.emplace_back(Note{LogLevel::kInfo,
                            "welcomed",
                            {{"federation", roster_->roster.federation_name},
                             {"members", std::to_string(roster_->roster.members.size())}}});
  if (!rollback_) {
    SayLedgerHead({settings_.federation, {}, {}, {}}, ledger_, identity_, effects);
  }
  for (auto& [id, study] : studies_) study->OnWelcome(effects);
  return {};
}

Judged<void> SiteCore::OnStudyOffer(const Moment& now,
                                    const OpenedMessage& message,
                                    SiteEffects& effects) {
  const auto offer = Decode<StudyOffer>(message.body);
  if (!offer) return Refuse(R::kMalformed);
  if (studies_.contains(message.route.study)) return {};
  if (studies_.size() >= kMaxStudies) return Refuse(R::kPolicyForbids);
  Result<Plan> plan = ParsePlan(offer->plan_text, "offered plan");
  if (!plan) return Refuse(R::kPlanInvalid);
  if (plan->id != message.route.study) return Refuse(R::kPlanChanged);
  SiteStudyRecord record;
  record.plan_text = offer->plan_text;
  record.offered_at = now.utc;
  const StudyId id = plan->id;
  effects.emplace_back(Persist{{PutRecord{"study", ToBytes(id.span()), Encode(record)}}});
  effects.emplace_back(
      Note{LogLevel::kInfo, "study-offered", {{"study", id.Short()}, {"title", plan->title}}});
  studies_.emplace(id,
                   std::make_unique<SiteStudy>(Environment(), std::move(*plan), std::move(record)));
  return {};
}

SiteEffects SiteCore::OnAnswer(const Moment& now,
                               const StudyId& study,
                               RoundNumber round,
                               AttemptNumber attempt,
                               Result<ComputedAnswer> answer) {
  SiteEffects effects;
  const auto found = studies_.find(study);
  if (found == studies_.end()) return effects;
  const auto taken = found->second->OnAnswer(round, attempt, std::move(answer), now, effects);
  if (!taken) {
    found->second->NoteRefusal(taken.error());
    OpenedMessage start;
    start.kind = MessageKind::kRoundStart;
    start.route = Route{settings_.federation, study, round, attempt};
    SayRefusal(start, taken.error(), effects);
  }
  return effects;
}

}  // namespace consilium
