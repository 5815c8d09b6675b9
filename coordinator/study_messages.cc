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
  const Route route{environment_.federation, plan_.id, {}, {}};
  Send(site.id, MessageKind::kStudyOffer, route, Encode(StudyOffer{record_.plan_text}), effects);
  Notify(site.id, effects);
  if (restarted) {
    prekeys_.erase(site.id);
    sums_at_.erase(site.id);  // What it still holds, its next key says.
    OnLost(site.id, DropReason::kRestarted, now, effects);
    return;
  }
  // Sums closed while it was away come before any start, lest it take the question for a wrong one.
  if (const auto sums = sums_at_.find(site.id); sums != sums_at_.end()) {
    sums->second = {sums->second.known, sums->second.known, 0};
    SendSums(site.id, effects);
  }
  if (WasSentAllSums(site.id)) SendPhaseIfAwaited(site.id, effects);
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
  if (for_good && EndsWithout(site, reason, now, effects)) return;
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
  const std::optional<DropReason> reason = OnRoundMessage(from.id, message, effects);
  const bool at_fault = reason == DropReason::kTooLong;
  if (reason) {
    const bool harmless = *reason == DropReason::kWrongPhase || *reason == DropReason::kStale;
    effects.emplace_back(Note{harmless ? LogLevel::kDebug : LogLevel::kWarning,
                              "message-refused",
                              {{"study", plan_.id.Short()},
                               {"site", from.name},
                               {"kind", std::string(Name(message.kind))},
                               {"reason", std::string(Name(*reason))}}});
  }
  if (at_fault) LeaveOut({from.id}, *reason, now, effects);
  Advance(now, effects);
}

/// That a long vector is whole, and what broken connections cost.
void Study::NoteVector(SiteId site, CoordinatorEffects& effects) const {
  const std::optional<UploadProgress> progress = session_->ProgressOf(site);
  if (!progress || progress->of < 2) return;
  effects.emplace_back(Note{LogLevel::kInfo,
                            "vector-received",
                            {{"study", plan_.id.Short()},
                             {"round", std::to_string(OpenRound().value())},
                             {"site", NameOf(site)},
                             {"chunks", std::to_string(progress->of)},
                             {"repeated", std::to_string(progress->repeated)}}});
}

/// The chunk that is missing, also after a wrong one; nothing if the site's turn has not come.
void Study::AskForChunk(SiteId site, CoordinatorEffects& effects) const {
  const std::optional<std::uint64_t> next = session_->NextChunk(site);
  if (!next) return;
  Send(site, MessageKind::kChunkReceived, session_->setup().route, Encode(ChunkReceived{*next}),
       effects);
}

std::optional<DropReason> Study::OnRoundMessage(SiteId from,
                                                const OpenedMessage& message,
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
      const bool resumes = session_->NextChunk(from).has_value();
      const std::optional<DropReason> reason =
          session_->OnUploadHeader(from, *body, *message.signature);
      if (resumes) AskForChunk(from, effects);
      return reason;
    }
    case MessageKind::kSketch: {
      const auto body = Decode<Sketch>(message.body);
      return body ? session_->OnSketch(from, *body) : drop_malformed();
    }
    case MessageKind::kUploadChunk: {
      const auto body = Decode<Chunk>(message.body);
      if (!body) return drop_malformed();
      const std::optional<DropReason> reason = session_->OnChunk(from, *body);
      if (!reason && session_->HasUploaded(from)) NoteVector(from, effects);
      AskForChunk(from, effects);
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
  const SiteDecision taken{from.id, decision->kind, decision->decided_at, *message.signature};
  const auto [known, first] = decision_of_.emplace(from.id, record_.decisions.size());
  if (first) {
    record_.decisions.push_back(taken);
  } else {
    SiteDecision& before = record_.decisions[known->second];
    if (before.kind == decision->kind && before.decided_at == decision->decided_at) return;
    if (decision->decided_at < before.decided_at) return;  // An older one, replayed.
    before = taken;
  }
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
  SumsAt& sums = sums_at_[from.id];
  sums.known = prekey->known_sums;
  const bool had_all = WasSentAllSums(from.id);
  // A key that was offered before the site heard the newest sum asks for nothing.
  if (sums.known > sums.sent) sums = {sums.known, sums.known, 0};
  SendSums(from.id, effects);
  if (!had_all && WasSentAllSums(from.id)) SendPhaseIfAwaited(from.id, effects);
  TryBegin(now, effects);
}

/// What the site was not sent yet: one sum after the other, a long one chunk by chunk.
void Study::SendSums(SiteId site, CoordinatorEffects& effects) {
  if (!std::binary_search(record_.sites.begin(), record_.sites.end(), site)) return;
  SumsAt& sums = sums_at_.at(site);
  while (sums.next_chunk == 0 && sums.sent < journal_.size()) {
    const JournalRecord& entry = journal_[sums.sent];
    effects.emplace_back(SendToSite{site, ClosingOf(entry)});
    if (ChunkCount(entry.sum.size()) == 1) {
      ++sums.sent;
    } else {
      sums.next_chunk = 1;
    }
  }
}

/// Sites that take a sum in at the same time share the memory of its chunks.
SharedBytes Study::SumChunkOf(const JournalRecord& entry, std::uint64_t index) {
  if (framed_round_ != entry.round) framed_.clear();
  framed_round_ = entry.round;
  const auto known = std::find_if(framed_.begin(), framed_.end(),
                                  [&](const auto& one) { return one.first == index; });
  if (known != framed_.end()) return known->second;
  framed_.emplace_back(index, FrameChunk(MessageKind::kSumChunk, RouteOf(entry), entry.sum, index));
  if (framed_.size() > 2 * kChunksInFlight) framed_.pop_front();
  return framed_.back().second;
}

void Study::OnSumReceived(const Member& from,
                          const OpenedMessage& message,
                          const Moment& now,
                          CoordinatorEffects& effects) {
  const auto received = Decode<ChunkReceived>(message.body);
  const auto found = sums_at_.find(from.id);
  if (!received || found == sums_at_.end() || found->second.next_chunk == 0) return;
  SumsAt& sums = found->second;
  const JournalRecord& entry = journal_[sums.sent];
  if (message.route != RouteOf(entry)) return;
  const std::uint64_t chunks = ChunkCount(entry.sum.size());
  ChunkRange due = ChunksToSend(received->next, sums.next_chunk, chunks);
  // The last goes alone: with it the next round starts for the site.
  if (received->next < chunks - 1) due.last = std::min(due.last, chunks - 1);
  for (std::uint64_t index = due.first; index < due.last; ++index) {
    effects.emplace_back(SendToSite{from.id, SumChunkOf(entry, index)});
  }
  sums.next_chunk = due.last;
  if (sums.next_chunk < chunks) return;
  sums = {sums.known, sums.sent + 1, 0};
  SendSums(from.id, effects);
  if (!WasSentAllSums(from.id)) return;
  SendPhaseIfAwaited(from.id, effects);
  TryBegin(now, effects);
}

}  // namespace consilium
