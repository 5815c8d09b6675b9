// A site's part in a round: what it checks before each step, and what it makes durable before it
// speaks.

#include <algorithm>
#include <cmath>
#include <utility>

#include "client/site_study.h"
#include "common/crypto/hash.h"
#include "protocols/norm_check.h"
#include "protocols/privacy/noise.h"
#include "protocols/secure_sum/thresholds.h"

namespace consilium {

using R = RefusalReason;

namespace {

template <class Entries, class Which>
std::vector<SiteId> SitesOf(const Entries& entries, Which which) {
  std::vector<SiteId> sites;
  sites.reserve(entries.size());
  for (const auto& entry : entries) sites.push_back(entry.*which);
  return sites;
}

}  // namespace

/// What the coordinator is told, with the words for this site's people set aside for NoteRefusal.
Judged<void> SiteStudy::Forbid(const PolicyRefusal& why) {
  policy_words_ = Describe(why);
  return Refuse(ReasonToTell(why.rule));
}

Judged<void> SiteStudy::MayAnswer(const Moment& now) {
  if (!record_.decision || record_.decision->kind != DecisionKind::kApproved) {
    return Refuse(R::kNotApproved);
  }
  if (*environment_.rollback) return Refuse(R::kStateRolledBack);
  if (plan_.expires < DateOf(now.utc)) return Refuse(R::kPlanExpired);
  if (!environment_.policy->has_value()) return Refuse(R::kPolicyForbids);
  if (std::optional<std::string> lacks = LacksApproval(now)) {
    policy_words_ = std::move(*lacks);
    return Refuse(R::kNotApproved);
  }
  if (const PolicyStatus allowed = CheckPlan(**environment_.policy, plan_, now.utc); !allowed) {
    return Forbid(allowed.error());
  }
  return {};
}

/// What one more answer depends on beside plan and data: hours, quotas, the budget, and what the
/// plan promises.
Judged<void> SiteStudy::MayLeave(const Moment& now) {
  const Policy& policy = **environment_.policy;
  if (const PolicyStatus now_is_good = CheckTimes(policy, now.utc); !now_is_good) {
    return Forbid(now_is_good.error());
  }
  const AnswersSoFar so_far = environment_.history->Before(now.utc, plan_.id);
  if (const PolicyStatus few_enough = CheckQuotas(policy, so_far); !few_enough) {
    return Forbid(few_enough.error());
  }
  if (const PolicyStatus affordable = MaySpend(); !affordable) return Forbid(affordable.error());
  if (const Status kept = KeepsPromise(); !kept) {
    policy_words_ = Describe(kept.error());
    return Refuse(R::kPromiseSpent);
  }
  return {};
}

/// Whether the plan's epsilon covers what was answered and all rounds to come. A study that it
/// would leave without a result tells nothing more.
Status SiteStudy::KeepsPromise() const {
  if (!plan_.dp) return {};
  const std::uint64_t rounds = plan_.analysis->maximum_rounds();
  const std::uint64_t closed = std::min<std::uint64_t>(rounds, sums_.size());
  return CheckPromise(*plan_.dp, environment_.history->AnswersTo(plan_.id), rounds - closed);
}

/// Sites that people here know must be in it: the others may all be one and the same person's.
PolicyStatus SiteStudy::HoldsAnchors(const std::vector<SiteId>& sites) const {
  return CheckAnchors(**environment_.policy, (*environment_.roster)->roster, sites);
}

/// Without noise: what such answers tell together is bounded by rules, not by a budget.
bool SiteStudy::IsExact() const { return plan_.analysis->privacy_loss_of_a_round() == 0; }

/// Noise hides the few patients between two cohorts; rules have to where there is none.
PolicyStatus SiteStudy::IsApart(const CohortPatients& patients) const {
  if (!IsExact()) return {};
  return CheckDifference(**environment_.policy, *environment_.cohorts, patients);
}

/// Whether the policy's budget has room for one more answer of this study.
PolicyStatus SiteStudy::MaySpend() const {
  return CheckBudget(**environment_.policy, plan_, environment_.privacy->rho);
}

/// Each answer is charged, whatever becomes of its attempt: the site cannot know whether a sum that
/// it helped to open was opened. Nothing for an answer without noise.
std::optional<PutRecord> SiteStudy::Charge() {
  const double loss = plan_.analysis->privacy_loss_of_a_round();
  if (loss == 0) return std::nullopt;
  PrivacyRecord& privacy = *environment_.privacy;
  privacy.rho = LossAfter(privacy.rho, loss);
  const std::string_view key = "spent";
  return PutRecord{"privacy", ToBytes(std::as_bytes(std::span(key))), Encode(privacy)};
}

Judged<void> SiteStudy::CheckParticipants(const RoundStart& start) {
  const auto count = static_cast<std::uint32_t>(start.participants.size());
  if (const PolicyStatus enough = CheckSum(**environment_.policy, plan_, count); !enough) {
    return Forbid(enough.error());
  }
  if (start.thresholds.minimum < plan_.minimum_sites) return Refuse(R::kMinimumLowered);
  const PolicyStatus anchored = HoldsAnchors(SitesOf(start.participants, &Participant::site));
  if (!anchored) return Forbid(anchored.error());
  if (plan_.on_loss != OnLoss::kWait || record_.frozen.empty()) return {};
  const bool same = std::equal(
      start.participants.begin(), start.participants.end(), record_.frozen.begin(),
      record_.frozen.end(),
      [](const Participant& participant, SiteId site) { return participant.site == site; });
  if (!same) return Refuse(R::kFrozenSetChanged);
  return {};
}

Judged<SiteStudy::Started> SiteStudy::CheckRoundStart(const Route& route, const RoundStart& start) {
  const Roster& roster = (*environment_.roster)->roster;
  if (start.roster_epoch != roster.epoch) return Refuse(R::kRosterRolledBack);
  if (auto checked = CheckParticipants(start); !checked) {
    return tl::unexpected<Refusal>(checked.error());
  }
  Judged<Query> query = ExpectedQuery();
  if (!query) return tl::unexpected<Refusal>(query.error());
  if (HashBytes(query->body) != start.query_hash) return Refuse(R::kQueryNotDerived);
  const auto slices = plan_.analysis->Describe(*query);
  if (!slices) return Refuse(R::kQueryMalformed);
  std::vector<Slot> slots = SlotsOf(*slices);
  const auto count = static_cast<std::uint32_t>(start.participants.size());
  if (!CheckCapacity(slots, count) || WordsOf(slots) > kMaxVectorWords) {
    return Refuse(R::kCapacityExceeded);
  }
  SessionSetup setup;
  setup.route = route;
  setup.start = start;
  setup.codec = CodecDigest(slots, count);
  setup.words = WordsOf(slots);
  setup.check = NormCheckOf(*plan_.analysis, *query, count);
  setup.own_minimum = MinimumSites(**environment_.policy, plan_);
  for (const Member& member : roster.members) {
    if (member.state == MemberState::kActive) {
      setup.identities.emplace(member.id, member.identity);
    }
  }
  setup.common = environment_.common;
  auto shared = setup.common != nullptr ? setup.common->Share(std::move(setup))
                                        : std::make_shared<const SessionSetup>(std::move(setup));
  return Started{std::move(shared), std::move(*query), std::move(slots)};
}

Judged<void> SiteStudy::OnRoundStart(const OpenedMessage& message,
                                     const Moment& now,
                                     SiteEffects& effects) {
  const auto start = Decode<RoundStart>(message.body);
  if (!start) return Refuse(R::kMalformed);
  if (auto allowed = MayAnswer(now); !allowed) return allowed;
  const std::optional<SiteId> self = Self();
  if (!self) return Refuse(R::kNotInRoster);
  const auto& [round, attempt] = std::pair(message.route.round, message.route.attempt);
  if (session_ && session_->sum.route() == message.route) {
    // The coordinator repeats itself after a broken connection; anything else is a second start.
    if (Encode(session_->sum.start()) != ToBytes(message.body)) return Refuse(R::kRoundReplayed);
    Say(MessageKind::kShares, message.route, Encode(session_->sum.shares()), effects);
    return {};
  }
  if (auto allowed = MayLeave(now); !allowed) return allowed;
  if (std::pair(round, attempt) <= std::pair(record_.last_round, record_.last_attempt) ||
      round.value() <= sums_.size()) {
    return Refuse(R::kRoundReplayed);
  }
  if (round.value() > plan_.analysis->maximum_rounds()) return Refuse(R::kTooManyRounds);
  // A number ahead of the sums made known would open the same query under a second round's guard.
  if (round.value() != sums_.size() + 1) return Refuse(R::kUnexpected);
  Judged<Started> started = CheckRoundStart(message.route, *start);
  if (!started) return tl::unexpected<Refusal>(started.error());
  const auto own =
      std::find_if(start->participants.begin(), start->participants.end(),
                   [&](const Participant& participant) { return participant.site == *self; });
  if (own == start->participants.end()) return Refuse(R::kOwnPrekeyAltered);
  const PrekeySecrets* prekey = FindPrekey(own->prekey.id);
  if (prekey == nullptr) return Refuse(R::kPrekeyUsed);
  Judged<SiteSession> session =
      SiteSession::Begin(std::move(started->setup), *self, *prekey, *environment_.random);
  if (!session) return tl::unexpected<Refusal>(session.error());

  const ByteArray<16> used = own->prekey.id;
  std::erase_if(prekeys_, [&](const PrekeySecrets& secrets) { return secrets.prekey.id == used; });
  session_.emplace(Session{
      std::move(*session), std::move(started->query), std::move(started->slots), {}, {}, {}});
  record_.last_round = round;
  record_.last_attempt = attempt;
  if (record_.frozen.empty()) {
    for (const Participant& participant : start->participants) {
      record_.frozen.push_back(participant.site);
    }
  }
  last_refusal_.clear();
  Persist(effects);
  Say(MessageKind::kShares, message.route, Encode(session_->sum.shares()), effects);
  effects.emplace_back(ComputeAnswer{plan_.id, round, attempt, session_->query, state_.state});
  return {};
}

Judged<SiteStudy::Session*> SiteStudy::SessionOf(const OpenedMessage& message) {
  if (!session_ || session_->sum.route() != message.route) return Refuse(R::kNoSuchSession);
  if (!record_.decision || record_.decision->kind != DecisionKind::kApproved) {
    return Refuse(R::kNotApproved);
  }
  if (*environment_.rollback) return Refuse(R::kStateRolledBack);
  if (!environment_.policy->has_value()) return Refuse(R::kPolicyForbids);
  return &*session_;
}

Judged<void> SiteStudy::OnAnswer(RoundNumber round,
                                 AttemptNumber attempt,
                                 Result<ComputedAnswer> answer,
                                 const Moment& now,
                                 SiteEffects& effects) {
  if (!session_ || session_->sum.route() != RouteOf(round, attempt) || session_->contribution ||
      session_->sum.HasUploaded()) {
    return {};
  }
  if (*environment_.rollback || !environment_.policy->has_value()) {
    session_.reset();
    return Refuse(*environment_.rollback ? R::kStateRolledBack : R::kPolicyForbids);
  }
  if (answer) {
    const PolicyStatus apart = IsApart(answer->patients);
    if (!apart) answer = tl::make_unexpected(static_cast<const Error&>(apart.error()));
  }
  const auto sites = static_cast<std::uint32_t>(session_->sum.start().participants.size());
  Result<RingVector> encoded =
      answer ? EncodeFixedPoint(answer->contribution.values, session_->slots, sites)
             : Result<RingVector>(tl::make_unexpected(answer.error()));
  if (encoded) {
    const Status noised = AddNoise(session_->slots, sites, *environment_.random, *encoded);
    if (!noised) encoded = tl::make_unexpected(noised.error());
  }
  if (!encoded) return RefuseData(encoded.error(), effects);
  session_->contribution = std::move(*encoded);
  session_->patients = std::move(answer->patients);
  session_->next_state = std::move(answer->next_state);
  return MaskIfReady(now, effects);
}

/// Ends the site's part in the attempt. The words stay here: they may hold counts of patients.
Judged<void> SiteStudy::RefuseData(const Error& why, SiteEffects& effects) {
  effects.emplace_back(Note{LogLevel::kError,
                            "answer-refused",
                            {{"study", plan_.id.Short()},
                             {"round", std::to_string(session_->sum.route().round.value())},
                             {"reason", Describe(why)}}});
  session_.reset();
  last_refusal_ = Describe(why);
  return Refuse(R::kDataRefused);
}

Judged<void> SiteStudy::OnDelivery(const OpenedMessage& message,
                                   const Moment& now,
                                   SiteEffects& effects) {
  const Judged<Session*> session = SessionOf(message);
  if (!session) return tl::unexpected<Refusal>(session.error());
  const auto delivery = Decode<Delivery>(message.body);
  if (!delivery) return Refuse(R::kMalformed);
  if (delivery->shares.size() < MinimumSites(**environment_.policy, plan_)) {
    return Refuse(R::kDeliveryTooSmall);
  }
  const PolicyStatus anchored = HoldsAnchors(SitesOf(delivery->shares, &DeliveredShare::dealer));
  if (!anchored) return Forbid(anchored.error());
  if (auto taken = (*session)->sum.OnDelivery(*delivery); !taken) return taken;
  if ((*session)->sum.HasUploaded()) {
    BeginUpload(effects);
    return {};
  }
  return MaskIfReady(now, effects);
}

/// What the ledger says of an answer, as JSON that is still open. The study comes first: quotas are
/// counted by it.
std::string SiteStudy::AnswerOnRecord() const {
  const Route& route = session_->sum.route();
  return R"({"study":")" + plan_.id.ToHex() + R"(","round":)" +
         std::to_string(route.round.value()) + R"(,"attempt":)" +
         std::to_string(route.attempt.value()) + R"(,"query":")" +
         HashBytes(session_->query.body).ToHex() + R"(","words":)" +
         std::to_string(session_->sum.masked_vector().size()) + R"(,"sites":)" +
         std::to_string(session_->sum.start().participants.size()) + R"(,"patients":)" +
         std::to_string(session_->patients.size());
}

/// Once the answer is computed and U2 known: the ledger and the state that the answer would leave
/// first, then the masked vector.
Judged<void> SiteStudy::MaskIfReady(const Moment& now, SiteEffects& effects) {
  if (!session_->contribution || !session_->sum.CanMask()) return {};
  if (AnyOf(session_->patients, *environment_.excluded)) {
    // Somebody withdrew while it was computed: once more without them.
    session_->contribution.reset();
    const Route& route = session_->sum.route();
    effects.emplace_back(
        ComputeAnswer{plan_.id, route.round, route.attempt, session_->query, state_.state});
    return {};
  }
  // Another study may have answered since this round began: spent what was left of the budget, or
  // with nearly the same patients.
  if (auto allowed = MayLeave(now); !allowed) {
    session_.reset();
    return allowed;
  }
  // The day may have changed, or a signature ceased to count, while it was computed.
  if (auto allowed = MayAnswer(now); !allowed) {
    session_.reset();
    return allowed;
  }
  if (const PolicyStatus apart = IsApart(session_->patients); !apart) {
    return RefuseData(apart.error(), effects);
  }
  RingVector contribution = std::move(*session_->contribution);
  session_->contribution.reset();
  if (auto masked = session_->sum.Mask(std::move(contribution)); !masked) return masked;
  const Route& route = session_->sum.route();
  std::string detail = AnswerOnRecord();
  RecordBatch changes;
  if (std::optional<PutRecord> charge = Charge()) {
    // In billionths, rounded up: a chain's record holds no real number, lest it be a patient's.
    detail +=
        R"(,"rho_spent_e9":)" +
        std::to_string(static_cast<std::uint64_t>(std::ceil(environment_.privacy->rho * 1e9)));
    changes.push_back(std::move(*charge));
  }
  if (IsExact()) {
    std::optional<PutRecord> cohort =
        environment_.cohorts->Remember(plan_.id, now.utc, std::move(session_->patients));
    if (cohort) changes.push_back(*std::move(cohort));
  }
  changes.push_back(
      environment_.ledger->Append(now.utc, "answered", detail + "}", *environment_.identity));
  environment_.history->Add(plan_.id, now.utc);
  if (plan_.analysis->HasState()) {
    state_.candidate_round = route.round;
    state_.candidate_attempt = route.attempt;
    state_.candidate = std::move(session_->next_state);
    changes.push_back(PutRecord{"state", ToBytes(plan_.id.span()), Encode(state_)});
  }
  effects.emplace_back(consilium::Persist{std::move(changes)});
  SayLedgerHead(route, *environment_.ledger, *environment_.identity, effects);
  BeginUpload(effects);
  return {};
}

void SiteStudy::BeginUpload(SiteEffects& effects) {
  Say(MessageKind::kUploadHeader, session_->sum.route(), Encode(session_->sum.upload_header()),
      effects);
  session_->next_chunk = 0;
  const bool is_long = session_->sum.masked_vector().size() > kChunkWords;
  const bool waits = is_long || session_->sum.checks_norm();
  if (!waits) SayChunk(0, effects);
}

void SiteStudy::SayChunk(std::uint64_t index, SiteEffects& effects) {
  const RingVector& words = session_->sum.masked_vector();
  if (index >= ChunkCount(words.size())) return;
  session_->next_chunk = index + 1;
  effects.emplace_back(SendToCoordinator{
      FrameChunk(MessageKind::kUploadChunk, session_->sum.route(), words, index)});
}

Judged<void> SiteStudy::OnChunkReceived(const OpenedMessage& message, SiteEffects& effects) {
  const Judged<Session*> session = SessionOf(message);
  const auto received = Decode<ChunkReceived>(message.body);
  if (!received) return Refuse(R::kMalformed);
  // A receipt that comes late, after the vector is gone, asks for nothing any more.
  if (!session || !(*session)->sum.HasUploaded()) return {};
  const std::uint64_t chunks = ChunkCount((*session)->sum.masked_vector().size());
  const ChunkRange now = ChunksToSend(received->next, (*session)->next_chunk, chunks);
  for (std::uint64_t index = now.first; index < now.last; ++index) SayChunk(index, effects);
  return {};
}

Judged<void> SiteStudy::CheckSurvivors(const Survivors& survivors) {
  const std::vector<SiteId> sites = SitesOf(survivors.headers, &SurvivorHeader::site);
  if (sites.size() < MinimumSites(**environment_.policy, plan_)) {
    return Refuse(R::kSurvivorsTooFew);
  }
  if (const PolicyStatus anchored = HoldsAnchors(sites); !anchored) {
    return Forbid(anchored.error());
  }
  if (plan_.on_loss == OnLoss::kWait && sites != record_.frozen) {
    return Refuse(R::kFrozenSetChanged);
  }
  if (record_.released_round == session_->sum.route().round && record_.released != sites) {
    return Refuse(R::kAlreadyReleased);
  }
  return CheckSiteSet(session_->query, sites);
}

/// One question is answered for one set of sites: the difference of two sums would show the rest.
Judged<void> SiteStudy::CheckSiteSet(const Query& query, const std::vector<SiteId>& sites) const {
  const auto answered = environment_.answered->find(QuestionDigest(plan_, query));
  if (answered != environment_.answered->end() && answered->second.survivors != sites &&
      !(*environment_.policy)->site_level) {
    return Refuse(R::kSiteSetChanged);
  }
  return {};
}

Judged<void> SiteStudy::OnSurvivors(const OpenedMessage& message, SiteEffects& effects) {
  const Judged<Session*> session = SessionOf(message);
  if (!session) return tl::unexpected<Refusal>(session.error());
  const auto survivors = Decode<Survivors>(message.body);
  if (!survivors) return Refuse(R::kMalformed);
  if (auto checked = CheckSurvivors(*survivors); !checked) return checked;
  const Judged<Confirmation> confirmation = (*session)->sum.OnSurvivors(*survivors);
  if (!confirmation) return tl::unexpected<Refusal>(confirmation.error());
  record_.confirmed_round = message.route.round;
  record_.confirmed_attempt = message.route.attempt;
  record_.confirmed_transcript = confirmation->transcript;
  Persist(effects);
  Say(MessageKind::kConfirmation, message.route, Encode(*confirmation), effects);
  return {};
}

Judged<void> SiteStudy::OnQuorum(const OpenedMessage& message, SiteEffects& effects) {
  const Judged<Session*> session = SessionOf(message);
  if (!session) return tl::unexpected<Refusal>(session.error());
  const auto quorum = Decode<Quorum>(message.body);
  if (!quorum) return Refuse(R::kMalformed);
  const bool first = !(*session)->sum.HasReleased();
  // Another study may have opened the same question since this one's survivors were confirmed.
  const bool confirmed = record_.confirmed_round == message.route.round &&
                         record_.confirmed_attempt == message.route.attempt;
  if (confirmed) {
    auto checked = CheckSiteSet((*session)->query, (*session)->sum.survivors());
    if (!checked) return checked;
  }
  const Judged<Unmasking> unmasking = (*session)->sum.OnQuorum(*quorum);
  if (!unmasking) return tl::unexpected<Refusal>(unmasking.error());
  record_.released_round = message.route.round;
  record_.released = (*session)->sum.survivors();
  const Digest question = QuestionDigest(plan_, (*session)->query);
  const AnsweredRecord answered{plan_.id, message.route.round, record_.released};
  environment_.answered->insert_or_assign(question, answered);
  effects.emplace_back(
      consilium::Persist{{PutRecord{"study", ToBytes(plan_.id.span()), Encode(record_)},
                          PutRecord{"answered", ToBytes(question.span()), Encode(answered)}}});
  Say(MessageKind::kUnmasking, message.route, Encode(*unmasking), effects);
  if (first) OfferPrekey(effects);
  return {};
}

void SiteStudy::OnAttemptEnded(const OpenedMessage& message, SiteEffects& effects) {
  const auto ended = Decode<AttemptEnded>(message.body);
  if (!ended || message.route.round != record_.last_round ||
      message.route.attempt != record_.last_attempt) {
    // A start that never arrived or was refused: its prekey is spent for the coordinator all the
    // same.
    if (ended && record_.decision && record_.decision->kind == DecisionKind::kApproved) {
      OfferPrekey(effects);
    }
    return;
  }
  session_.reset();
  if (record_.decision && record_.decision->kind == DecisionKind::kApproved) OfferPrekey(effects);
}

}  // namespace consilium
