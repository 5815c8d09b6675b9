#pragma once

// Each site adds a share of the noise before it masks; the sum has all of them. Sites that drop out
// take their share along, and colluding sites know theirs, so a share is sized for the honest
// survivors that the secure sum guarantees.
//
// The sum of discrete Gaussians is not a discrete Gaussian, only nearly. How nearly, and what that
// costs, is from Kairouz, Liu, Steinke, "The Distributed Discrete Gaussian Mechanism for Federated
// Learning with Secure Aggregation" (ICML 2021, arXiv:2102.06387).

#include <cstdint>

#include "common/result.h"
#include "protocols/messages.h"
#include "protocols/privacy/discrete_gaussian.h"

namespace consilium {

/// Narrower shares are too far from a discrete Gaussian of their sum's variance: what is known of
/// them needs a deviation of one half (their Proposition 14), and two shares of variance 0.02 do
/// lie further off than tau.
inline constexpr double kLeastShareVariance = 0.25;

/// Honest shares in every sum that can be opened: q - T in the complete graph, for of at least
/// max(q, n_min) survivors no more than T collude; n_min is not counted on, since a plan may lower
/// it. Above, where a part of the sum could be opened apart, half of that (docs/spec/secure-sum.md,
/// "More than 128 sites").
std::uint32_t FewestHonestShares(const Thresholds& thresholds);

/// The variance of one share so that `shares` of them have at least `total`. Exact unless the
/// fraction would not fit; then rounded up by less than one over its numerator.
/// kInvalidArgument if `shares` is 0 or `total` is more than `shares` times the largest variance.
Result<RationalVariance> ShareVariance(const RationalVariance& total, std::uint32_t shares);

/// tau = 10 sum_{k=1}^{n-1} exp(-2 pi^2 v k / (k + 1)) for n shares of variance v each, in integer
/// units squared: at every integer the logarithm of the sum's mass is within tau of that of the
/// discrete Gaussian of variance n v (their section on sums of discrete Gaussians). Any n >= 1; for
/// n >= 2 only where v >= kLeastShareVariance.
double ShareSumDistance(double share_variance, std::uint32_t shares);

/// Rounds noised by shares of discrete Gaussian noise. Sensitivities are of the integer vector.
struct SharedRounds {
  RationalVariance share;    ///< Of each share, integer units squared.
  std::uint32_t shares = 1;  ///< Those counted on: FewestHonestShares.
  double l2 = 1;             ///< One patient's largest change of the vector, L2 norm.
  double l1 = 1;             ///< The same, L1 norm; at most sqrt(dimensions) * l2.
  std::uint64_t dimensions = 1;
  double rate = 1;  ///< As in GaussianRounds.
  std::uint64_t rounds = 1;

  /// Standard deviation of the shares' sum over l2.
  double NoiseMultiplier() const;
};

/// kInvalidArgument that names what is out of its range.
Status CheckSharedRounds(const SharedRounds& rounds);

/// Renyi divergence of one round's release, of this order > 1, at rate 1, for rounds that pass
/// CheckSharedRounds (their Proposition 14): with D2 = l2 / sd and D1 = l1 / sd of the sum's
/// standard deviation,
///   min{ order/2 D2^2 + tau d,  order/2 (D2^2 + 2 D1 tau + tau^2 d),  order/2 (D2 + sqrt(d) tau)^2
///   }.
double SharedGaussianRdp(const SharedRounds& rounds, double order);

}  // namespace consilium
