// What sites say about a study, and what it makes of it.

#include <algorithm>
#include <utility>

#include "coordinator/study.h"

namespace consilium {

void Study::OnHello(const Member& site,
                    bool restarted,
                    const Moment& now,
                    CoordinatorEffects& effects) {
  const bool open = record_.state == StudyState::kOffered ||
                    record_.state == StudyState::kRunning || record_.state == StudyState::kPaused;
  const bool took_part = std::binary_search(record_.sites.begin(), record_.sites.end(), site.id);
  if (!open && !took_part) return;
  told_sums_.erase(site.id);
  const Route route{environment_.federation, plan_.id, {}, {}};
  Send(site.id, MessageKind::kStudyOffer, route, Encode(StudyOffer{record_.plan_text}), effects);
  Notify(site.id, effects);
  if (restarted) {
    prekeys_.erase(site.id);
    OnLost(site.id, DropReason::kRestarted, now, effects);
    return;
  }
  // Sums closed while it was away come before any start, lest it take the question for a wrong one.
  if (const auto known = known_sums_.find(site.id); known != known_sums_.end()) {
    SendHistory(site.id, known->second, effects);
  }
  if (KnowsAllSums(site.id)) SendPhaseIfAwaited(site.id, effects);
}

void Study::SendPhaseIfAwaited(SiteId site, CoordinatorEffects& effects) {
  if (session_ == nullptr) return;
  const std::vector<SiteId> awaited = session_->Awaited();
  if (std::binary_search(awaited.begin(), awaited.end(), site)) SendPhase(site, effects);
}

void Study::OnLost(SiteId site, DropReason reason, const Moment& now, CoordinatorEffects& effects) {
  const bool for_good = reason == DropReason::kRevoked || reason == DropReason::kNotApproved;
  if (for_good) {
    prekeys_.erase(site);
    const bool stops = record_.state == StudyState::kRunning && plan_.on_loss == OnLoss::kWait;
    if (stops && PauseIfOneIsGone(Eligible(), now, effects)) return;
  }
  if (session_ == nullptr) {
    if (for_good) TryBegin(now, effects);  // The others may have waited for this one alone.
    return;
  }
  const std::vector<SiteId> members = session_->Members();
  if (!std::binary_search(members.begin(), members.end(), site)) return;
  session_->Drop(site, reason);
  Advance(now, effects);
}

void Study::OnMessage(const Member& from,
                      const OpenedMessage& message,
                      const Moment& now,
                      CoordinatorEffects& effects) {
  switch (message.kind) {
    case MessageKind::kDecision:
      return OnDecision(from, message, now, effects);
    case MessageKind::kPrekey:
      return OnPrekey(from, message, now, effects);
    case MessageKind::kRefusal:
      return OnRefusal(from, message, now, effects);
    case MessageKind::kSumReceived:
      return OnSumReceived(from, message, now, effects);
    default:
      break;
  }
  const std::optional<DropReason> reason = OnRoundMessage(from.id, message, now, effects);
  if (reason) {
    const bool harmless = *reason == DropReason::kWrongPhase || *reason == DropReason::kStale;
    effects.emplace_back(Note{harmless ? LogLevel::kDebug : LogLevel::kWarning,
                              "message-refused",
                              {{"study", plan_.id.Short()},
                               {"site", from.name},
                               {"kind", std::string(Name(message.kind))},
                               {"reason", std::string(Name(*reason))}}});
  }
  Advance(now, effects);
}

void Study::AskForChunk(SiteId site, CoordinatorEffects& effects) const {
  Send(site, MessageKind::kChunkReceived, session_->setup().route,
       Encode(ChunkReceived{session_->NextChunk(site)}), effects);
}

/// Of long vectors a few at a time; the next ones when those are whole or given up.
void Study::AskForVectors(CoordinatorEffects& effects) const {
  for (const SiteId site : session_->GrantNext()) AskForChunk(site, effects);
}

std::optional<DropReason> Study::OnRoundMessage(SiteId from,
                                                const OpenedMessage& message,
                                                const Moment& now,
                                                CoordinatorEffects& effects) {
  if (session_ == nullptr || message.route != session_->setup().route) return DropReason::kStale;
  const auto drop_malformed = [&] {
    session_->Drop(from, DropReason::kMalformed);
    return DropReason::kMalformed;
  };
  switch (message.kind) {
    case MessageKind::kShares: {
      const auto body = Decode<Shares>(message.body);
      return body ? session_->OnShares(from, *body) : drop_malformed();
    }
    case MessageKind::kUploadHeader: {
      const auto body = Decode<UploadHeader>(message.body);
      if (!body) return drop_malformed();
      const bool resumes = session_->IsGranted(from);
      const std::optional<DropReason> reason =
          session_->OnUploadHeader(from, *body, *message.signature);
      if (resumes && session_->IsUploading(from)) AskForChunk(from, effects);
      AskForVectors(effects);
      return reason;
    }
    case MessageKind::kUploadChunk: {
      const auto body = Decode<UploadChunk>(message.body);
      if (!body) return drop_malformed();
      const std::optional<DropReason> reason = session_->OnChunk(from, *body);
      if (!reason) deadline_ = now.monotonic + plan_.deadline;  // A long vector takes its time.
      // A chunk that came without its header, or too late, is not asked for again.
      if (session_->IsUploading(from)) AskForChunk(from, effects);
      AskForVectors(effects);
      return reason;
    }
    case MessageKind::kConfirmation: {
      const auto body = Decode<Confirmation>(message.body);
      return body ? session_->OnConfirmation(from, *body, *message.signature) : drop_malformed();
    }
    case MessageKind::kUnmasking: {
      const auto body = Decode<Unmasking>(message.body);
      return body ? session_->OnUnmasking(from, *body) : drop_malformed();
    }
    default:
      return DropReason::kUnexpectedKind;
  }
}

void Study::OnDecision(const Member& from,
                       const OpenedMessage& message,
                       const Moment& now,
                       CoordinatorEffects& effects) {
  const auto decision = Decode<Decision>(message.body);
  if (!decision) return;
  auto known = std::find_if(record_.decisions.begin(), record_.decisions.end(),
                            [&](const SiteDecision& entry) { return entry.site == from.id; });
  if (known != record_.decisions.end()) {
    if (known->kind == decision->kind && known->decided_at == decision->decided_at) return;
    if (decision->decided_at < known->decided_at) return;  // An older one, replayed.
  } else {
    known = record_.decisions.insert(known, SiteDecision{});
  }
  *known = SiteDecision{from.id, decision->kind, decision->decided_at, *message.signature};
  Persist(effects);
  constexpr std::string_view kEvents[] = {"", "study-approved", "study-declined", "study-revoked"};
  const std::string event(kEvents[static_cast<std::size_t>(decision->kind)]);
  Audit(now, event, R"({"study":")" + plan_.id.ToHex() + R"(","site":")" + from.name + R"("})",
        effects);
  effects.emplace_back(
      Note{LogLevel::kInfo, event, {{"study", plan_.id.Short()}, {"site", from.name}}});
  if (decision->kind == DecisionKind::kApproved) return;
  OnLost(from.id, DropReason::kNotApproved, now, effects);
}

void Study::OnPrekey(const Member& from,
                     const OpenedMessage& message,
                     const Moment& now,
                     CoordinatorEffects& effects) {
  const auto prekey = Decode<Prekey>(message.body);
  if (!prekey || !Approves(from.id) || message.route.round != RoundNumber() ||
      message.route.attempt != AttemptNumber()) {
    return;
  }
  if (!IsUsable(from, *prekey)) {
    prekeys_.erase(from.id);
    LeaveOut({from.id}, DropReason::kUnusablePrekey, now, effects);
    TryBegin(now, effects);
    return;
  }
  prekeys_.insert_or_assign(from.id, ReadyPrekey{*prekey, *message.signature});
  known_sums_.insert_or_assign(from.id, prekey->known_sums);
  SendHistory(from.id, prekey->known_sums, effects);
  TryBegin(now, effects);
}

/// What the site does not know and was not sent already: a key that it offered before it heard the
/// newest sum asks for nothing. One sum after the other, a long one chunk by chunk.
void Study::SendHistory(SiteId site, std::uint32_t known_sums, CoordinatorEffects& effects) {
  if (!std::binary_search(record_.sites.begin(), record_.sites.end(), site)) return;
  ToldSums& told = told_sums_[site];
  if (known_sums > told.whole) told = {known_sums, 0};
  while (told.next_chunk == 0 && told.whole < journal_.size()) {
    const JournalRecord& entry = journal_[told.whole];
    const Route route{environment_.federation, plan_.id, entry.round, entry.attempt};
    Send(site, MessageKind::kRoundClosed, route, RoundClosedBody(entry), effects);
    if (entry.sum.size() <= kChunkWords) {
      ++told.whole;
    } else {
      told.next_chunk = 1;
    }
  }
}

void Study::OnSumReceived(const Member& from,
                          const OpenedMessage& message,
                          const Moment& now,
                          CoordinatorEffects& effects) {
  const auto received = Decode<SumReceived>(message.body);
  const auto found = told_sums_.find(from.id);
  if (!received || found == told_sums_.end() || found->second.next_chunk == 0) return;
  ToldSums& told = found->second;
  const JournalRecord& entry = journal_[told.whole];
  const Route route{environment_.federation, plan_.id, entry.round, entry.attempt};
  // Repeats ask for nothing, as with the vectors on their way up.
  if (message.route != route || received->next < told.next_chunk) return;
  const std::uint64_t chunks = (entry.sum.size() + kChunkWords - 1) / kChunkWords;
  // It had all of it from before.
  if (received->next >= chunks) return OnToldWhole(from.id, now, effects);
  const auto begin = entry.sum.begin() + static_cast<std::ptrdiff_t>(received->next * kChunkWords);
  const auto left = static_cast<std::size_t>(entry.sum.end() - begin);
  const auto end = begin + static_cast<std::ptrdiff_t>(std::min(left, kChunkWords));
  Send(from.id, MessageKind::kSumChunk, route, Encode(SumChunk{received->next, {begin, end}}),
       effects);
  told.next_chunk = received->next + 1;
  if (told.next_chunk == chunks) OnToldWhole(from.id, now, effects);
}

/// All of a long sum is on its way to the site: what waited for that can follow.
void Study::OnToldWhole(SiteId site, const Moment& now, CoordinatorEffects& effects) {
  ToldSums& told = told_sums_.at(site);
  told = {told.whole + 1, 0};
  SendHistory(site, told.whole, effects);
  if (!KnowsAllSums(site)) return;
  SendPhaseIfAwaited(site, effects);
  TryBegin(now, effects);
}

}  // namespace consilium
