#pragma once

// The accountant by Renyi divergences: quick, adds up by adding, and holds exactly for the discrete
// noise that the sites draw. Mironov, Talwar, Zhang, "Renyi Differential Privacy of the Sampled
// Gaussian Mechanism" (2019, arXiv:1908.10530).

#include <span>
#include <vector>

#include "common/result.h"
#include "protocols/privacy/gaussian_rounds.h"
#include "protocols/privacy/noise_shares.h"

namespace consilium {

/// The orders that are tried: 1.1, 1.2, ..., 10.9, 11, 12, ..., 63, 128, 256, 512, 1024. The grid
/// of dp_accounting, google/differential-privacy (rdp_privacy_accountant.py, default orders); the
/// one of Opacus (accountants/rdp.py, DEFAULT_ALPHAS) is the part of it from 1.1 to 63 without 11,
/// so that published numbers of either come out. Fewer orders would be valid, and a little worse.
std::span<const double> RdpOrders();

/// Renyi divergence of one round, of an order > 1: of the neighbour with the patient from the one
/// without, which is the larger direction (shown in that paper, for laws with a mirror symmetry).
/// ln(A) / (order - 1), A = E[L^order] of the likelihood ratio L under noise alone (their section
/// 3.3). Whole orders by the binomial sum, others by quadrature of the same integral; rounded up by
/// more than rounding can take off, a relative 1e-12 of A - 1 or little more.
/// Noise and rate as CheckRounds allows.
double SampledGaussianRdp(double noise, double rate, double order);

/// What a guarantee rests on.
struct RdpEpsilon {
  double epsilon = 0;
  double order = 0;  ///< The one that gave it.
};

/// Privacy spent, one divergence an order. Rounds of any number of studies on the same patients
/// add up, in any sequence.
class RdpCurve {
 public:
  RdpCurve();
  /// Continuous noise, or one site's discrete noise at rate 1 (which is no worse: Canonne, Kamath,
  /// Steinke 2020, on its concentrated differential privacy). kInvalidArgument for numbers out of
  /// range.
  Status Add(const GaussianRounds& rounds);
  /// Shares of discrete noise. At rate 1 by Proposition 14 of Kairouz, Liu, Steinke. Sampled: for
  /// whole orders the discrete Gaussian has the continuous one's moments exactly (a shift by a
  /// whole number of steps permutes the lattice), between them their logarithm is convex in the
  /// order, and the shares' sum adds tau * d * (2 order - 1) / (order - 1), as its masses are
  /// within exp(+-tau d) of the discrete Gaussian's.
  Status Add(const SharedRounds& rounds);

  /// The least epsilon >= 0 for this delta over all orders (Canonne, Kamath, Steinke 2020,
  /// Proposition 12): divergence + ln(1 - 1/order) - ln(delta order) / (order - 1). 0 where
  /// delta^2 > 1 - exp(-divergence) already (Bretagnolle and Huber).
  Result<RdpEpsilon> EpsilonFor(double delta) const;
  /// The least delta for this epsilon, by the same two; at most 1, and 0 only if nothing was spent.
  Result<double> DeltaFor(double epsilon) const;
  std::span<const double> divergences() const { return divergences_; }

 private:
  std::vector<double> divergences_;
};

}  // namespace consilium
