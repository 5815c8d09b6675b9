#include "client/site_study.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "common/check.h"
#include "common/crypto/hash.h"
#include "protocols/privacy/noise.h"

namespace consilium {
namespace {

void AddOptional(Hasher& hasher, const std::optional<double>& number) {
  hasher.Add(std::uint64_t{number.has_value()});
  if (number) hasher.Add(std::bit_cast<std::uint64_t>(*number));
}

void AddTexts(Hasher& hasher, const std::vector<std::string>& texts) {
  hasher.Add(std::uint64_t{texts.size()});
  for (const std::string& text : texts) hasher.Add(text);
}

/// A derived column is what it is derived from, and how: under another name it is the same.
void AddColumn(Hasher& hasher, const Contract& contract, std::size_t place) {
  const ContractColumn& column = contract.At(place);
  if (place < contract.columns.size()) {
    hasher.Add(column.name).Add(static_cast<std::uint64_t>(column.type));
    AddTexts(hasher, column.levels);
    AddTexts(hasher, column.missing);
    return;
  }
  const DerivedColumn& derived = contract.derived[place - contract.columns.size()];
  hasher.Add("derived").Add(static_cast<std::uint64_t>(derived.how));
  AddColumn(hasher, contract, derived.first.place);
  AddOptional(hasher, derived.first.level);
  if (derived.how == Derivation::kProduct) {
    AddColumn(hasher, contract, derived.second.place);
    AddOptional(hasher, derived.second.level);
  }
  for (const double knot : derived.knots) AddOptional(hasher, knot);
  hasher.Add(std::uint64_t{derived.knot});
}

/// A sum made known, as the coordinator's half had it when it asked `query`.
Judged<Aggregate> OpenKnown(const Analysis& analysis, const Query& query, const KnownSum& known) {
  const auto slices = analysis.Describe(query);
  if (!slices) return Refuse(RefusalReason::kHistoryAltered);
  Result<Aggregate> aggregate = OpenAggregate(known.sum, SlotsOf(*slices), known.capacity,
                                              static_cast<std::uint32_t>(known.survivors.size()));
  if (!aggregate) return Refuse(RefusalReason::kHistoryAltered);
  return *std::move(aggregate);
}

}  // namespace

Digest QuestionDigest(const Plan& plan, const Query& query) {
  // Ranges, units and columns that the analysis does not read are left out: changing them does not
  // make another question, so it must not open a way around the guard.
  Hasher hasher("consilium/question/v1");
  hasher.Add(plan.analysis->kind());
  const std::vector<std::string> columns = plan.analysis->columns();
  hasher.Add(std::uint64_t{columns.size()});
  for (const std::string& name : columns) {
    const std::optional<std::size_t> place = plan.contract.PlaceOf(name);
    CHECK(place.has_value());
    AddColumn(hasher, plan.contract, *place);
  }
  hasher.Add(std::uint64_t{plan.contract.eligibility.size()});
  for (const EligibilityRule& rule : plan.contract.eligibility) {
    const std::size_t place = *plan.contract.PlaceOf(rule.column);
    if (place < plan.contract.columns.size()) {
      hasher.Add(rule.column);
    } else {
      AddColumn(hasher, plan.contract, place);
    }
    AddOptional(hasher, rule.minimum);
    AddOptional(hasher, rule.maximum);
    AddTexts(hasher, rule.one_of);
  }
  return hasher.Add(query.body).Finish();
}

void SayLedgerHead(const Route& route,
                   const HashChain& ledger,
                   const SigningKey& identity,
                   SiteEffects& effects) {
  if (ledger.head().records == 0) return;
  effects.emplace_back(SendToCoordinator{
      FrameMessage(MessageKind::kLedgerHead, route, Encode(SignReceipt(ledger.head(), identity)))});
}

SiteStudy::SiteStudy(const SiteEnvironment& environment, Plan plan, SiteStudyRecord record)
    : environment_(environment), plan_(std::move(plan)), record_(std::move(record)) {}

SiteStudy::~SiteStudy() = default;

Status SiteStudy::RestoreSums(std::map<std::uint64_t, KnownSum> sums) {
  sums_.clear();
  for (auto& [round, sum] : sums) {
    if (round != sums_.size() + 1) {
      return Fail(ErrorCode::kCorrupt, "table 'sum' lacks round " +
                                           std::to_string(sums_.size() + 1) + " of study " +
                                           plan_.id.Short());
    }
    sums_.push_back(std::move(sum));
  }
  return {};
}

SiteStudyView SiteStudy::View() const {
  SiteStudyView view;
  view.id = plan_.id;
  view.title = plan_.title;
  view.requested_by = plan_.requested_by;
  view.kind = std::string(plan_.analysis->kind());
  view.decision = record_.decision;
  view.approval = approval_;
  if (environment_.policy->has_value()) {
    view.signatures_needed = (*environment_.policy)->approval.needed;
  }
  view.signatures_counting = static_cast<std::uint32_t>(CountSignatures(approval_.signatures));
  view.approved_through = approval_.last_day ? DayOf(*approval_.last_day) : plan_.expires;
  view.state = record_.state;
  view.reason = record_.reason;
  view.sums_known = static_cast<std::uint32_t>(sums_.size());
  view.last_refusal = last_refusal_;
  if (!session_) return view;
  view.open_round = session_->sum.route().round.value();
  if (session_->sum.HasReleased()) {
    view.progress = "helped to open the sum";
  } else if (session_->sum.HasUploaded()) {
    view.chunks = session_->next_chunk;
    view.chunks_in_all = ChunkCount(session_->sum.masked_vector().size());
    view.progress = view.chunks == view.chunks_in_all ? "masked vector sent"
                    : view.chunks == 0
                        ? "masked vector waits for its turn to be sent"
                        : "masked vector is being sent: " + std::to_string(view.chunks) + " of " +
                              std::to_string(view.chunks_in_all) + " chunks";
  } else if (session_->contribution) {
    view.progress = "answer computed, waiting for the other sites";
  } else {
    view.progress = session_->sum.CanMask() ? "computing" : "shares dealt, computing";
  }
  return view;
}

std::optional<SiteId> SiteStudy::Self() const {
  if (*environment_.roster == nullptr) return std::nullopt;
  for (const Member& member : (*environment_.roster)->roster.members) {
    if (member.identity == environment_.identity->public_key() &&
        member.state == MemberState::kActive) {
      return member.id;
    }
  }
  return std::nullopt;
}

Route SiteStudy::RouteOf(RoundNumber round, AttemptNumber attempt) const {
  return Route{environment_.federation, plan_.id, round, attempt};
}

void SiteStudy::Persist(SiteEffects& effects) const {
  effects.emplace_back(
      consilium::Persist{{PutRecord{"study", ToBytes(plan_.id.span()), Encode(record_)}}});
}

void SiteStudy::Say(MessageKind kind, const Route& route, ByteSpan body, SiteEffects& effects) {
  effects.emplace_back(
      SendToCoordinator{IsSigned(kind) ? SealMessage(kind, route, body, *environment_.identity)
                                       : FrameMessage(kind, route, body)});
}

void SiteStudy::NoteRefusal(const Refusal& refusal) {
  if (!policy_words_.empty()) {
    last_refusal_ = std::exchange(policy_words_, {});
    return;
  }
  // A message of an attempt that is over must not hide why this site ended its part in it.
  if (refusal.reason == RefusalReason::kNoSuchSession && !last_refusal_.empty()) return;
  // What is wrong with the data has been said in words already.
  if (refusal.reason == RefusalReason::kDataRefused && !last_refusal_.empty()) return;
  last_refusal_ = std::string(Explanation(refusal.reason));
}

// -- What is said after a decision
// ---------------------------------------------------------------------

void SiteStudy::OnWelcome(SiteEffects& effects) {
  if (!record_.decision) return;
  Say(MessageKind::kDecision, RouteOf({}, {}), Encode(*record_.decision), effects);
  if (record_.decision->kind == DecisionKind::kApproved) OfferPrekey(effects);
}

void SiteStudy::OfferPrekey(SiteEffects& effects) {
  const bool over = record_.state == StudyState::kFinished ||
                    record_.state == StudyState::kFailed || record_.state == StudyState::kStopped;
  if (over) return;
  // An older one may be on its way back in a RoundStart, so two are kept.
  while (prekeys_.size() >= 2) prekeys_.pop_front();
  prekeys_.push_back(GeneratePrekey(*environment_.random));
  Prekey& prekey = prekeys_.back().prekey;
  prekey.known_sums = static_cast<std::uint32_t>(sums_.size());
  Say(MessageKind::kPrekey, RouteOf({}, {}), Encode(prekey), effects);
}

PrekeySecrets* SiteStudy::FindPrekey(const ByteArray<16>& id) {
  const auto found = std::find_if(prekeys_.begin(), prekeys_.end(),
                                  [&](const PrekeySecrets& own) { return own.prekey.id == id; });
  return found == prekeys_.end() ? nullptr : &*found;
}

void SiteStudy::OnNotice(const StudyNotice& notice, SiteEffects& effects) {
  if (record_.state == notice.state && record_.reason == notice.reason) return;
  record_.state = notice.state;
  record_.reason = notice.reason;
  if (notice.state == StudyState::kFinished || notice.state == StudyState::kFailed ||
      notice.state == StudyState::kStopped) {
    session_.reset();
    prekeys_.clear();
    // The last sum of a finished study is still on its way.
    if (notice.state != StudyState::kFinished) pending_sum_.reset();
    replay_.reset();
    next_.reset();
  }
  Persist(effects);
  effects.emplace_back(Note{LogLevel::kInfo,
                            "study-notice",
                            {{"study", plan_.id.Short()},
                             {"state", std::to_string(static_cast<int>(notice.state))},
                             {"reason", notice.reason}}});
}

// -- The sums made known
// -------------------------------------------------------------------------------

/// Feeds our own run of the coordinator's half with all sums made known.
Judged<void> SiteStudy::Replay() {
  replay_ = std::make_unique<AnalysisThread>(plan_.analysis);
  next_ = replay_->Start();
  for (const KnownSum& known : sums_) {
    const Query* query = std::get_if<Query>(&*next_);
    if (query == nullptr) return Refuse(RefusalReason::kHistoryAltered);
    Judged<Aggregate> aggregate = OpenKnown(*plan_.analysis, *query, known);
    if (!aggregate) return tl::unexpected<Refusal>(aggregate.error());
    next_ = replay_->Resume(*std::move(aggregate));
  }
  return {};
}

std::optional<AnalysisResult> SiteStudy::KnownResult() {
  if (replay_ == nullptr && !Replay()) {
    replay_.reset();
    return std::nullopt;
  }
  const auto* end = std::get_if<Result<AnalysisResult>>(&*next_);
  if (end == nullptr || !*end) return std::nullopt;
  return **end;
}

/// What our own run of the coordinator's half asks next, after all sums made known.
Judged<Query> SiteStudy::ExpectedQuery() {
  if (replay_ == nullptr) {
    if (auto replayed = Replay(); !replayed) {
      replay_.reset();  // Half a replay would ask an earlier round's question.
      return tl::unexpected<Refusal>(replayed.error());
    }
  }
  const Query* query = std::get_if<Query>(&*next_);
  if (query == nullptr) return Refuse(RefusalReason::kQueryNotDerived);
  return *query;
}

Result<ComputeAnswer> SiteStudy::NextQuestion() const {
  AnalysisThread loop(plan_.analysis);
  AnalysisThread::Step step = loop.Start();
  ComputeAnswer question{plan_.id, RoundNumber(), AttemptNumber(), {}, state_.state};
  while (const Query* query = std::get_if<Query>(&step)) {
    const std::uint32_t before = question.round.value();
    question.round = RoundNumber(before + 1);
    question.query = *query;
    if (before == sums_.size()) return question;
    Judged<Aggregate> sum = OpenKnown(*plan_.analysis, *query, sums_[before]);
    if (!sum) return Fail(ErrorCode::kCorrupt, std::string(Explanation(sum.error().reason)));
    step = loop.Resume(*std::move(sum));
  }
  if (question.round.value() > 0) return question;
  return Fail(ErrorCode::kConflict, "the study asks nothing");
}

Judged<std::vector<Slot>> SiteStudy::ExpectedSlots() {
  const Judged<Query> query = ExpectedQuery();
  if (!query) return tl::unexpected<Refusal>(query.error());
  const auto slices = plan_.analysis->Describe(*query);
  if (!slices) return Refuse(RefusalReason::kQueryMalformed);
  return SlotsOf(*slices);
}

/// Whether this closes a round as it was closed before.
Judged<void> SiteStudy::CheckRepeat(const RoundClosed& closed, const KnownSum& known) const {
  const std::span<const std::uint64_t> words(known.sum);
  const std::size_t first = std::min(words.size(), kChunkWords);
  const bool same =
      closed.survivors == known.survivors && closed.capacity == known.capacity &&
      closed.more_words == words.size() - first &&
      std::equal(closed.sum.begin(), closed.sum.end(), words.begin(),
                 words.begin() + static_cast<std::ptrdiff_t>(first)) &&
      (closed.more_words == 0 || closed.more_hash == MoreWordsHash(words.subspan(first)));
  if (!same) return Refuse(RefusalReason::kHistoryAltered);
  return {};
}

/// Nothing is computed for a study that nobody here has ever approved.
Judged<void> SiteStudy::MayLearnSums() const {
  const bool approved = record_.decision && record_.decision->kind != DecisionKind::kDeclined;
  if (!approved) return Refuse(RefusalReason::kNotApproved);
  return {};
}

Judged<void> SiteStudy::OnRoundClosed(const OpenedMessage& message, SiteEffects& effects) {
  if (auto may = MayLearnSums(); !may) return may;
  auto closed = Decode<RoundClosed>(message.body);
  if (!closed) return Refuse(RefusalReason::kMalformed);
  const std::uint32_t round = message.route.round.value();
  if (round >= 1 && round <= sums_.size()) {
    if (auto same = CheckRepeat(*closed, sums_[round - 1]); !same) return same;
    if (closed->more_words > 0) {
      SayReceived(message.route, ChunkCount(sums_[round - 1].sum.size()), effects);
    }
    return {};
  }
  if (round != sums_.size() + 1) return Refuse(RefusalReason::kUnexpected);
  if (record_.released_round == message.route.round && closed->survivors != record_.released) {
    return Refuse(RefusalReason::kHistoryAltered);
  }
  if (closed->more_words == 0) {
    return TakeSum(message.route,
                   {std::move(closed->survivors), closed->capacity, std::move(closed->sum)},
                   effects);
  }
  const Judged<std::vector<Slot>> slots = ExpectedSlots();
  if (!slots) return tl::unexpected<Refusal>(slots.error());
  const std::uint64_t words = WordsOf(*slots);
  if (closed->sum.size() != kChunkWords || words <= kChunkWords ||
      closed->more_words != words - kChunkWords) {
    return Refuse(RefusalReason::kMalformed);
  }
  const Digest closing = HashBytes(message.body);
  const bool resumes =
      pending_sum_ && pending_sum_->route == message.route && pending_sum_->closing == closing;
  if (!resumes) {
    pending_sum_ = PendingSum{message.route,     closing,
                              closed->more_hash, std::move(closed->survivors),
                              closed->capacity,  IncomingVector(words)};
    CHECK(pending_sum_->vector.Take({0, std::move(closed->sum)}) ==
          IncomingVector::Outcome::kTaken);
  }
  SayReceived(message.route, pending_sum_->vector.next(), effects);
  return {};
}

void SiteStudy::SayReceived(const Route& route, std::uint64_t next_chunk, SiteEffects& effects) {
  Say(MessageKind::kSumReceived, route, Encode(ChunkReceived{next_chunk}), effects);
}

Judged<void> SiteStudy::OnSumChunk(const OpenedMessage& message, SiteEffects& effects) {
  const auto chunk = Decode<Chunk>(message.body);
  if (!chunk) return Refuse(RefusalReason::kMalformed);
  if (!pending_sum_ || pending_sum_->route != message.route) return {};  // Late, or repeated.
  IncomingVector& vector = pending_sum_->vector;
  switch (vector.Take(*chunk)) {
    case IncomingVector::Outcome::kOutOfTurn:
      return {};
    case IncomingVector::Outcome::kWrongLength:
      return Refuse(RefusalReason::kMalformed);
    case IncomingVector::Outcome::kTaken:
      break;
  }
  if (!vector.whole()) {
    SayReceived(message.route, vector.next(), effects);
    return {};
  }
  PendingSum whole = std::move(*pending_sum_);
  pending_sum_.reset();
  if (MoreWordsHash(std::span(whole.vector.words()).subspan(kChunkWords)) != whole.more_hash) {
    return Refuse(RefusalReason::kMalformed);
  }
  return TakeSum(message.route,
                 {std::move(whole.survivors), whole.capacity, whole.vector.Release()}, effects);
}

/// The state that this round leaves the site with: the candidate's if it was in the sum.
void SiteStudy::SettleState(const Route& route,
                            const std::vector<SiteId>& survivors,
                            RecordBatch& changes) {
  if (state_.candidate_round == RoundNumber() || state_.candidate_round > route.round) return;
  const std::optional<SiteId> self = Self();
  const bool taken = state_.candidate_round == route.round &&
                     state_.candidate_attempt == route.attempt && self &&
                     std::find(survivors.begin(), survivors.end(), *self) != survivors.end();
  if (taken) state_.state = std::move(state_.candidate);
  state_.candidate.clear();
  state_.candidate_round = {};
  state_.candidate_attempt = {};
  changes.push_back(PutRecord{"state", ToBytes(plan_.id.span()), Encode(state_)});
}

Judged<void> SiteStudy::TakeSum(const Route& route, KnownSum sum, SiteEffects& effects) {
  const RoundNumber round = route.round;
  const Judged<std::vector<Slot>> slots = ExpectedSlots();
  if (!slots) return tl::unexpected<Refusal>(slots.error());
  Result<Aggregate> aggregate = OpenAggregate(sum.sum, *slots, sum.capacity,
                                              static_cast<std::uint32_t>(sum.survivors.size()));
  if (!aggregate) return Refuse(RefusalReason::kMalformed);

  Bytes key = ToBytes(plan_.id.span());
  const ByteArray<8> round_key = SortableKey(round.value());
  key.insert(key.end(), round_key.begin(), round_key.end());
  RecordBatch changes = {PutRecord{"sum", key, Encode(sum)}};
  SettleState(route, sum.survivors, changes);
  effects.emplace_back(consilium::Persist{std::move(changes)});
  effects.emplace_back(Note{LogLevel::kInfo,
                            "round-closed",
                            {{"study", plan_.id.Short()},
                             {"round", std::to_string(round.value())},
                             {"sites", std::to_string(sum.survivors.size())}}});
  next_ = replay_->Resume(*std::move(aggregate));
  sums_.push_back(std::move(sum));
  if (session_ && session_->sum.route().round <= round) session_.reset();
  return {};
}

}  // namespace consilium
