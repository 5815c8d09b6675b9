#include "simulations/storm/witness.h"

#include <algorithm>
#include <bit>
#include <cctype>
#include <cmath>
#include <cstring>
#include <limits>
#include <utility>

#include "client/records.h"
#include "coordinator/records.h"
#include "protocols/analysis.h"
#include "protocols/hash_chain.h"
#include "protocols/norm_check.h"
#include "protocols/privacy/noise.h"

namespace consilium {
namespace {

constexpr std::size_t kMostViolations = 20;

/// Whether a word says enough not to turn up by chance or as a constant.
bool SaysMuch(std::uint64_t word) {
  if (word == 0) return false;
  const std::uint64_t size = static_cast<std::int64_t>(word) < 0 ? ~word + 1 : word;
  return size >> std::countr_zero(size) >= (1U << 24U);
}

/// Whether a number has so many digits that it does not turn up among a sketch's whole numbers by
/// chance: four bytes of one behind the zeros of another look like a number of few digits.
bool HasManyDigits(std::uint64_t number) {
  const std::uint64_t mantissa = number & ((std::uint64_t{1} << 52U) - 1);
  return mantissa != 0 && 52 - std::countr_zero(mantissa) >= 32;
}

std::size_t FilterBit(std::uint64_t word) {
  return static_cast<std::size_t>((word * 0x9e37'79b9'7f4a'7c15U) >> 42U);
}

// The rules as they are published, written down a second time: a witness that asked the machines
// for their thresholds would believe them.

std::uint32_t QuorumOf(std::uint32_t sites) {
  if (sites > 128) return (sites + sites / 5) / 2 + 1;
  const std::uint32_t colluding = std::max(1U, (sites - 1) / 3);
  return std::max({3U, colluding + 2, (sites + colluding) / 2 + 1});
}

/// Above 128 sites that of 129, the least: where the witness errs, it is too strict.
std::uint32_t SharesThatOpen(std::uint32_t sites) { return sites > 128 ? 24 : QuorumOf(sites); }

std::uint32_t FewestInASum(std::uint32_t sites, std::uint32_t minimum) {
  return std::max(QuorumOf(sites), minimum);
}

/// An upper bound of epsilon for `answers` of this noise (Canonne, Kamath and Steinke 2020,
/// proposition 12), by the orders that docs/privacy.md names and others between them: so no less is
/// covered here than at a site.
double EpsilonOf(std::uint64_t answers, const PrivacySettings& dp) {
  const double rho = static_cast<double>(answers) / (2 * dp.noise_multiplier * dp.noise_multiplier);
  double least = std::numeric_limits<double>::infinity();
  const auto try_order = [&](double order) {
    least = std::min(
        least, rho * order + std::log(1 - 1 / order) - std::log(dp.delta * order) / (order - 1));
  };
  for (int tenths = 11; tenths < 640; ++tenths) try_order(tenths / 10.0);
  for (double order = 64; order <= 1'024; order += 32) try_order(order);
  return least;
}

/// "12.3456789": no log line has a reason to hold a number with so many digits.
bool HoldsRealNumber(std::string_view text) {
  std::size_t digits = 0;
  bool point = false;
  for (const char c : text) {
    if (std::isdigit(static_cast<unsigned char>(c)) != 0) {
      ++digits;
    } else if (c == '.' && digits > 0 && !point) {
      point = true;
    } else {
      digits = 0;
      point = false;
    }
    if (point && digits >= 7) return true;
  }
  return false;
}

std::string Words(const Route& route) {
  return " of study " + route.study.Short() + " round " + std::to_string(route.round.value()) +
         " attempt " + std::to_string(route.attempt.value());
}

template <class Body>
std::optional<Body> DecodeIf(MessageKind kind, const OpenedMessage& message) {
  if (message.kind != kind) return std::nullopt;
  Result<Body> body = Decode<Body>(message.body);
  return body ? std::optional(*std::move(body)) : std::nullopt;
}

/// Counts the reason of this name, if it is one of those up to the last.
template <class Reason>
void Count(std::map<Reason, std::uint64_t>& counts, std::string_view name, Reason last) {
  for (std::uint16_t number = 1; number <= static_cast<std::uint16_t>(last); ++number) {
    const auto reason = static_cast<Reason>(number);
    if (Name(reason) == name) {
      ++counts[reason];
      return;
    }
  }
}

/// Whether these words are the sum's chunk of this number, neither more nor less.
bool IsChunk(const std::vector<std::uint64_t>& words,
             std::uint64_t index,
             const std::vector<std::uint64_t>& sum) {
  if (index > 0 && index >= (sum.size() + kChunkWords - 1) / kChunkWords) return false;
  const std::size_t first = index * kChunkWords;
  const std::size_t count = std::min(kChunkWords, sum.size() - first);
  return words.size() == count &&
         std::equal(words.begin(), words.end(), sum.begin() + static_cast<std::ptrdiff_t>(first));
}

bool ClosesWith(const OpenedMessage& message, const JournalRecord& record) {
  const auto closed = Decode<RoundClosed>(message.body);
  return closed && IsChunk(closed->sum, 0, record.sum) &&
         closed->sum.size() + closed->more_words == record.sum.size() &&
         closed->survivors == record.survivors;
}

bool Continues(const OpenedMessage& message, const JournalRecord& record) {
  const auto chunk = Decode<Chunk>(message.body);
  return chunk && IsChunk(chunk->words, chunk->index, record.sum);
}

}  // namespace

Witness::Witness(std::vector<bool> honest) : honest_(std::move(honest)) {}

void Witness::KnowPlan(const Plan& plan) {
  any_checks_norms_ = any_checks_norms_ || CheckedInReview(*plan.analysis).has_value();
  plans_.insert_or_assign(plan.id, plan);
}

void Witness::Report(std::string violation) {
  if (violations_.size() < kMostViolations) violations_.push_back(std::move(violation));
}

void Witness::AddSecretWord(std::uint64_t word) {
  if (!SaysMuch(word)) return;
  secrets_.insert(word);
  maybe_secret_[FilterBit(word)] = true;
}

void Witness::KnowSecret(double number) { AddSecretWord(std::bit_cast<std::uint64_t>(number)); }

std::uint32_t Witness::SiteOf(SiteId id) const {
  const auto found = site_of_.find(id);
  return found == site_of_.end() ? UINT32_MAX : found->second;
}

void Witness::Scan(ByteSpan bytes, std::string_view where, bool is_sketch) {
  for (std::size_t at = 0; at + 8 <= bytes.size(); ++at) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes.data() + at, 8);
    const bool is_secret = maybe_secret_[FilterBit(word)] && secrets_.contains(word);
    if (is_secret && (!is_sketch || HasManyDigits(word))) {
      Report("a site's own number stands in " + std::string(where));
      return;
    }
  }
}

void Witness::OnAnswer(std::uint32_t site,
                       const ComputeAnswer& request,
                       const Contribution& contribution) {
  const RouteKey route{request.study, request.round, request.attempt};
  queries_.insert_or_assign(route, request.query);
  answers_.insert_or_assign({site, route}, contribution.values);
  for (const double value : contribution.values) KnowSecret(value);
}

const Witness::Heard& Witness::Hear(const SharedBytes& bytes) {
  if (heard_.message && &heard_.message->get() == &bytes.get()) return heard_;
  heard_ = {};
  heard_.message = bytes;
  const auto message = OpenMessage(bytes);
  if (!message) return heard_;
  heard_.route = KeyOf(message->route);
  if (const auto delivery = DecodeIf<Delivery>(MessageKind::kDelivery, *message)) {
    heard_.told.delivered = delivery->shares.size();
  }
  if (const auto survivors = DecodeIf<Survivors>(MessageKind::kSurvivors, *message)) {
    heard_.told.survivors = survivors->headers.size();
  }
  if (const auto quorum = DecodeIf<Quorum>(MessageKind::kQuorum, *message)) {
    heard_.told.signatures = quorum->signatures.size();
  }
  if (const auto start = DecodeIf<RoundStart>(MessageKind::kRoundStart, *message)) {
    for (const Participant& participant : start->participants) {
      heard_.prekeys.emplace_back(participant.site, participant.prekey.id);
    }
  }
  return heard_;
}

void Witness::OnSiteReceives(std::uint32_t site, const SharedBytes& bytes) {
  const Heard& heard = Hear(bytes);
  if (!heard.route) return;
  Told& told = told_[{site, *heard.route}];
  told.delivered = std::max(told.delivered, heard.told.delivered);
  told.survivors = std::max(told.survivors, heard.told.survivors);
  told.signatures = std::max(told.signatures, heard.told.signatures);
  const auto count = static_cast<std::uint32_t>(heard.prekeys.size());
  const SiteId own = ids_[site];
  for (const auto& [participant, prekey] : heard.prekeys) {
    if (participant != own) continue;
    starts_.insert_or_assign({site, *heard.route}, Start{count, prekey});
  }
}

// -- What a site sends

void Witness::OnSiteSends(std::uint32_t site, ByteSpan bytes, const VirtualDisk& disk) {
  const auto message = OpenMessage(bytes);
  Scan(bytes, "a message of a site", message && message->kind == MessageKind::kSketch);
  if (!honest_[site]) return;
  if (!message) return Report("an honest site sent bytes that are no message");
  switch (message->kind) {
    case MessageKind::kShares:
      return CheckSharesSent(site, *message);
    case MessageKind::kUploadHeader:
      return CheckUploadSent(site, *message, disk);
    case MessageKind::kConfirmation:
      return CheckConfirmationSent(site, *message, disk);
    case MessageKind::kUnmasking:
      return CheckUnmaskingSent(site, *message, disk);
    default:
      return;
  }
}

/// A step that an honest site took must have been asked of it for enough sites.
void Witness::CheckEnough(std::uint32_t site,
                          const Route& route,
                          std::size_t count,
                          bool of_a_quorum) {
  const auto start = starts_.find({site, KeyOf(route)});
  if (start == starts_.end()) return Report("a step without a start" + Words(route));
  const std::uint32_t sites = start->second.sites;
  const std::size_t needed =
      of_a_quorum ? QuorumOf(sites) : FewestInASum(sites, plans_.at(route.study).minimum_sites);
  if (count < needed) Report("a site took a step for too few sites" + Words(route));
}

void Witness::CheckSharesSent(std::uint32_t site, const OpenedMessage& message) {
  const auto shares = Decode<Shares>(message.body);
  const auto start = starts_.find({site, KeyOf(message.route)});
  if (!shares || start == starts_.end()) return Report("shares without a start");
  const auto [known, fresh] = context_of_prekey_.emplace(start->second.prekey, shares->context);
  if (!fresh && known->second != shares->context) {
    Report("a prekey was used in two contexts" + Words(message.route));
  }
}

void Witness::CheckUploadSent(std::uint32_t site,
                              const OpenedMessage& message,
                              const VirtualDisk& disk) {
  const auto header = Decode<UploadHeader>(message.body);
  if (!header) return Report("an upload header that cannot be read");
  CheckEnough(site, message.route, told_[{site, KeyOf(message.route)}].delivered, false);
  const auto [known, fresh] =
      vector_of_context_.emplace(std::pair(site, header->context), header->vector_hash);
  if (!fresh && known->second != header->vector_hash) {
    Report("two vectors were masked in one context" + Words(message.route));
  }
  const Bytes* last = disk.Last("ledger");
  const std::string round = "\"round\":" + std::to_string(message.route.round.value()) +
                            ",\"attempt\":" + std::to_string(message.route.attempt.value()) + ",";
  const auto record = last == nullptr ? Result<ChainRecord>(Fail(ErrorCode::kNotFound, ""))
                                      : Decode<ChainRecord>(*last);
  if (fresh &&
      (!record || record->event != "answered" || record->detail.find(round) == std::string::npos ||
       record->detail.find(message.route.study.ToHex()) == std::string::npos)) {
    Report("a vector left before it stood in the ledger" + Words(message.route));
  }
  if (fresh) CountAnswer(site, message.route);
}

void Witness::CountAnswer(std::uint32_t site, const Route& route) {
  const Plan& plan = plans_.at(route.study);
  if (!plan.dp) return;
  const std::uint64_t answers = ++answers_with_noise_[{site, route.study}];
  if (EpsilonOf(answers, *plan.dp) > plan.dp->epsilon && !rolled_back_.contains(site)) {
    Report("a site has told more than the plan's epsilon covers" + Words(route));
  }
}

void Witness::CheckConfirmationSent(std::uint32_t site,
                                    const OpenedMessage& message,
                                    const VirtualDisk& disk) {
  const auto confirmation = Decode<Confirmation>(message.body);
  if (!confirmation) return Report("a confirmation that cannot be read");
  CheckEnough(site, message.route, told_[{site, KeyOf(message.route)}].survivors, false);
  const auto [known, fresh] =
      confirmed_.emplace(std::pair(site, KeyOf(message.route)), confirmation->transcript);
  if (!fresh && known->second != confirmation->transcript) {
    Report("a site confirmed two transcripts" + Words(message.route));
  }
  const Bytes* row = disk.Find("study", message.route.study.span());
  const auto record = row == nullptr ? Result<SiteStudyRecord>(Fail(ErrorCode::kNotFound, ""))
                                     : Decode<SiteStudyRecord>(*row);
  if (!record || record->confirmed_transcript != confirmation->transcript) {
    Report("a confirmation left before it was durable" + Words(message.route));
  }
}

void Witness::CheckUnmaskingSent(std::uint32_t site,
                                 const OpenedMessage& message,
                                 const VirtualDisk& disk) {
  const RouteKey route = KeyOf(message.route);
  const auto unmasking = Decode<Unmasking>(message.body);
  if (!unmasking) return Report("an unmasking that cannot be read");
  const auto [sent, first] = unmaskings_.emplace(std::pair(site, route), ToBytes(message.body));
  if (!first && sent->second != ToBytes(message.body)) {
    Report("a site gave other shares than before" + Words(message.route));
  }
  const Bytes* row = disk.Find("study", message.route.study.span());
  const auto record = row == nullptr ? Result<SiteStudyRecord>(Fail(ErrorCode::kNotFound, ""))
                                     : Decode<SiteStudyRecord>(*row);
  if (!record || record->released_round != message.route.round) {
    return Report("shares left before their release was durable" + Words(message.route));
  }
  const auto [opened, fresh] = released_.emplace(
      std::tuple(site, message.route.study, message.route.round), record->released);
  if (!fresh && opened->second != record->released && !rolled_back_.contains(site)) {
    Report("a site opened one round for two sets of sites" + Words(message.route));
  }
  const auto start = starts_.find({site, route});
  if (start == starts_.end()) return Report("shares without a start");
  const std::uint32_t fewest =
      FewestInASum(start->second.sites, plans_.at(message.route.study).minimum_sites);
  if (record->released.size() < fewest) {
    Report("a sum was opened for too few sites" + Words(message.route));
  }
  CheckEnough(site, message.route, told_[{site, route}].signatures, true);
  CheckBothSecrets(site, route, *unmasking);
}

/// With t shares of either kind both secrets of a site are open, and so is its vector.
void Witness::CheckBothSecrets(std::uint32_t site,
                               const RouteKey& route,
                               const Unmasking& unmasking) {
  const std::uint32_t sites = starts_.at({site, route}).sites;
  const std::uint32_t threshold = SharesThatOpen(sites);
  for (const RevealedShare& share : unmasking.shares) {
    auto& kinds = revealed_[{route, share.dealer}];
    const std::size_t kind = share.kind == ShareKind::kSelf ? 0 : 1;
    kinds[kind].insert(site);
    if (kinds[1 - kind].contains(site)) Report("a site gave both shares of one dealer");
    if (kinds[0].size() >= threshold && kinds[1].size() >= threshold) {
      Report("both secrets of a site can be opened");
    }
  }
}

// -- What the coordinator sends and both write

void Witness::OnCoordinatorSends(const SharedBytes& bytes, const VirtualDisk& disk) {
  const bool scanned =
      scanned_ && &scanned_->get() == &bytes.get() && secrets_when_scanned_ == secrets_.size();
  if (!scanned) {
    Scan(bytes, "a message of the coordinator");
    scanned_ = bytes;
    secrets_when_scanned_ = secrets_.size();
  }
  const auto message = OpenMessage(bytes);
  if (!message) return;
  const bool closes = message->kind == MessageKind::kRoundClosed;
  if (!closes && message->kind != MessageKind::kSumChunk) return;
  Bytes key = ToBytes(message->route.study.span());
  const ByteArray<8> round = SortableKey(message->route.round.value());
  key.insert(key.end(), round.begin(), round.end());
  const Bytes* row = disk.Find("journal", key);
  const auto record = row == nullptr ? Result<JournalRecord>(Fail(ErrorCode::kNotFound, ""))
                                     : Decode<JournalRecord>(*row);
  const bool same =
      record && (closes ? ClosesWith(*message, *record) : Continues(*message, *record));
  if (!same) Report("a sum was made known before it stood in the journal" + Words(message->route));
}

void Witness::OnCoordinatorReceives(std::uint32_t site, ByteSpan bytes) {
  if (!any_checks_norms_) return;
  const auto message = OpenMessage(bytes);
  if (!message) return;
  auto sketch = DecodeIf<Sketch>(MessageKind::kSketch, *message);
  if (sketch) sketches_[{site, KeyOf(message->route)}].push_back(*std::move(sketch));
}

void Witness::CheckSketch(std::uint32_t site,
                          const RouteKey& route,
                          const NormCheck& check,
                          const RingVector& vector) {
  const std::vector<Sketch>& given = sketches_[{site, route}];
  const bool any_true = std::any_of(given.begin(), given.end(), [&](const Sketch& sketch) {
    return sketch.numbers == SketchWords(Project(vector, check, sketch.seed));
  });
  if (!any_true) Report("a sum with a site whose sketch is not that of its vector");
}

void Witness::OnWrite(const RecordBatch& batch, bool by_coordinator) {
  for (const RecordChange& change : batch) {
    const auto* put = std::get_if<PutRecord>(&change);
    if (put == nullptr) continue;
    Scan(put->value, by_coordinator ? "the coordinator's state" : "a site's state");
    if (by_coordinator && put->table == "journal") CheckJournal(*put);
    if (put->table != "ledger" && put->table != "audit") continue;
    const auto record = Decode<ChainRecord>(put->value);
    if (!record || HoldsRealNumber(record->detail)) Report("a number stands in a chain's record");
  }
}

void Witness::CheckJournal(const PutRecord& put) {
  const auto record = Decode<JournalRecord>(put.value);
  if (!record) return Report("a journal record that cannot be read");
  StudyId study;
  std::copy_n(put.key.begin(), study.bytes.size(), study.bytes.begin());
  const RouteKey route{study, record->round, record->attempt};
  const Plan& plan = plans_.at(study);
  const std::string where = Words(Route{{}, study, record->round, record->attempt});
  const auto query = queries_.find(route);
  if (query == queries_.end()) return Report("a sum of answers to no question" + where);
  if (record->survivors.size() < FewestInASum(record->capacity, plan.minimum_sites)) {
    Report("the journal has a sum of too few sites" + where);
  }
  const std::vector<Slot> slots = SlotsOf(*plan.analysis->Describe(query->second));
  const auto check = NormCheckOf(*plan.analysis, query->second, record->capacity);
  RingVector expected(WordsOf(slots), 0);
  for (const SiteId id : record->survivors) {
    const auto answer = answers_.find({SiteOf(id), route});
    if (answer == answers_.end()) return Report("a sum with a site that did not answer" + where);
    const RingVector vector = *EncodeFixedPoint(answer->second, slots, record->capacity);
    if (check) CheckSketch(SiteOf(id), route, *check, vector);
    AddTo(expected, vector);
  }
  const auto sites = static_cast<std::uint32_t>(record->survivors.size());
  if (record->sum.size() != expected.size() ||
      !IsSumOf(record->sum, expected, slots, record->capacity, sites)) {
    Report("a sum is not that of its sites' answers" + where);
  }
}

void Witness::OnNote(const Note& note) {
  for (const auto& [name, value] : note.fields) {
    if (HoldsRealNumber(value)) Report("a number stands in the log: " + note.event);
    if (name != "reason") continue;
    Count(drops_, value, DropReason::kTooLong);
    if (note.event == "refused" || note.event == "answer-refused" || note.event == "site-refused") {
      Count(refusals_, value, RefusalReason::kNotSketched);
    }
  }
}

}  // namespace consilium
