#include "protocols/secure_sum/coordinator_session.h"

#include <algorithm>
#include <utility>

#include "common/check.h"
#include "common/crypto/mask_stream.h"
#include "protocols/secure_sum/thresholds.h"
#include "protocols/secure_sum/transcript.h"

namespace consilium {

std::string_view Name(SumPhase phase) {
  switch (phase) {
    case SumPhase::kDealing:
      return "dealing shares";
    case SumPhase::kCommitting:
      return "committing to vectors";
    case SumPhase::kSketching:
      return "checking norms";
    case SumPhase::kUploading:
      return "uploading";
    case SumPhase::kConfirming:
      return "confirming";
    case SumPhase::kUnmasking:
      return "unmasking";
    case SumPhase::kFinished:
      return "finished";
    case SumPhase::kFailed:
      return "failed";
  }
  return "";
}

CoordinatorSession::CoordinatorSession(SessionSetup setup, bool everyone)
    : setup_(std::move(setup)),
      everyone_(everyone),
      context_(ContextOf(setup_.route, setup_.start, setup_.codec)) {
  std::vector<SiteId> sites;
  for (const Participant& participant : setup_.start.participants) {
    sites.push_back(participant.site);
  }
  Enter(SumPhase::kDealing, sites);
}

void CoordinatorSession::Enter(SumPhase phase, const std::vector<SiteId>& sites) {
  phase_ = phase;
  members_ = {sites.begin(), sites.end()};
  for (const auto& [site, reason] : dropped_) members_.erase(site);
  awaited_ = members_;
}

void CoordinatorSession::Drop(SiteId site, DropReason reason) {
  dropped_.emplace(site, reason);
  members_.erase(site);
  awaited_.erase(site);
  sending_.erase(site);
  awaiting_turn_.erase(site);
  // The next one takes its place in memory as well.
  const auto upload = uploads_.find(site);
  if (upload != uploads_.end() && !upload->second.vector.whole()) upload->second.vector.Release();
}

std::optional<DropReason> CoordinatorSession::DropFor(SiteId site, DropReason reason) {
  Drop(site, reason);
  return reason;
}

std::optional<DropReason> CoordinatorSession::OnShares(SiteId site, const Shares& shares) {
  if (dealers_.contains(site)) {
    const bool same = DigestOfShares(shares) == dealers_.at(site).digest;
    return same ? DropReason::kWrongPhase : DropFor(site, DropReason::kConflictingRepeat);
  }
  if (phase_ != SumPhase::kDealing) return DropReason::kWrongPhase;
  if (!TakesPart(site)) return DropReason::kNotInAttempt;
  if (shares.context != context_) return DropFor(site, DropReason::kWrongContext);
  SiteId previous;
  for (const SealedShare& share : shares.shares) {
    if (share.recipient <= previous || share.recipient == site ||
        !PointOf(setup_.start, share.recipient) || share.sealed.size() != kSealedShareBytes) {
      return DropFor(site, DropReason::kWrongRecipients);
    }
    previous = share.recipient;
  }
  if (shares.shares.size() != setup_.start.thresholds.neighbours) {
    return DropFor(site, DropReason::kWrongRecipients);
  }
  dealers_.emplace(site, Dealer{shares, DigestOfShares(shares)});
  awaited_.erase(site);
  return std::nullopt;
}

std::optional<DropReason> CoordinatorSession::OnUploadHeader(SiteId site,
                                                             const UploadHeader& header,
                                                             const Signature& signature) {
  const auto known = uploads_.find(site);
  if (known != uploads_.end()) {
    const bool same = Encode(known->second.header) == Encode(header);
    return same ? DropReason::kWrongPhase : DropFor(site, DropReason::kConflictingRepeat);
  }
  const bool may_commit = phase_ == (setup_.check ? SumPhase::kCommitting : SumPhase::kUploading);
  if (!may_commit) return DropReason::kWrongPhase;
  if (!TakesPart(site)) return DropReason::kNotInAttempt;
  if (header.context != context_ || header.delivery_root != delivery_root_) {
    return DropFor(site, DropReason::kWrongContext);
  }
  if (header.words != setup_.words) return DropFor(site, DropReason::kWrongLength);
  uploads_.emplace(site, Upload{header, signature, IncomingVector(setup_.words)});
  if (phase_ == SumPhase::kCommitting) {
    awaited_.erase(site);
  } else {
    Admit(site);
  }
  return std::nullopt;
}

/// To those that may send, or may once their turn comes.
void CoordinatorSession::Admit(SiteId site) {
  Upload& upload = uploads_.at(site);
  upload.granted = setup_.words <= kChunkWords;
  (upload.granted ? sending_ : awaiting_turn_).insert(site);
}

std::optional<DropReason> CoordinatorSession::OnSketch(SiteId site, const Sketch& sketch) {
  const bool again = sketches_ && sketches_->Has(site);
  if (phase_ != SumPhase::kSketching && !again) return DropReason::kWrongPhase;
  if (!TakesPart(site)) return DropReason::kNotInAttempt;
  const std::optional<DropReason> reason = sketches_->Take(site, sketch);
  if (reason == DropReason::kWrongPhase) return reason;
  if (reason) return DropFor(site, *reason);
  awaited_.erase(site);
  return std::nullopt;
}

std::optional<DropReason> CoordinatorSession::OnChunk(SiteId site, const Chunk& chunk) {
  const auto found = uploads_.find(site);
  if (phase_ != SumPhase::kUploading || found == uploads_.end() || !TakesPart(site)) {
    return DropReason::kWrongPhase;
  }
  Upload& upload = found->second;
  if (!upload.granted) return DropReason::kWrongPhase;
  if (upload.hasher == nullptr && !upload.vector.whole()) {
    upload.hasher = std::make_unique<VectorHasher>(context_, site, setup_.words);
    // Memory that was never written to costs ten times a copy.
    if (!finished_.empty()) {
      upload.vector.Use(std::move(finished_.back()));
      finished_.pop_back();
    }
  }
  switch (upload.vector.Take(chunk)) {
    case IncomingVector::Outcome::kOutOfTurn:
      ++upload.repeated;
      return DropReason::kWrongPhase;
    case IncomingVector::Outcome::kWrongLength:
      return DropFor(site, DropReason::kWrongLength);
    case IncomingVector::Outcome::kTaken:
      break;
  }
  // Chunk by chunk, while others are on their way, and not all at once in the end.
  upload.hasher->Add(chunk.words);
  if (!upload.vector.whole()) return std::nullopt;
  sending_.erase(site);
  if (std::exchange(upload.hasher, nullptr)->Finish() != upload.header.vector_hash) {
    uploads_.erase(found);
    return DropFor(site, DropReason::kVectorHashDiffers);
  }
  TakeIn(upload);
  awaited_.erase(site);
  return std::nullopt;
}

/// The site is in the sum from here on, whatever becomes of it: what it sent need not be kept.
void CoordinatorSession::TakeIn(Upload& upload) {
  RingVector words = upload.vector.Release();
  if (sum_.empty()) {
    sum_ = std::move(words);
    return;
  }
  AddTo(sum_, words);
  finished_.push_back(std::move(words));
}

std::vector<SiteId> CoordinatorSession::GrantNext() {
  std::vector<SiteId> granted;
  if (phase_ != SumPhase::kUploading) return granted;
  while (sending_.size() < kUploadsAtATime && !awaiting_turn_.empty()) {
    const SiteId site = *awaiting_turn_.begin();
    awaiting_turn_.erase(awaiting_turn_.begin());
    sending_.insert(site);
    uploads_.at(site).granted = true;
    granted.push_back(site);
  }
  return granted;
}

bool CoordinatorSession::HasUploaded(SiteId site) const {
  const auto found = uploads_.find(site);
  return found != uploads_.end() && found->second.vector.whole();
}

std::optional<UploadProgress> CoordinatorSession::ProgressOf(SiteId site) const {
  const auto found = uploads_.find(site);
  if (found == uploads_.end()) return std::nullopt;
  const Upload& upload = found->second;
  return UploadProgress{upload.vector.next(), ChunkCount(setup_.words), upload.repeated,
                        upload.granted};
}

std::optional<std::uint64_t> CoordinatorSession::NextChunk(SiteId site) const {
  const auto found = uploads_.find(site);
  const bool may_send = phase_ == SumPhase::kUploading && TakesPart(site) &&
                        found != uploads_.end() && found->second.granted;
  return may_send ? std::optional(found->second.vector.next()) : std::nullopt;
}

std::optional<DropReason> CoordinatorSession::OnConfirmation(SiteId site,
                                                             const Confirmation& confirmation,
                                                             const Signature& signature) {
  if (phase_ != SumPhase::kConfirming && phase_ != SumPhase::kUnmasking) {
    return DropReason::kWrongPhase;
  }
  if (!TakesPart(site)) return DropReason::kNotInAttempt;
  if (confirmation.transcript != transcript_) return DropFor(site, DropReason::kWrongTranscript);
  if (phase_ == SumPhase::kConfirming) {
    cosignatures_.emplace(site, signature);
    awaited_.erase(site);
  }
  return std::nullopt;
}

/// One share of the right kind for each site whose shares it holds.
bool CoordinatorSession::AreRightShares(const std::vector<DealtShare>& dealt,
                                        const Unmasking& unmasking) const {
  if (unmasking.shares.size() != dealt.size()) return false;
  for (std::size_t i = 0; i < dealt.size(); ++i) {
    const RevealedShare& share = unmasking.shares[i];
    const bool survived = std::binary_search(survivors_.begin(), survivors_.end(), dealt[i].dealer);
    const ShareKind kind = survived ? ShareKind::kSelf : ShareKind::kMasking;
    if (share.dealer != dealt[i].dealer || share.kind != kind ||
        !Scalar::FromCanonical(share.share)) {
      return false;
    }
  }
  return true;
}

/// Asked of right shares.
bool CoordinatorSession::SharesAreDealt(SiteId site, const Unmasking& unmasking) const {
  const std::vector<DealtShare>& dealt = dealt_to_.at(site);
  for (std::size_t i = 0; i < dealt.size(); ++i) {
    if (dealt[i].share == nullptr) continue;  // Its own is checked with the secret it opens.
    const RevealedShare& share = unmasking.shares[i];
    const Digest& expected =
        share.kind == ShareKind::kSelf ? dealt[i].share->self_hash : dealt[i].share->masking_hash;
    if (ShareHash(context_, share.kind, share.dealer, site, share.share) != expected) return false;
  }
  return true;
}

std::optional<DropReason> CoordinatorSession::OnUnmasking(SiteId site, const Unmasking& unmasking) {
  if (phase_ != SumPhase::kUnmasking) return DropReason::kWrongPhase;
  if (!TakesPart(site)) return DropReason::kNotInAttempt;
  if (!awaited_.contains(site)) return DropReason::kWrongPhase;
  if (!AreRightShares(dealt_to_.at(site), unmasking)) {
    return DropFor(site, DropReason::kWrongShares);
  }
  if (!SharesAreDealt(site, unmasking)) return DropFor(site, DropReason::kShareHashDiffers);
  for (const RevealedShare& share : unmasking.shares) {
    auto& revealed = revealed_[share.dealer];
    revealed.emplace_back(site, share.share);
    if (revealed.size() == setup_.start.thresholds.shares) --closed_secrets_;
  }
  awaited_.erase(site);
  return std::nullopt;
}

bool CoordinatorSession::EnoughToGoOn(std::size_t count) const {
  if (everyone_) return count == setup_.start.participants.size();
  return count >= FewestSites(setup_.start.thresholds);
}

bool CoordinatorSession::ReadyToClose() const {
  switch (phase_) {
    case SumPhase::kConfirming:
      return cosignatures_.size() >= setup_.start.thresholds.quorum || awaited_.empty();
    case SumPhase::kUnmasking:
      return closed_secrets_ == 0 || awaited_.empty();
    case SumPhase::kDealing:
    case SumPhase::kCommitting:
    case SumPhase::kSketching:
    case SumPhase::kUploading:
      return awaited_.empty() || !EnoughToGoOn(members_.size());
    case SumPhase::kFinished:
    case SumPhase::kFailed:
      return false;
  }
  return false;
}

void CoordinatorSession::Fail(std::string why) {
  failure_ = std::move(why);
  Enter(SumPhase::kFailed, {});
  uploads_.clear();
  sending_.clear();
  awaiting_turn_.clear();
  finished_.clear();
  sum_.clear();
}

void CoordinatorSession::Close() {
  if (WaitsForEach()) {
    for (const SiteId site : Awaited()) Drop(site, DropReason::kSilent);
  }
  switch (phase_) {
    case SumPhase::kDealing:
      return CloseDealing();
    case SumPhase::kCommitting:
      return CloseCommitting();
    case SumPhase::kSketching:
      return CloseSketching();
    case SumPhase::kUploading:
      return CloseUploading();
    case SumPhase::kConfirming:
      return CloseConfirming();
    case SumPhase::kUnmasking:
      return CloseUnmasking();
    case SumPhase::kFinished:
    case SumPhase::kFailed:
      return;
  }
}

void CoordinatorSession::CloseDealing() {
  const std::vector<SiteId> members = Members();
  if (!EnoughToGoOn(members.size())) {
    return Fail("shares came from " + std::to_string(members.size()) + " sites, too few");
  }
  delivered_ = members;
  const bool keep_own = KeepsOwnShare(setup_.start.thresholds);
  for (const SiteId site : delivered_) {
    dealt_to_[site] = keep_own ? std::vector{DealtShare{site}} : std::vector<DealtShare>();
  }
  for (const SiteId dealer : delivered_) {
    for (const SealedShare& share : dealers_.at(dealer).shares.shares) {
      const auto recipient = dealt_to_.find(share.recipient);
      if (recipient != dealt_to_.end()) recipient->second.push_back(DealtShare{dealer, &share});
    }
  }
  for (auto& [site, shares] : dealt_to_) {
    std::sort(shares.begin(), shares.end(),
              [](const DealtShare& a, const DealtShare& b) { return a.dealer < b.dealer; });
  }
  for (const SiteId dealer : delivered_) {
    dealers_in_brief_.push_back(DeliveredShare{dealer, dealers_.at(dealer).digest, {}, {}, {}});
  }
  Enter(setup_.check ? SumPhase::kCommitting : SumPhase::kUploading, delivered_);
  delivery_root_ = DeliveryRoot(context_, Delivery{dealers_in_brief_});
}

Delivery CoordinatorSession::DeliveryFor(SiteId site) const {
  Delivery delivery;
  delivery.shares = dealers_in_brief_;
  const auto dealers = dealt_to_.find(site);
  if (dealers == dealt_to_.end()) return delivery;
  auto share = delivery.shares.begin();
  for (const auto& [dealer, dealt] : dealers->second) {
    if (dealt == nullptr) continue;
    while (share->dealer != dealer) ++share;
    share->sealed = dealt->sealed;
    share->self_hash = dealt->self_hash;
    share->masking_hash = dealt->masking_hash;
  }
  return delivery;
}

/// All who go on are bound to their vectors; only now anybody else learns the nonce.
void CoordinatorSession::CloseCommitting() {
  const std::vector<SiteId> members = Members();
  if (!EnoughToGoOn(members.size())) {
    return Fail("vectors were promised by " + std::to_string(members.size()) + " sites, too few");
  }
  sketches_.emplace(*setup_.check, SketchRequest{HeadersOf(members), setup_.sketch_nonce}, context_,
                    delivery_root_);
  Enter(SumPhase::kSketching, members);
}

void CoordinatorSession::CloseSketching() {
  const std::vector<SiteId> members = Members();
  if (!EnoughToGoOn(members.size())) {
    return Fail("the norms of " + std::to_string(members.size()) + " sites pass, too few");
  }
  Enter(SumPhase::kUploading, members);
  for (const SiteId site : members) Admit(site);
}

void CoordinatorSession::CloseUploading() {
  const std::vector<SiteId> members = Members();
  if (!EnoughToGoOn(members.size())) {
    return Fail("vectors came from " + std::to_string(members.size()) + " sites, too few");
  }
  // A site that was lost after its vector had come is in the sum, and is named so.
  for (const auto& [site, upload] : uploads_) {
    if (upload.vector.whole()) survivors_.push_back(site);
  }
  finished_.clear();
  transcript_ = TranscriptOf(context_, delivery_root_, SurvivorList(),
                             sketches_ ? std::optional(sketches_->seed()) : std::nullopt);
  Enter(SumPhase::kConfirming, survivors_);
}

Survivors CoordinatorSession::SurvivorList() const { return HeadersOf(survivors_); }

Survivors CoordinatorSession::HeadersOf(const std::vector<SiteId>& sites) const {
  Survivors list;
  for (const SiteId site : sites) {
    const Upload& upload = uploads_.at(site);
    list.headers.push_back(SurvivorHeader{site, upload.header, upload.signature});
  }
  return list;
}

void CoordinatorSession::CloseConfirming() {
  if (cosignatures_.size() < setup_.start.thresholds.quorum) {
    return Fail(std::to_string(cosignatures_.size()) + " sites confirmed the survivors; " +
                std::to_string(setup_.start.thresholds.quorum) + " are needed");
  }
  closed_secrets_ = delivered_.size();
  Enter(SumPhase::kUnmasking, survivors_);
}

Quorum CoordinatorSession::QuorumList() const {
  Quorum quorum;
  for (const auto& [site, signature] : cosignatures_) {
    if (quorum.signatures.size() == setup_.start.thresholds.quorum) break;  // Each costs each site.
    quorum.signatures.push_back(Cosignature{site, signature});
  }
  return quorum;
}

}  // namespace consilium
