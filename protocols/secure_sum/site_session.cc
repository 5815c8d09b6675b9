#include "protocols/secure_sum/site_session.h"

#include <algorithm>
#include <utility>

#include "common/check.h"
#include "common/crypto/mask_stream.h"
#include "common/crypto/sealing.h"
#include "protocols/secure_sum/neighbours.h"
#include "protocols/secure_sum/secret_sharing.h"
#include "protocols/secure_sum/thresholds.h"

namespace consilium {

using R = RefusalReason;

namespace {

/// The sites ascend.
bool Contains(const std::vector<SiteId>& sites, SiteId site) {
  return std::binary_search(sites.begin(), sites.end(), site);
}

}  // namespace

SiteSession::SiteSession(std::shared_ptr<const SessionSetup> setup, SiteId self, Digest context)
    : setup_(std::move(setup)), self_(self), context_(context) {}

Judged<SiteSession> SiteSession::Begin(SessionSetup setup,
                                       SiteId self,
                                       const PrekeySecrets& prekey,
                                       RandomSource& random) {
  return Begin(std::make_shared<const SessionSetup>(std::move(setup)), self, prekey, random);
}

Judged<SiteSession> SiteSession::Begin(std::shared_ptr<const SessionSetup> setup,
                                       SiteId self,
                                       const PrekeySecrets& prekey,
                                       RandomSource& random) {
  if (const auto refusal = CheckStart(*setup)) return tl::unexpected<Refusal>(*refusal);
  const auto point = PointOf(setup->start, self);
  if (!point || Encode(setup->start.participants[*point - 1].prekey) != Encode(prekey.prekey)) {
    return Refuse(R::kOwnPrekeyAltered);
  }
  const Digest context = ContextOf(setup->route, setup->start, setup->codec);
  SiteSession session(std::move(setup), self, context);
  Dealt dealt;
  for (const SiteId peer : ChooseNeighbours(session.setup_->start, self, random)) {
    Judged<PeerKeys> keys = session.AgreeWith(peer, prekey.encryption, prekey.masking);
    if (!keys) return tl::unexpected<Refusal>(keys.error());
    dealt.chosen.emplace(peer, std::move(*keys));
  }
  session.Deal(prekey, dealt, random);
  dealt.encryption = prekey.encryption.Clone();
  dealt.masking = prekey.masking.Clone();
  session.phase_ = std::move(dealt);
  return session;
}

Judged<SiteSession::PeerKeys> SiteSession::AgreeWith(SiteId peer,
                                                     const SecretKey32& encryption,
                                                     const SecretKey32& masking) const {
  const Participant& participant = setup_->start.participants[*PointOf(setup_->start, peer) - 1];
  if (auto own = CheckPrekeyOf(*setup_, participant); !own) {
    return tl::unexpected<Refusal>(own.error());
  }
  const Result<SecretKey32> sealing = ExchangeSecret(encryption, participant.prekey.encryption);
  const Result<SecretKey32> shared = ExchangeSecret(masking, participant.prekey.masking);
  if (!sealing || !shared) return Refuse(R::kWeakKey, peer);
  return PeerKeys{ShareKey(*sealing, context_, self_, peer),
                  PairwiseMaskKey(*shared, context_, self_, peer)};
}

void SiteSession::Deal(const PrekeySecrets& prekey, Dealt& dealt, RandomSource& random) {
  std::vector<std::uint32_t> points;
  for (const auto& [recipient, keys] : dealt.chosen) {
    points.push_back(*PointOf(setup_->start, recipient));
  }
  if (KeepsOwnShare(setup_->start.thresholds)) points.push_back(*PointOf(setup_->start, self_));
  dealt.self_seed = Scalar::Random(random);
  const std::uint32_t threshold = setup_->start.thresholds.shares;
  const std::vector<ShamirShare> self = Split(dealt.self_seed, threshold, points, random);
  const std::vector<ShamirShare> masking = Split(prekey.masking_seed, threshold, points, random);

  shares_.context = context_;
  shares_.commitment = SelfSeedCommitment(context_, self_, dealt.self_seed);
  if (KeepsOwnShare(setup_->start.thresholds)) {
    dealt.own = HeldShares{SecretKey32(self.back().value.Expose()),
                           SecretKey32(masking.back().value.Expose())};
  }
  std::size_t next = 0;
  for (const auto& [recipient, keys] : dealt.chosen) {
    const ByteSpan self_share = self[next].value.Expose();
    const ByteSpan masking_share = masking[next].value.Expose();
    ++next;
    SecretBytes<64> both;
    std::copy(self_share.begin(), self_share.end(), both.ExposeMutable().begin());
    std::copy(masking_share.begin(), masking_share.end(), both.ExposeMutable().begin() + 32);
    shares_.shares.push_back(
        SealedShare{recipient,
                    Seal(keys.share_key, both.Expose(),
                         ShareAssociatedData(context_, self_, recipient), random),
                    ShareHash(context_, ShareKind::kSelf, self_, recipient, self_share),
                    ShareHash(context_, ShareKind::kMasking, self_, recipient, masking_share)});
  }
  shares_digest_ = DigestOfShares(shares_);
}

const Digest* SiteSession::delivery_root() const {
  if (const auto* delivered = std::get_if<Delivered>(&phase_)) return &delivered->view.root;
  if (const auto* uploaded = std::get_if<Uploaded>(&phase_)) return &uploaded->view.root;
  return nullptr;
}

Judged<void> SiteSession::OnDelivery(const Delivery& delivery) {
  auto* dealt = std::get_if<Dealt>(&phase_);
  if (dealt == nullptr) {
    const Digest* root = delivery_root();
    if (root == nullptr) return Refuse(R::kUnexpected);
    if (*root != DeliveryRoot(context_, delivery)) return Refuse(R::kSecondDelivery);
    return {};
  }
  if (auto checked = CheckDelivery(*dealt, delivery); !checked) return checked;

  Delivered delivered;
  for (const DeliveredShare& share : delivery.shares) {
    delivered.view.delivered.push_back(share.dealer);
    if (share.dealer == self_) continue;
    const auto chosen = dealt->chosen.find(share.dealer);
    const bool dealt_to_us = !share.sealed.empty();
    if (chosen == dealt->chosen.end() && !dealt_to_us) continue;
    PeerKeys keys;
    if (chosen != dealt->chosen.end()) {
      keys = PeerKeys{chosen->second.share_key.Clone(), chosen->second.mask_key.Clone()};
    } else {
      Judged<PeerKeys> agreed = AgreeWith(share.dealer, dealt->encryption, dealt->masking);
      if (!agreed) return tl::unexpected<Refusal>(agreed.error());
      keys = std::move(*agreed);
    }
    if (dealt_to_us) {
      Judged<HeldShares> held = OpenShare(keys.share_key, share);
      if (!held) return tl::unexpected<Refusal>(held.error());
      delivered.held.emplace(share.dealer, std::move(*held));
    }
    delivered.view.partners.insert(share.dealer);
    delivered.mask_keys.emplace(share.dealer, std::move(keys.mask_key));
  }
  for (const auto& [peer, keys] : dealt->chosen) delivered.view.chosen.insert(peer);
  delivered.view.root = DeliveryRoot(context_, delivery);
  delivered.self_seed = std::move(dealt->self_seed);
  if (dealt->own) delivered.held.emplace(self_, std::move(*dealt->own));
  phase_ = std::move(delivered);
  return {};
}

Judged<void> SiteSession::CheckDelivery(const Dealt& dealt, const Delivery& delivery) const {
  const Thresholds& thresholds = setup_->start.thresholds;
  if (delivery.shares.size() < FewestSites(thresholds)) return Refuse(R::kDeliveryTooSmall);
  SiteId previous;
  bool own_seen = false;
  std::size_t of_ours = KeepsOwnShare(thresholds) ? 1 : 0;  // Shares that could open our secrets.
  for (const DeliveredShare& share : delivery.shares) {
    if (share.dealer <= previous || !PointOf(setup_->start, share.dealer)) {
      return Refuse(R::kDeliveryNotWithinStart, share.dealer);
    }
    previous = share.dealer;
    if (dealt.chosen.contains(share.dealer)) ++of_ours;
    if (share.dealer != self_) {
      const bool missing = share.sealed.empty() && IsComplete(thresholds);
      if (missing) return Refuse(R::kShareDoesNotOpen, share.dealer);
      continue;
    }
    own_seen = true;
    if (share.shares_digest != shares_digest_) return Refuse(R::kOwnSharesAltered);
  }
  if (!own_seen) return Refuse(R::kOwnSharesAltered);
  // With fewer of our neighbours nobody could open what we dealt.
  if (of_ours < thresholds.shares) return Refuse(R::kDeliveryTooSmall);
  return {};
}

Judged<SiteSession::HeldShares> SiteSession::OpenShare(const SecretKey32& key,
                                                       const DeliveredShare& share) const {
  Result<Bytes> opened =
      Unseal(key, share.sealed, ShareAssociatedData(context_, share.dealer, self_));
  if (!opened || opened->size() != 64) return Refuse(R::kShareDoesNotOpen, share.dealer);
  const ByteSpan self = ByteSpan(*opened).first(32);
  const ByteSpan masking = ByteSpan(*opened).subspan(32);
  // Revealing bytes that are no scalar would put the dealer's fault on this site.
  const bool are_scalars = Scalar::FromCanonical(self) && Scalar::FromCanonical(masking);
  const bool hashes_match =
      ShareHash(context_, ShareKind::kSelf, share.dealer, self_, self) == share.self_hash &&
      ShareHash(context_, ShareKind::kMasking, share.dealer, self_, masking) == share.masking_hash;
  HeldShares held{SecretKey32(self), SecretKey32(masking)};
  Wipe(*opened);
  if (!are_scalars) return Refuse(R::kShareDoesNotOpen, share.dealer);
  if (!hashes_match) return Refuse(R::kShareHashDiffers, share.dealer);
  return held;
}

Judged<void> SiteSession::Mask(RingVector contribution) {
  auto* delivered = std::get_if<Delivered>(&phase_);
  if (delivered == nullptr) return Refuse(R::kUnexpected);
  CHECK(contribution.size() == setup_->words);
  std::vector<MaskTerm> masks;
  masks.reserve(1 + delivered->mask_keys.size());
  masks.push_back({SelfMaskKey(delivered->self_seed, context_)});
  for (auto& [peer, key] : delivered->mask_keys) {
    masks.push_back(PairwiseMask(std::move(key), self_, peer));
  }
  Uploaded uploaded;
  if (setup_->check) uploaded.plain = contribution;
  ApplyMasks(masks, contribution);
  uploaded.masked = std::move(contribution);
  uploaded.header =
      UploadHeader{context_, delivered->view.root, VectorHash(context_, self_, uploaded.masked),
                   uploaded.masked.size()};
  uploaded.view = std::move(delivered->view);
  uploaded.held = std::move(delivered->held);
  phase_ = std::move(uploaded);
  return {};
}

const UploadHeader& SiteSession::upload_header() const { return std::get<Uploaded>(phase_).header; }

const RingVector& SiteSession::masked_vector() const { return std::get<Uploaded>(phase_).masked; }

const Digest* SiteSession::confirmed_transcript() const {
  if (const auto* confirmed = std::get_if<Confirmed>(&phase_)) return &confirmed->transcript;
  if (const auto* released = std::get_if<Released>(&phase_)) return &released->transcript;
  return nullptr;
}

std::optional<Digest> SiteSession::sketch_seed() const {
  if (const auto* uploaded = std::get_if<Uploaded>(&phase_)) {
    return uploaded->sketched ? std::optional(uploaded->sketched->sketch.seed) : std::nullopt;
  }
  if (const auto* confirmed = std::get_if<Confirmed>(&phase_)) return confirmed->sketch_seed;
  if (const auto* released = std::get_if<Released>(&phase_)) return released->sketch_seed;
  return std::nullopt;
}

Judged<Sketch> SiteSession::OnSketchRequest(const SketchRequest& request) {
  auto* uploaded = std::get_if<Uploaded>(&phase_);
  if (uploaded == nullptr || !setup_->check) return Refuse(R::kUnexpected);
  const Digest seed = SketchSeed(context_, uploaded->view.root, request);
  if (uploaded->sketched) {
    if (uploaded->sketched->sketch.seed != seed) return Refuse(R::kSecondSketch);
    return uploaded->sketched->sketch;
  }
  // Nobody is sketched for a sum that could not be opened.
  if (auto checked = CheckSurvivors(*uploaded, request.committed); !checked) {
    return tl::unexpected<Refusal>(checked.error());
  }
  Sketched sketched;
  for (const SurvivorHeader& committed : request.committed.headers) {
    sketched.committed.emplace(committed.site, Encode(committed.header));
  }
  sketched.sketch = {seed, SketchWords(Project(uploaded->plain, *setup_->check, seed))};
  uploaded->sketched = std::move(sketched);
  Wipe(std::as_writable_bytes(std::span(uploaded->plain)));
  RingVector().swap(uploaded->plain);
  return uploaded->sketched->sketch;
}

/// Whether each survivor was bound to its vector, as it is in the sum, before any was sketched.
Judged<void> SiteSession::CheckSketched(const Uploaded& uploaded,
                                        const Survivors& survivors) const {
  if (!setup_->check) return {};
  if (!uploaded.sketched) return Refuse(R::kNotSketched);
  for (const SurvivorHeader& survivor : survivors.headers) {
    const auto committed = uploaded.sketched->committed.find(survivor.site);
    if (committed == uploaded.sketched->committed.end() ||
        committed->second != Encode(survivor.header)) {
      return Refuse(R::kNotSketched, survivor.site);
    }
  }
  return {};
}

Judged<Confirmation> SiteSession::OnSurvivors(const Survivors& survivors) {
  if (const Digest* transcript = confirmed_transcript()) {
    const Digest again =
        survivors.headers.empty()
            ? Digest{}
            : TranscriptOf(context_, survivors.headers.front().header.delivery_root, survivors,
                           sketch_seed());
    if (again != *transcript) return Refuse(R::kSecondSurvivorSet);
    return Confirmation{again};
  }
  auto* uploaded = std::get_if<Uploaded>(&phase_);
  if (uploaded == nullptr) return Refuse(R::kUnexpected);
  if (auto checked = CheckSurvivors(*uploaded, survivors); !checked) {
    return tl::unexpected<Refusal>(checked.error());
  }
  if (auto checked = CheckSketched(*uploaded, survivors); !checked) {
    return tl::unexpected<Refusal>(checked.error());
  }
  Confirmed confirmed;
  confirmed.sketch_seed = sketch_seed();
  confirmed.transcript =
      TranscriptOf(context_, uploaded->view.root, survivors, confirmed.sketch_seed);
  for (const SurvivorHeader& survivor : survivors.headers) {
    confirmed.survivors.push_back(survivor.site);
  }
  confirmed.held = std::move(uploaded->held);
  phase_ = std::move(confirmed);
  return Confirmation{std::get<Confirmed>(phase_).transcript};
}

Judged<void> SiteSession::CheckSurvivors(const Uploaded& uploaded,
                                         const Survivors& survivors) const {
  const Thresholds& thresholds = setup_->start.thresholds;
  if (survivors.headers.size() < FewestSites(thresholds)) return Refuse(R::kSurvivorsTooFew);
  // That so many took part the quorum's signatures show; where more are wanted, the headers'.
  const bool verify_all = std::max(thresholds.minimum, setup_->own_minimum) > thresholds.quorum;
  const View& view = uploaded.view;
  SiteId previous;
  bool own_seen = false;
  std::size_t of_ours = KeepsOwnShare(thresholds) ? 1 : 0;  // Shares that could open our secrets.
  for (const SurvivorHeader& survivor : survivors.headers) {
    if (survivor.site <= previous || !Contains(view.delivered, survivor.site)) {
      return Refuse(R::kSurvivorsNotWithinDelivery, survivor.site);
    }
    previous = survivor.site;
    if (view.chosen.contains(survivor.site)) ++of_ours;
    const bool shares_masks = view.partners.contains(survivor.site) || survivor.site == self_;
    const Bytes body = Encode(survivor.header);
    if ((shares_masks || verify_all) &&
        !VerifyPassedOn(*setup_, MessageKind::kUploadHeader, setup_->route, body,
                        survivor.signature, survivor.site)) {
      return Refuse(R::kHeaderForged, survivor.site);
    }
    if (survivor.header.context != context_ || survivor.header.delivery_root != view.root) {
      return Refuse(R::kViewsDiffer, survivor.site);
    }
    if (survivor.site == self_) {
      own_seen = true;
      if (body != Encode(uploaded.header)) return Refuse(R::kHeaderForged, self_);
    }
  }
  if (!own_seen) return Refuse(R::kLeftOut);
  if (of_ours < thresholds.shares) return Refuse(R::kSurvivorsTooFew);
  return {};
}

std::vector<SiteId> SiteSession::survivors() const {
  const auto* confirmed = std::get_if<Confirmed>(&phase_);
  return confirmed != nullptr ? confirmed->survivors : std::get<Released>(phase_).survivors;
}

Judged<Unmasking> SiteSession::OnQuorum(const Quorum& quorum) {
  if (const auto* released = std::get_if<Released>(&phase_)) {
    if (auto checked = CheckQuorum(released->transcript, released->survivors, quorum); !checked) {
      return tl::unexpected<Refusal>(checked.error());
    }
    return released->unmasking;
  }
  auto* confirmed = std::get_if<Confirmed>(&phase_);
  if (confirmed == nullptr) return Refuse(R::kUnexpected);
  if (auto checked = CheckQuorum(confirmed->transcript, confirmed->survivors, quorum); !checked) {
    return tl::unexpected<Refusal>(checked.error());
  }
  Released released;
  for (const auto& [dealer, held] : confirmed->held) {
    const bool survived = Contains(confirmed->survivors, dealer);
    RevealedShare revealed;
    revealed.dealer = dealer;
    revealed.kind = survived ? ShareKind::kSelf : ShareKind::kMasking;
    const ByteSpan share = survived ? held.self.Expose() : held.masking.Expose();
    std::copy(share.begin(), share.end(), revealed.share.begin());
    released.unmasking.shares.push_back(revealed);
  }
  released.survivors = std::move(confirmed->survivors);
  released.transcript = confirmed->transcript;
  released.sketch_seed = confirmed->sketch_seed;
  phase_ = std::move(released);  // Destroys, and so wipes, every share that was not revealed.
  return std::get<Released>(phase_).unmasking;
}

Judged<void> SiteSession::CheckQuorum(const Digest& transcript,
                                      const std::vector<SiteId>& survivors,
                                      const Quorum& quorum) const {
  const Bytes body = Encode(Confirmation{transcript});
  SiteId previous;
  for (const Cosignature& cosignature : quorum.signatures) {
    if (cosignature.site <= previous || !Contains(survivors, cosignature.site) ||
        !VerifyPassedOn(*setup_, MessageKind::kConfirmation, setup_->route, body,
                        cosignature.signature, cosignature.site)) {
      return Refuse(R::kQuorumForged, cosignature.site);
    }
    previous = cosignature.site;
  }
  if (quorum.signatures.size() < setup_->start.thresholds.quorum) {
    return Refuse(R::kQuorumTooSmall);
  }
  return {};
}

}  // namespace consilium
