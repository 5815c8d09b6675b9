#include "protocols/secure_sum/site_session.h"

#include <utility>

#include "common/check.h"
#include "common/crypto/mask_stream.h"
#include "common/crypto/sealing.h"
#include "protocols/secure_sum/secret_sharing.h"
#include "protocols/secure_sum/thresholds.h"

namespace consilium {

using R = RefusalReason;

SiteSession::SiteSession(SessionSetup setup, SiteId self, Digest context)
    : setup_(std::move(setup)), self_(self), context_(context) {}

Judged<SiteSession> SiteSession::Begin(SessionSetup setup,
                                       SiteId self,
                                       const PrekeySecrets& prekey,
                                       RandomSource& random) {
  if (const auto refusal = CheckStart(setup)) return tl::unexpected<Refusal>(*refusal);
  const auto point = PointOf(setup.start, self);
  if (!point || Encode(setup.start.participants[*point - 1].prekey) != Encode(prekey.prekey)) {
    return Refuse(R::kOwnPrekeyAltered);
  }
  const Digest context = ContextOf(setup.route, setup.start, setup.codec);
  SiteSession session(std::move(setup), self, context);
  Dealt dealt;
  if (auto agreed = session.AgreeOnKeys(prekey, dealt); !agreed) {
    return tl::unexpected<Refusal>(agreed.error());
  }
  session.Deal(prekey, dealt, random);
  session.phase_ = std::move(dealt);
  return session;
}

Judged<void> SiteSession::AgreeOnKeys(const PrekeySecrets& prekey, Dealt& dealt) const {
  for (const Participant& peer : setup_.start.participants) {
    if (peer.site == self_) continue;
    const Result<SecretKey32> encryption =
        ExchangeSecret(prekey.encryption, peer.prekey.encryption);
    const Result<SecretKey32> masking = ExchangeSecret(prekey.masking, peer.prekey.masking);
    if (!encryption || !masking) return Refuse(R::kWeakKey, peer.site);
    dealt.peers.emplace(peer.site, PeerKeys{ShareKey(*encryption, context_, self_, peer.site),
                                            PairwiseMaskKey(*masking, context_, self_, peer.site)});
  }
  return {};
}

void SiteSession::Deal(const PrekeySecrets& prekey, Dealt& dealt, RandomSource& random) {
  dealt.self_seed = Scalar::Random(random);
  const std::uint32_t count = setup_.start.thresholds.sites;
  const std::uint32_t threshold = setup_.start.thresholds.shares;
  const std::vector<ShamirShare> self = Split(dealt.self_seed, threshold, count, random);
  const std::vector<ShamirShare> masking = Split(prekey.masking_seed, threshold, count, random);

  shares_.context = context_;
  shares_.commitment = SelfSeedCommitment(context_, self_, dealt.self_seed);
  for (std::size_t i = 0; i < self.size(); ++i) {
    const SiteId recipient = setup_.start.participants[i].site;
    const ByteSpan self_share = self[i].value.Expose();
    const ByteSpan masking_share = masking[i].value.Expose();
    if (recipient == self_) {
      dealt.own = HeldShares{SecretKey32(self_share), SecretKey32(masking_share)};
      continue;
    }
    SecretBytes<64> both;
    std::copy(self_share.begin(), self_share.end(), both.ExposeMutable().begin());
    std::copy(masking_share.begin(), masking_share.end(), both.ExposeMutable().begin() + 32);
    shares_.shares.push_back(
        SealedShare{recipient,
                    Seal(dealt.peers.at(recipient).share_key, both.Expose(),
                         ShareAssociatedData(context_, self_, recipient), random),
                    ShareHash(context_, ShareKind::kSelf, self_, recipient, self_share),
                    ShareHash(context_, ShareKind::kMasking, self_, recipient, masking_share)});
  }
  shares_digest_ = DigestOfShares(shares_);
}

const Digest* SiteSession::delivery_root() const {
  if (const auto* delivered = std::get_if<Delivered>(&phase_)) return &delivered->root;
  if (const auto* uploaded = std::get_if<Uploaded>(&phase_)) return &uploaded->root;
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
  if (auto checked = CheckDelivery(delivery); !checked) return checked;
  Judged<Held> held = OpenShares(*dealt, delivery);
  if (!held) return tl::unexpected<Refusal>(held.error());

  Delivered delivered;
  delivered.self_seed = std::move(dealt->self_seed);
  delivered.held = std::move(*held);
  delivered.held.emplace(self_, std::move(dealt->own));
  delivered.root = DeliveryRoot(context_, delivery);
  for (const DeliveredShare& share : delivery.shares) {
    if (share.dealer == self_) continue;
    delivered.mask_keys.emplace(share.dealer, std::move(dealt->peers.at(share.dealer).mask_key));
  }
  phase_ = std::move(delivered);
  return {};
}

Judged<void> SiteSession::CheckDelivery(const Delivery& delivery) const {
  if (delivery.shares.size() < FewestSites(setup_.start.thresholds)) {
    return Refuse(R::kDeliveryTooSmall);
  }
  SiteId previous;
  bool own_seen = false;
  for (const DeliveredShare& share : delivery.shares) {
    if (share.dealer <= previous || !PointOf(setup_.start, share.dealer)) {
      return Refuse(R::kDeliveryNotWithinStart, share.dealer);
    }
    previous = share.dealer;
    if (share.dealer != self_) continue;
    own_seen = true;
    if (share.shares_digest != shares_digest_) return Refuse(R::kOwnSharesAltered);
  }
  if (!own_seen) return Refuse(R::kOwnSharesAltered);
  return {};
}

Judged<SiteSession::Held> SiteSession::OpenShares(const Dealt& dealt,
                                                  const Delivery& delivery) const {
  Held held;
  for (const DeliveredShare& share : delivery.shares) {
    if (share.dealer == self_) continue;
    Result<Bytes> opened = Unseal(dealt.peers.at(share.dealer).share_key, share.sealed,
                                  ShareAssociatedData(context_, share.dealer, self_));
    if (!opened || opened->size() != 64) return Refuse(R::kShareDoesNotOpen, share.dealer);
    const ByteSpan self = ByteSpan(*opened).first(32);
    const ByteSpan masking = ByteSpan(*opened).subspan(32);
    // Revealing bytes that are no scalar would put the dealer's fault on this site.
    const bool are_scalars = Scalar::FromCanonical(self) && Scalar::FromCanonical(masking);
    const bool hashes_match =
        ShareHash(context_, ShareKind::kSelf, share.dealer, self_, self) == share.self_hash &&
        ShareHash(context_, ShareKind::kMasking, share.dealer, self_, masking) ==
            share.masking_hash;
    held.emplace(share.dealer, HeldShares{SecretKey32(self), SecretKey32(masking)});
    Wipe(*opened);
    if (!are_scalars) return Refuse(R::kShareDoesNotOpen, share.dealer);
    if (!hashes_match) return Refuse(R::kShareHashDiffers, share.dealer);
  }
  return held;
}

Judged<void> SiteSession::Mask(RingVector contribution) {
  auto* delivered = std::get_if<Delivered>(&phase_);
  if (delivered == nullptr) return Refuse(R::kUnexpected);
  CHECK(contribution.size() == setup_.words);
  std::vector<MaskTerm> masks;
  masks.reserve(1 + delivered->mask_keys.size());
  masks.push_back({SelfMaskKey(delivered->self_seed, context_)});
  for (auto& [peer, key] : delivered->mask_keys) {
    masks.push_back(PairwiseMask(std::move(key), self_, peer));
  }
  ApplyMasks(masks, contribution);
  Uploaded uploaded;
  uploaded.masked = std::move(contribution);
  uploaded.header =
      UploadHeader{context_, delivered->root, VectorHash(context_, self_, uploaded.masked),
                   uploaded.masked.size()};
  uploaded.root = delivered->root;
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

Judged<Confirmation> SiteSession::OnSurvivors(const Survivors& survivors) {
  if (const Digest* transcript = confirmed_transcript()) {
    const Digest again =
        survivors.headers.empty()
            ? Digest{}
            : TranscriptOf(context_, survivors.headers.front().header.delivery_root, survivors);
    if (again != *transcript) return Refuse(R::kSecondSurvivorSet);
    return Confirmation{again};
  }
  auto* uploaded = std::get_if<Uploaded>(&phase_);
  if (uploaded == nullptr) return Refuse(R::kUnexpected);
  if (auto checked = CheckSurvivors(*uploaded, survivors); !checked) {
    return tl::unexpected<Refusal>(checked.error());
  }
  Confirmed confirmed;
  confirmed.transcript = TranscriptOf(context_, uploaded->root, survivors);
  for (const SurvivorHeader& survivor : survivors.headers) {
    confirmed.survivors.insert(survivor.site);
  }
  confirmed.held = std::move(uploaded->held);
  phase_ = std::move(confirmed);
  return Confirmation{std::get<Confirmed>(phase_).transcript};
}

Judged<void> SiteSession::CheckSurvivors(const Uploaded& uploaded,
                                         const Survivors& survivors) const {
  if (survivors.headers.size() < FewestSites(setup_.start.thresholds)) {
    return Refuse(R::kSurvivorsTooFew);
  }
  SiteId previous;
  bool own_seen = false;
  for (const SurvivorHeader& survivor : survivors.headers) {
    if (survivor.site <= previous || !uploaded.held.contains(survivor.site)) {
      return Refuse(R::kSurvivorsNotWithinDelivery, survivor.site);
    }
    previous = survivor.site;
    const Bytes body = Encode(survivor.header);
    if (!VerifyForwarded(MessageKind::kUploadHeader, setup_.route, body, survivor.signature,
                         setup_.identities.at(survivor.site))) {
      return Refuse(R::kHeaderForged, survivor.site);
    }
    if (survivor.header.context != context_ || survivor.header.delivery_root != uploaded.root) {
      return Refuse(R::kViewsDiffer, survivor.site);
    }
    if (survivor.site == self_) {
      own_seen = true;
      if (body != Encode(uploaded.header)) return Refuse(R::kHeaderForged, self_);
    }
  }
  if (!own_seen) return Refuse(R::kLeftOut);
  return {};
}

std::vector<SiteId> SiteSession::survivors() const {
  const auto* confirmed = std::get_if<Confirmed>(&phase_);
  const std::set<SiteId>& sites =
      confirmed != nullptr ? confirmed->survivors : std::get<Released>(phase_).survivors;
  return {sites.begin(), sites.end()};
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
    const bool survived = confirmed->survivors.contains(dealer);
    RevealedShare revealed;
    revealed.dealer = dealer;
    revealed.kind = survived ? ShareKind::kSelf : ShareKind::kMasking;
    const ByteSpan share = survived ? held.self.Expose() : held.masking.Expose();
    std::copy(share.begin(), share.end(), revealed.share.begin());
    released.unmasking.shares.push_back(revealed);
  }
  released.survivors = std::move(confirmed->survivors);
  released.transcript = confirmed->transcript;
  phase_ = std::move(released);  // Destroys, and so wipes, every share that was not revealed.
  return std::get<Released>(phase_).unmasking;
}

Judged<void> SiteSession::CheckQuorum(const Digest& transcript,
                                      const std::set<SiteId>& survivors,
                                      const Quorum& quorum) const {
  const Bytes body = Encode(Confirmation{transcript});
  SiteId previous;
  for (const Cosignature& cosignature : quorum.signatures) {
    if (cosignature.site <= previous || !survivors.contains(cosignature.site) ||
        !VerifyForwarded(MessageKind::kConfirmation, setup_.route, body, cosignature.signature,
                         setup_.identities.at(cosignature.site))) {
      return Refuse(R::kQuorumForged, cosignature.site);
    }
    previous = cosignature.site;
  }
  if (quorum.signatures.size() < setup_.start.thresholds.quorum) {
    return Refuse(R::kQuorumTooSmall);
  }
  return {};
}

}  // namespace consilium
