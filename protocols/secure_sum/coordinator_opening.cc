// What the coordinator session makes of the shares that a quorum's sites reveal: the masks that are
// left in the sum, and who dealt shares that do not fit.

#include <algorithm>
#include <iterator>
#include <utility>

#include "common/check.h"
#include "common/crypto/mask_stream.h"
#include "protocols/secure_sum/coordinator_session.h"
#include "protocols/secure_sum/secret_sharing.h"
#include "protocols/secure_sum/thresholds.h"

namespace consilium {

std::optional<Scalar> CoordinatorSession::Reconstruct(SiteId dealer) {
  std::vector<std::uint32_t> points;
  std::vector<Scalar> shares;
  auto& revealed = revealed_[dealer];
  // Whatever the order they came in, the same ones count.
  std::sort(revealed.begin(), revealed.end());
  for (const auto& [site, share] : revealed) {
    if (points.size() == setup_.start.thresholds.shares) break;
    Result<Scalar> value = Scalar::FromCanonical(share);
    CHECK(value.has_value());
    points.push_back(*PointOf(setup_.start, site));
    shares.push_back(std::move(*value));
  }
  auto weights = weights_.find(points);
  if (weights == weights_.end()) {
    Result<std::vector<Scalar>> computed = WeightsAtZero(points);
    if (!computed) return std::nullopt;
    if (!IsComplete(setup_.start.thresholds)) weights_.clear();  // Each dealer has others.
    weights = weights_.emplace(std::move(points), std::move(*computed)).first;
  }
  return Combine(weights->second, shares);
}

/// Each share has the hash that the dealer signed, and they give another secret than it committed
/// to: that is proof, whatever else was said of the site before.
void CoordinatorSession::Blame(SiteId dealer) {
  dropped_.insert_or_assign(dealer, DropReason::kDealtInconsistently);
  culprit_ = dealer;
}

bool CoordinatorSession::FindSelfMask(SiteId survivor, std::vector<MaskTerm>& masks) {
  const std::optional<Scalar> seed = Reconstruct(survivor);
  if (!seed ||
      SelfSeedCommitment(context_, survivor, *seed) != dealers_.at(survivor).shares.commitment) {
    Blame(survivor);
    return false;
  }
  masks.push_back({SelfMaskKey(*seed, context_), /*subtract=*/true});
  return true;
}

/// The survivors that it has chosen or that have chosen it.
std::vector<SiteId> CoordinatorSession::MaskPartnersOf(SiteId lost) const {
  std::set<SiteId> partners;
  for (const DealtShare& dealt : dealt_to_.at(lost)) partners.insert(dealt.dealer);
  for (const SealedShare& share : dealers_.at(lost).shares.shares) partners.insert(share.recipient);
  std::vector<SiteId> surviving;
  std::set_intersection(partners.begin(), partners.end(), survivors_.begin(), survivors_.end(),
                        std::back_inserter(surviving));
  return surviving;
}

bool CoordinatorSession::FindMasksOf(SiteId lost, std::vector<MaskTerm>& masks) {
  const std::optional<Scalar> seed = Reconstruct(lost);
  const Participant& dealer = setup_.start.participants[*PointOf(setup_.start, lost) - 1];
  std::optional<ExchangeKeyPair> masking;
  if (seed) masking = MaskingKeyOf(*seed);
  if (!masking || masking->public_key != dealer.prekey.masking) {
    Blame(lost);
    return false;
  }
  for (const SiteId survivor : MaskPartnersOf(lost)) {
    const Participant& peer = setup_.start.participants[*PointOf(setup_.start, survivor) - 1];
    const Result<SecretKey32> shared = ExchangeSecret(masking->secret, peer.prekey.masking);
    if (!shared) return false;
    // The lost site's own would have cancelled what the survivor added.
    masks.push_back(
        PairwiseMask(PairwiseMaskKey(*shared, context_, survivor, lost), lost, survivor));
  }
  return true;
}

void CoordinatorSession::CloseUnmasking() {
  if (closed_secrets_ > 0) {
    return Fail("the shares of " + std::to_string(closed_secrets_) + " sites' secrets came from " +
                "fewer than " + std::to_string(setup_.start.thresholds.shares) + " sites");
  }
  uploads_.clear();
  std::vector<MaskTerm> masks;
  for (const SiteId dealer : delivered_) {
    const bool survived = std::binary_search(survivors_.begin(), survivors_.end(), dealer);
    if (!(survived ? FindSelfMask(dealer, masks) : FindMasksOf(dealer, masks))) {
      return Fail("site " + std::to_string(dealer.value()) + " dealt shares that do not fit");
    }
  }
  ApplyMasks(masks, sum_);
  if (sketches_ && !sketches_->AddUpTo(sum_, survivors_)) {
    sketches_disagree_ = true;
    return Fail("the sites' sketches do not add up to the sketch of their sum");
  }
  Enter(SumPhase::kFinished, {});
}

const RingVector& CoordinatorSession::sum() const {
  CHECK(phase_ == SumPhase::kFinished);
  return sum_;
}

}  // namespace consilium
