// The rounds of a study: gathering sites, attempts, phases, and closing.

#include <algorithm>
#include <utility>

#include "common/check.h"
#include "common/crypto/hash.h"
#include "coordinator/study.h"
#include "protocols/norm_check.h"
#include "protocols/privacy/noise.h"
#include "protocols/secure_sum/thresholds.h"
#include "protocols/secure_sum/transcript.h"

namespace consilium {
namespace {

/// Failed attempts at one round before a study pauses and asks for a person.
constexpr std::uint32_t kMaxFailedAttempts = 5;

bool Contains(const std::vector<SiteId>& sites, SiteId site) {
  return std::binary_search(sites.begin(), sites.end(), site);
}

}  // namespace

const SiteDecision* Study::DecisionOf(SiteId site) const {
  const auto found = decision_of_.find(site);
  return found == decision_of_.end() ? nullptr : &record_.decisions[found->second];
}

bool Study::Approves(SiteId site) const {
  const SiteDecision* const decision = DecisionOf(site);
  return decision != nullptr && decision->kind == DecisionKind::kApproved;
}

/// Whether an attempt is of no use without each of its sites: the set is frozen, or a sum over it
/// may have been opened already.
bool Study::NeedsAll() const { return plan_.on_loss == OnLoss::kWait || !record_.released.empty(); }

/// The sites the next attempt should have, whether ready or not.
std::vector<SiteId> Study::Eligible() const {
  std::vector<SiteId> sites = record_.released.empty() ? record_.sites : record_.released;
  if (plan_.on_loss == OnLoss::kContinue && record_.released.empty()) {
    std::erase_if(sites, [&](SiteId site) {
      return Contains(record_.excluded, site) || !Approves(site) ||
             !environment_.roster->roster.IsActive(site);
    });
  }
  return sites;
}

/// And has them before anything that is sent to it from now on.
bool Study::WasSentAllSums(SiteId site) const {
  const auto sums = sums_at_.find(site);
  return journal_.empty() || (sums != sums_at_.end() && sums->second.sent >= journal_.size());
}

std::vector<SiteId> Study::ReadyOf(std::vector<SiteId> sites) const {
  std::erase_if(sites, [&](SiteId site) {
    const auto link = environment_.links->find(site);
    return !prekeys_.contains(site) || link == environment_.links->end() ||
           !link->second.connected || !environment_.roster->roster.IsActive(site) ||
           !WasSentAllSums(site);
  });
  return sites;
}

/// Begins an attempt when all are ready; where the plan lets a study go on without some, also when
/// the deadline for gathering has passed and enough are.
void Study::TryBegin(const Moment& now, CoordinatorEffects& effects) {
  if (record_.state != StudyState::kRunning || session_ != nullptr || !query_) return;
  const std::vector<SiteId> eligible = Eligible();
  const std::vector<SiteId> ready = ReadyOf(eligible);
  if (eligible.size() < plan_.minimum_sites) {
    PauseBecause(TooFewLeft(eligible), now, effects);
    return;
  }
  if (NeedsAll() && PauseIfOneIsGone(eligible, now, effects)) return;
  if (ready.size() == eligible.size()) {
    BeginAttempt(ready, now, effects);
    return;
  }
  // Who still takes in the newest sum is not late.
  const std::uint64_t newest = journal_.empty() ? 0 : journal_.back().sum.size();
  if (!deadline_) deadline_ = now.monotonic + TimeFor(newest);
  if (NeedsAll() || now.monotonic < *deadline_) return;
  if (ready.size() >= std::max<std::size_t>(3, plan_.minimum_sites)) {
    BeginAttempt(ready, now, effects);
  } else {
    deadline_ = now.monotonic + plan_.deadline;
    effects.emplace_back(Note{LogLevel::kWarning,
                              "too-few-sites-ready",
                              {{"study", plan_.id.Short()},
                               {"ready", std::to_string(ready.size())},
                               {"needed", std::to_string(plan_.minimum_sites)}}});
  }
}

/// Waiting for a site that cannot come back would be waiting for ever, and say nothing.
bool Study::PauseIfOneIsGone(const std::vector<SiteId>& needed,
                             const Moment& now,
                             CoordinatorEffects& effects) {
  for (const SiteId site : needed) {
    const bool member = environment_.roster->roster.IsActive(site);
    if (member && Approves(site)) continue;
    PauseBecause("site " + NameOf(site) + (member ? " took its approval back" : " was revoked") +
                     "; the plan waits for it (start a new study without it)",
                 now, effects);
    return true;
  }
  return false;
}

/// In words, while sites are gathered; made when somebody looks, for it may name thousands.
std::string Study::WaitingFor() const {
  if (record_.state != StudyState::kRunning || session_ != nullptr || !query_) return {};
  const std::vector<SiteId> eligible = Eligible();
  const std::vector<SiteId> ready = ReadyOf(eligible);
  std::string text;
  for (const SiteId site : eligible) {
    if (Contains(ready, site)) continue;
    text += (text.empty() ? "waiting for " : ", ") + NameOf(site);
  }
  return text;
}

std::string Study::TooFewLeft(const std::vector<SiteId>& eligible) const {
  std::string gone;
  for (const SiteId site : record_.sites) {
    if (Contains(eligible, site)) continue;
    if (!gone.empty()) gone += ", ";
    gone += NameOf(site);
  }
  return std::to_string(eligible.size()) + " sites are left and the plan's minimum_sites is " +
         std::to_string(plan_.minimum_sites) + "; gone: " + gone;
}

void Study::BeginAttempt(const std::vector<SiteId>& sites,
                         const Moment& now,
                         CoordinatorEffects& effects) {
  const auto count = static_cast<std::uint32_t>(sites.size());
  const Result<Thresholds> thresholds = ThresholdsFor(count, plan_.minimum_sites);
  Status capacity = CheckCapacity(slots_, count);
  if (!thresholds || count < plan_.minimum_sites || !capacity) {
    const std::string why = !thresholds ? thresholds.error().message
                            : !capacity ? capacity.error().message
                                        : "too few sites are left for the plan's minimum_sites";
    PauseBecause(why, now, effects);
    return;
  }
  record_.attempt = AttemptNumber(record_.attempt.value() + 1);
  accusers_.clear();
  sketched_before_.clear();
  turns_end_.clear();
  SessionSetup setup;
  setup.route = Route{environment_.federation, plan_.id, OpenRound(), record_.attempt};
  setup.start.query_hash = HashBytes(query_->body);
  setup.start.roster_epoch = environment_.roster->roster.epoch;
  setup.start.thresholds = *thresholds;
  for (const SiteId site : sites) {
    const ReadyPrekey& ready = prekeys_.at(site);
    setup.start.participants.push_back(Participant{site, ready.prekey, ready.signature});
    setup.identities.emplace(site, environment_.roster->roster.Find(site)->identity);
  }
  setup.codec = CodecDigest(slots_, count);
  setup.words = WordsOf(slots_);
  setup.check = NormCheckOf(*plan_.analysis, *query_, count);
  if (setup.check) environment_.random->Fill(setup.sketch_nonce);
  for (const SiteId site : sites) prekeys_.erase(site);
  Persist(effects);  // The attempt's number is used up before anybody hears of it.
  session_ = std::make_unique<CoordinatorSession>(std::move(setup), /*everyone=*/NeedsAll());
  effects.emplace_back(Note{LogLevel::kInfo,
                            "round-started",
                            {{"study", plan_.id.Short()},
                             {"round", std::to_string(OpenRound().value())},
                             {"attempt", std::to_string(record_.attempt.value())},
                             {"sites", std::to_string(count)}}});
  EnterPhase(now, effects);
}

void Study::EnterPhase(const Moment& now, CoordinatorEffects& effects) {
  deadline_ = now.monotonic + plan_.deadline;
  const std::optional<SharedBytes> to_all = PhaseMessage();
  for (const SiteId site : session_->Members()) {
    if (to_all) {
      effects.emplace_back(SendToSite{site, *to_all});
    } else if (session_->HasCommitted(site)) {
      AskForChunk(site, effects);  // It has its delivery, and waits with its vector.
    } else {
      SendPhase(site, effects);
    }
  }
}

/// What every site is told in the open phase; nothing where each is told something else.
std::optional<SharedBytes> Study::PhaseMessage() const {
  const Route& route = session_->setup().route;
  switch (session_->phase()) {
    case SumPhase::kDealing:
      return MessageOf(MessageKind::kRoundStart, route, Encode(session_->setup().start));
    case SumPhase::kSketching:
      return MessageOf(MessageKind::kSketchRequest, route, Encode(session_->sketch_request()));
    case SumPhase::kConfirming:
      return MessageOf(MessageKind::kSurvivors, route, Encode(session_->SurvivorList()));
    case SumPhase::kUnmasking:
      return MessageOf(MessageKind::kQuorum, route, Encode(session_->QuorumList()));
    case SumPhase::kCommitting:
    case SumPhase::kUploading:
    case SumPhase::kFinished:
    case SumPhase::kFailed:
      return std::nullopt;
  }
  return std::nullopt;
}

/// What a site is owed in the open phase; also after it has reconnected.
void Study::SendPhase(SiteId site, CoordinatorEffects& effects) const {
  const SumPhase phase = session_->phase();
  if (phase == SumPhase::kCommitting || phase == SumPhase::kUploading) {
    Send(site, MessageKind::kDelivery, session_->setup().route, Encode(session_->DeliveryFor(site)),
         effects);
  } else if (const std::optional<SharedBytes> message = PhaseMessage()) {
    effects.emplace_back(SendToSite{site, *message});
  }
}

/// Once a dealer is accused, the phase is not given up before all have been heard: one word against
/// another proves little, the word of many is proof.
bool Study::MayClose() const {
  const SumPhase phase = session_->phase();
  const bool judges = phase == SumPhase::kCommitting || phase == SumPhase::kUploading;
  const bool hears_out = !accusers_.empty() && judges;
  return hears_out ? session_->Awaited().empty() : session_->ReadyToClose();
}

/// A deadline, and for each chunk of a long vector the time that the slowest line takes.
Duration Study::TimeFor(std::uint64_t words) const {
  const std::uint64_t chunks = ChunkCount(words);
  return plan_.deadline +
         (chunks > 1 ? static_cast<std::int64_t>(chunks) * kSlowestChunk : Duration(0));
}

void Study::GiveTurns(const Moment& now, CoordinatorEffects& effects) {
  for (const SiteId site : session_->GrantNext()) {
    turns_end_.insert_or_assign(site, now.monotonic + TimeFor(session_->setup().words));
    AskForChunk(site, effects);
  }
}

/// Long vectors have turns with ends of their own, whatever the phase's deadline.
std::vector<SiteId> Study::InTime(const Moment& now) const {
  if (session_->phase() != SumPhase::kUploading) return {};
  std::vector<SiteId> sites = session_->AwaitingTurn();
  for (const SiteId site : session_->Sending()) {
    const auto end = turns_end_.find(site);
    if (end != turns_end_.end() && now.monotonic < end->second) sites.push_back(site);
  }
  std::sort(sites.begin(), sites.end());
  return sites;
}

/// When the deadline has passed: drops who is late. True if others are still to be waited for,
/// until when deadline_ then says.
bool Study::WaitsLonger(const Moment& now, CoordinatorEffects& effects) {
  // Later phases wait for enough, not for each: who comes back may still help.
  if (!session_->WaitsForEach()) return false;
  const std::vector<SiteId> in_time = InTime(now);
  for (const SiteId site : session_->Awaited()) {
    if (Contains(in_time, site)) continue;
    // "Silent" would send people to look for a fault at the site instead of the line.
    const auto link = environment_.links->find(site);
    const bool connected = link != environment_.links->end() && link->second.connected;
    session_->Drop(site, connected ? DropReason::kSilent : DropReason::kDisconnected);
  }
  if (in_time.empty()) return false;
  GiveTurns(now, effects);
  const std::vector<SiteId> sending = session_->Sending();
  deadline_ = turns_end_.at(sending.front());
  for (const SiteId site : sending) deadline_ = std::min(*deadline_, turns_end_.at(site));
  return true;
}

/// Closes as many phases as can be closed now.
void Study::Advance(const Moment& now, CoordinatorEffects& effects) {
  bool overdue = deadline_ && now.monotonic >= *deadline_;
  while (session_ != nullptr && (MayClose() || overdue)) {
    if (std::exchange(overdue, false) && WaitsLonger(now, effects)) continue;
    session_->Close();
    if (session_->phase() == SumPhase::kFailed) {
      ++failed_attempts_;
      const std::string failure = session_->failure();
      const std::uint32_t may_collude = session_->setup().start.thresholds.colluding;
      const std::optional<SiteId> culprit = session_->culprit();
      const bool misled = session_->sketches_disagree();
      EndAttempt(failure, now, effects);
      SettleDisputes(may_collude, now, effects);
      if (culprit) LeaveOut({*culprit}, DropReason::kDealtInconsistently, now, effects);
      if (misled) return PauseMisled(now, effects);
      if (failed_attempts_ >= kMaxFailedAttempts && record_.state == StudyState::kRunning) {
        PauseBecause(std::to_string(failed_attempts_) + " attempts at round " +
                         std::to_string(OpenRound().value()) + " failed, the last because " +
                         failure + "; see `status` and the log",
                     now, effects);
      } else {
        TryBegin(now, effects);
      }
      return;
    }
    if (session_->phase() == SumPhase::kFinished) {
      CloseRound(now, effects);
      return;
    }
    if (session_->phase() == SumPhase::kUnmasking) {
      // From here on sites may open this sum; a retry may only ever open the same one.
      record_.released = session_->survivors();
      Persist(effects);
    }
    EnterPhase(now, effects);
  }
  if (session_ != nullptr) GiveTurns(now, effects);
}

void Study::NoteDropped(CoordinatorEffects& effects) const {
  for (const auto& [site, why] : session_->dropped()) {
    effects.emplace_back(Note{
        LogLevel::kWarning,
        "site-dropped",
        {{"study", plan_.id.Short()}, {"site", NameOf(site)}, {"reason", std::string(Name(why))}}});
  }
}

void Study::EndAttempt(const std::string& reason, const Moment& now, CoordinatorEffects& effects) {
  if (session_ == nullptr) return;
  const SharedBytes ended = MessageOf(MessageKind::kAttemptEnded, session_->setup().route,
                                      Encode(AttemptEnded{reason.substr(0, 400)}));
  for (const Participant& participant : session_->setup().start.participants) {
    effects.emplace_back(SendToSite{participant.site, ended});
  }
  NoteDropped(effects);
  effects.emplace_back(Note{LogLevel::kWarning,
                            "attempt-ended",
                            {{"study", plan_.id.Short()},
                             {"round", std::to_string(OpenRound().value())},
                             {"attempt", std::to_string(record_.attempt.value())},
                             {"reason", reason}}});
  session_.reset();
  deadline_ = now.monotonic + plan_.deadline;
}

/// The sum has been opened and is thrown away. Finding the one at fault would take opening answers.
void Study::PauseMisled(const Moment& now, CoordinatorEffects& effects) {
  PauseBecause("in round " + std::to_string(OpenRound().value()) +
                   " the sites' sketches do not add up to that of their sum: at least one site "
                   "gave a sketch of another vector than its own, and nobody can say which. The "
                   "sum is thrown away. Ask the sites for their programs' versions, and start a "
                   "new study without those that you do not trust",
               now, effects);
}

Route Study::RouteOf(const JournalRecord& entry) const {
  return {environment_.federation, plan_.id, entry.round, entry.attempt};
}

/// The same for every site: a long sum is hashed and signed once.
const SharedBytes& Study::ClosingOf(const JournalRecord& entry) {
  if (closing_ && closing_->first == entry.round) return closing_->second;
  const std::span<const std::uint64_t> words(entry.sum);
  RoundClosed closed{entry.survivors, entry.capacity, ChunkOf(words, 0).words};
  const std::span<const std::uint64_t> more = words.subspan(closed.sum.size());
  closed.more_words = more.size();
  if (!more.empty()) closed.more_hash = MoreWordsHash(more);
  closing_.emplace(entry.round,
                   MessageOf(MessageKind::kRoundClosed, RouteOf(entry), Encode(closed)));
  return closing_->second;
}

/// The journal first; then the sites learn the sum.
void Study::JournalAndTell(JournalRecord entry, const Moment& now, CoordinatorEffects& effects) {
  Bytes key = ToBytes(plan_.id.span());
  const ByteArray<8> round_key = SortableKey(entry.round.value());
  key.insert(key.end(), round_key.begin(), round_key.end());
  effects.emplace_back(consilium::Persist{
      {PutRecord{"journal", key, Encode(entry)},
       PutRecord{"study", ToBytes(plan_.id.span()), Encode(record_)},
       environment_.audit->Append(now.utc, "round-closed",
                                  R"({"study":")" + plan_.id.ToHex() + R"(","round":)" +
                                      std::to_string(entry.round.value()) + R"(,"sites":)" +
                                      std::to_string(entry.survivors.size()) + "}",
                                  *environment_.identity)}});
  effects.emplace_back(Note{LogLevel::kInfo,
                            "round-closed",
                            {{"study", plan_.id.Short()},
                             {"round", std::to_string(entry.round.value())},
                             {"sites", std::to_string(entry.survivors.size())}}});
  journal_.push_back(std::move(entry));
  for (const auto& [site, sums] : sums_at_) {
    const auto link = environment_.links->find(site);
    if (link == environment_.links->end() || !link->second.connected) continue;
    // Whoever lacks more says with its next key what.
    if (sums.sent + 1 == journal_.size()) SendSums(site, effects);
  }
}

void Study::CloseRound(const Moment& now, CoordinatorEffects& effects) {
  JournalRecord entry;
  entry.round = OpenRound();
  entry.attempt = record_.attempt;
  entry.query = HashBytes(query_->body);
  entry.survivors = session_->survivors();
  entry.capacity = session_->setup().start.thresholds.sites;
  entry.sum = session_->sum();
  entry.closed_at = now.utc;
  const auto sites = static_cast<std::uint32_t>(entry.survivors.size());
  Result<Aggregate> aggregate = OpenAggregate(entry.sum, slots_, entry.capacity, sites);
  if (!aggregate) {
    // Some site put in what no honest site can: the sum names nobody, so a person must decide.
    EndAttempt("the sum is impossible: " + aggregate.error().message, now, effects);
    PauseBecause("the sum of round " + std::to_string(entry.round.value()) +
                     " is impossible; a site contributed what its contract forbids",
                 now, effects);
    return;
  }
  NoteDropped(effects);
  // Whoever was left out has spent its prekey all the same, and offers another when it hears so.
  const SharedBytes left_out =
      MessageOf(MessageKind::kAttemptEnded, session_->setup().route,
                Encode(AttemptEnded{"the round closed without this site"}));
  for (const Participant& participant : session_->setup().start.participants) {
    if (Contains(entry.survivors, participant.site) &&
        !session_->dropped().contains(participant.site)) {
      continue;
    }
    effects.emplace_back(SendToSite{participant.site, left_out});
  }
  const std::uint32_t may_collude = session_->setup().start.thresholds.colluding;
  session_.reset();
  deadline_.reset();
  failed_attempts_ = 0;
  record_.attempt = AttemptNumber();
  record_.released.clear();

  JournalAndTell(std::move(entry), now, effects);
  TakeStep(analysis_->Resume(*std::move(aggregate)), now, effects);
  SettleDisputes(may_collude, now, effects);
  TryBegin(now, effects);
}

void Study::OnTick(const Moment& now, CoordinatorEffects& effects) {
  if (!deadline_ || now.monotonic < *deadline_) return;
  if (session_ != nullptr) {
    Advance(now, effects);
  } else {
    TryBegin(now, effects);
  }
}

std::optional<Instant> Study::NextDeadline() const {
  if (record_.state != StudyState::kRunning) return std::nullopt;
  const bool waits_for_sites = session_ == nullptr && NeedsAll();
  return waits_for_sites ? std::nullopt : deadline_;
}

}  // namespace consilium
