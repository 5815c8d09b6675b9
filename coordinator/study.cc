#include "coordinator/study.h"

#include <algorithm>
#include <utility>

#include "common/check.h"
#include "common/crypto/hash.h"
#include "protocols/privacy/noise.h"
#include "protocols/result_document.h"
#include "protocols/secure_sum/thresholds.h"
#include "protocols/study_words.h"

namespace consilium {
namespace {

bool IsOpen(StudyState state) {
  return state == StudyState::kOffered || state == StudyState::kRunning ||
         state == StudyState::kPaused;
}

tl::unexpected<Error> WrongState(StudyState state, std::string_view wish) {
  return Fail(ErrorCode::kConflict,
              "the study is " + std::string(Name(state)) + " and cannot be " + std::string(wish));
}

}  // namespace

Study::Study(const StudyEnvironment& environment, Plan plan, StudyRecord record)
    : environment_(environment), plan_(std::move(plan)), record_(std::move(record)) {
  for (std::size_t i = 0; i < record_.decisions.size(); ++i) {
    decision_of_.emplace(record_.decisions[i].site, i);
  }
}

Study::~Study() = default;

Status Study::RestoreJournal(std::vector<JournalRecord> journal) {
  std::uint32_t expected = 1;
  for (const JournalRecord& entry : journal) {
    if (entry.round != RoundNumber(expected)) {
      return Fail(ErrorCode::kCorrupt, "the journal of study " + plan_.id.Short() +
                                           " lacks round " + std::to_string(expected));
    }
    ++expected;
  }
  journal_ = std::move(journal);
  return {};
}

std::string Study::NameOf(SiteId site) const {
  const Member* member = environment_.roster->roster.Find(site);
  return member == nullptr ? "site " + std::to_string(site.value()) : member->name;
}

RoundNumber Study::OpenRound() const {
  return RoundNumber(static_cast<std::uint32_t>(journal_.size()) + 1);
}

void Study::Persist(CoordinatorEffects& effects) const {
  effects.emplace_back(
      consilium::Persist{{PutRecord{"study", ToBytes(plan_.id.span()), Encode(record_)}}});
}

void Study::Audit(const Moment& now,
                  std::string event,
                  std::string detail,
                  CoordinatorEffects& effects) const {
  effects.emplace_back(consilium::Persist{{environment_.audit->Append(
      now.utc, std::move(event), std::move(detail), *environment_.identity)}});
}

SharedBytes Study::MessageOf(MessageKind kind, const Route& route, ByteSpan body) const {
  return IsSigned(kind) ? SealMessage(kind, route, body, *environment_.identity)
                        : FrameMessage(kind, route, body);
}

void Study::Send(SiteId site,
                 MessageKind kind,
                 const Route& route,
                 ByteSpan body,
                 CoordinatorEffects& effects) const {
  effects.emplace_back(SendToSite{site, MessageOf(kind, route, body)});
}

void Study::Notify(SiteId site, CoordinatorEffects& effects) const {
  const Route route{environment_.federation, plan_.id, {}, {}};
  Send(site, MessageKind::kStudyNotice, route, Encode(StudyNotice{record_.state, record_.reason}),
       effects);
}

void Study::NotifyAll(CoordinatorEffects& effects) const {
  for (const auto& [site, link] : *environment_.links) {
    if (link.connected) Notify(site, effects);
  }
}

void Study::SetState(StudyState state,
                     std::string reason,
                     const Moment& now,
                     CoordinatorEffects& effects) {
  record_.state = state;
  record_.reason = std::move(reason);
  record_.reason.resize(std::min<std::size_t>(record_.reason.size(), 2'000));
  if (!IsOpen(state)) record_.ended_at = now.utc;
  Persist(effects);
  Audit(now, "study-" + std::string(Name(state)), R"({"study":")" + plan_.id.ToHex() + R"("})",
        effects);
  effects.emplace_back(Note{LogLevel::kInfo,
                            "study-" + std::string(Name(state)),
                            {{"study", plan_.id.Short()}, {"reason", record_.reason}}});
  NotifyAll(effects);
}

// -- Commands
// ------------------------------------------------------------------------------------------

Status Study::Start(const Moment& now, CoordinatorEffects& effects) {
  if (record_.state != StudyState::kOffered) return WrongState(record_.state, "started");
  if (DateOf(now.utc) > plan_.expires) {
    return Fail(ErrorCode::kConflict, "the plan expired on " + ToText(plan_.expires),
                "Submit it again with a later `expires`.");
  }
  std::vector<SiteId> approved;
  for (const SiteDecision& decision : record_.decisions) {
    if (decision.kind == DecisionKind::kApproved &&
        environment_.roster->roster.IsActive(decision.site)) {
      approved.push_back(decision.site);
    }
  }
  std::sort(approved.begin(), approved.end());
  if (approved.size() < plan_.minimum_sites) {
    return Fail(
        ErrorCode::kConflict,
        std::to_string(approved.size()) + " sites have approved; the plan's minimum_sites is " +
            std::to_string(plan_.minimum_sites),
        "Wait for more approvals, or submit a plan with a lower minimum_sites (3 at least).");
  }
  TRY_STATUS(ThresholdsFor(static_cast<std::uint32_t>(approved.size()), plan_.minimum_sites));
  record_.sites = std::move(approved);
  record_.started_at = now.utc;
  SetState(StudyState::kRunning, "", now, effects);
  Continue(now, effects);
  return {};
}

Status Study::Pause(const std::string& reason, const Moment& now, CoordinatorEffects& effects) {
  if (record_.state != StudyState::kRunning) return WrongState(record_.state, "paused");
  PauseBecause(reason, now, effects);
  return {};
}

void Study::PauseBecause(std::string reason, const Moment& now, CoordinatorEffects& effects) {
  EndAttempt("the study is paused", now, effects);
  deadline_.reset();
  SetState(StudyState::kPaused, std::move(reason), now, effects);
}

Status Study::Resume(const Moment& now, CoordinatorEffects& effects) {
  if (record_.state != StudyState::kPaused) return WrongState(record_.state, "resumed");
  failed_attempts_ = 0;
  SetState(StudyState::kRunning, "", now, effects);
  Continue(now, effects);
  return {};
}

Status Study::Stop(const Moment& now, CoordinatorEffects& effects) {
  if (!IsOpen(record_.state)) return WrongState(record_.state, "stopped");
  EndAttempt("the study is stopped", now, effects);
  deadline_.reset();
  analysis_.reset();
  SetState(StudyState::kStopped, "stopped by the coordinator's administrator", now, effects);
  return {};
}

// -- The analysis
// --------------------------------------------------------------------------------------

void Study::Continue(const Moment& now, CoordinatorEffects& effects) {
  if (record_.state != StudyState::kRunning) return;
  if (analysis_ == nullptr && !OpenAnalysis(now, effects)) return;
  TryBegin(now, effects);
}

bool Study::OpenAnalysis(const Moment& now, CoordinatorEffects& effects) {
  analysis_ = std::make_unique<AnalysisThread>(plan_.analysis);
  AnalysisThread::Step step = analysis_->Start();
  for (const JournalRecord& entry : journal_) {
    std::optional<Aggregate> aggregate = AggregateOf(step, entry);
    if (!aggregate) {
      analysis_.reset();
      SetState(StudyState::kPaused,
               "the journal does not fit this version's analysis at round " +
                   std::to_string(entry.round.value()) + "; run it with the version it began with",
               now, effects);
      return false;
    }
    step = analysis_->Resume(std::move(*aggregate));
  }
  TakeStep(std::move(step), now, effects);
  return record_.state == StudyState::kRunning;
}

/// The recorded sum, if it is one of what the analysis asks now.
std::optional<Aggregate> Study::AggregateOf(const AnalysisThread::Step& step,
                                            const JournalRecord& entry) const {
  const Query* query = std::get_if<Query>(&step);
  if (query == nullptr || HashBytes(query->body) != entry.query) return std::nullopt;
  const auto slices = plan_.analysis->Describe(*query);
  if (!slices) return std::nullopt;
  Result<Aggregate> aggregate = OpenAggregate(entry.sum, SlotsOf(*slices), entry.capacity,
                                              static_cast<std::uint32_t>(entry.survivors.size()));
  return aggregate ? std::optional(*std::move(aggregate)) : std::nullopt;
}

void Study::TakeStep(AnalysisThread::Step step, const Moment& now, CoordinatorEffects& effects) {
  if (auto* result = std::get_if<Result<AnalysisResult>>(&step)) {
    Finish(*result, now, effects);
    return;
  }
  query_ = std::get<Query>(std::move(step));
  const auto slices = plan_.analysis->Describe(*query_);
  if (!slices) {
    Finish(Fail(ErrorCode::kNotEstimable, slices.error().message), now, effects);
    return;
  }
  slots_ = SlotsOf(*slices);
  if (WordsOf(slots_) > kMaxVectorWords) {
    Finish(Fail(ErrorCode::kNotEstimable,
                "the analysis sums " + std::to_string(WordsOf(slots_)) +
                    " words a round; this version carries " + std::to_string(kMaxVectorWords),
                "Use fewer terms."),
           now, effects);
  }
}

void Study::Finish(const Result<AnalysisResult>& result,
                   const Moment& now,
                   CoordinatorEffects& effects) {
  analysis_.reset();
  query_.reset();
  deadline_.reset();
  if (!result) {
    SetState(StudyState::kFailed, Describe(result.error()), now, effects);
    return;
  }
  std::string document =
      ResultDocument(plan_, *result, static_cast<std::uint32_t>(journal_.size()));
  if (document.size() > kLargestResult || result->table.size() > kLargestTable) {
    // Stored it could never be read again, so each restart would come to this point anew.
    SetState(StudyState::kFailed,
             "the result takes " + std::to_string(document.size()) + " bytes, more than the " +
                 std::to_string(kLargestResult) + " that can be kept; ask for fewer features",
             now, effects);
    return;
  }
  record_.result_table = result->table;
  record_.result_json = std::move(document);
  SetState(StudyState::kFinished, "", now, effects);
}

// -- What an administrator sees
// -------------------------------------------------------------------------

StudyView Study::View() const {
  StudyView view;
  view.id = plan_.id;
  view.title = plan_.title;
  view.kind = std::string(plan_.analysis->kind());
  view.state = record_.state;
  view.reason = record_.reason.empty() ? WaitingFor() : record_.reason;
  view.submitted_at = record_.submitted_at;
  view.started_at = record_.started_at;
  view.ended_at = record_.ended_at;
  view.rounds_done = static_cast<std::uint32_t>(journal_.size());
  view.rounds_at_most = plan_.analysis->maximum_rounds();
  std::vector<SiteId> awaited;
  std::vector<SiteId> members;
  if (session_ != nullptr) {
    awaited = session_->Awaited();
    members = session_->Members();
    view.attempt = record_.attempt.value();
    view.phase = Name(session_->phase());
    view.expected = static_cast<std::uint32_t>(members.size());
    view.answered = view.expected - static_cast<std::uint32_t>(awaited.size());
  } else if (record_.state == StudyState::kRunning) {
    view.phase = "gathering sites";
    view.expected = static_cast<std::uint32_t>(Eligible().size());
    view.answered = static_cast<std::uint32_t>(ReadyOf(Eligible()).size());
  }
  for (const Member& member : environment_.roster->roster.members) {
    StudySiteView site;
    site.id = member.id;
    site.name = member.name;
    const auto link = environment_.links->find(member.id);
    site.connected = link != environment_.links->end() && link->second.connected;
    if (const SiteDecision* decision = DecisionOf(member.id)) site.decision = decision->kind;
    site.frozen_in = std::binary_search(record_.sites.begin(), record_.sites.end(), member.id);
    if (!site.frozen_in && member.state == MemberState::kRevoked) continue;
    const bool awaits = std::binary_search(awaited.begin(), awaited.end(), member.id);
    if (std::binary_search(record_.excluded.begin(), record_.excluded.end(), member.id)) {
      site.progress = "excluded";
    } else if (session_ != nullptr && session_->dropped().contains(member.id)) {
      site.progress = "dropped: " + std::string(Name(session_->dropped().at(member.id)));
    } else if (session_ != nullptr &&
               std::binary_search(members.begin(), members.end(), member.id)) {
      site.progress = awaits ? "awaited" : "answered";
      if (session_->phase() == SumPhase::kUploading && awaits) {
        site.upload = session_->ProgressOf(member.id);
      }
    } else if (record_.state == StudyState::kRunning && site.frozen_in) {
      site.progress = prekeys_.contains(member.id) ? "ready" : "not ready";
    }
    view.sites.push_back(std::move(site));
  }
  return view;
}

}  // namespace consilium
