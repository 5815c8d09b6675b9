#pragma once

// How many sites may collude, drop out, and must agree, and how many neighbours each chooses: a
// pure function of n that every party computes for itself.

#include <cstdint>

#include "common/result.h"
#include "protocols/messages.h"

namespace consilium {

/// Above kMaxCompleteSites: which part of the sites may collude, which part may be lost, and how
/// likely a failure may be (Bell et al., CCS 2020, section 3; there gamma, delta, sigma, eta).
struct SparseGraphOptions {
  double colluding = 0.2;     ///< gamma
  double lost = 0.1;          ///< delta
  int security_bits = 40;     ///< sigma: some site's neighbours betray it, with 2^-sigma.
  int correctness_bits = 20;  ///< eta: of some site too few neighbours are left, with 2^-eta.
};

struct SparseGraph {
  std::uint32_t neighbours = 0;  ///< k, even.
  std::uint32_t shares = 0;      ///< t
  bool operator==(const SparseGraph&) const = default;
};

/// P[X >= least] where X of `drawn` draws without replacement, from `all` of which `marked` are
/// marked, are marked (hypergeometric). By the recurrence of neighbouring terms from P[X = 0], so
/// with a relative error of some 1e-13, the same bits on every machine; drawn <= all - marked.
double MarkedAtLeast(std::uint32_t all,
                     std::uint32_t marked,
                     std::uint32_t drawn,
                     std::uint32_t least);

/// The smallest even k for which there is a t, and the smallest such t, with
///   P[Hyp(n, floor(gamma n), k) >= t]      <= 2^-(sigma + 1) / n    (corrupt neighbours cannot
///   open) P[Hyp(n, ceil((1 - delta) n), k) < t]  <= 2^-eta / n            (enough neighbours are
///   left)
/// kRefused if no k <= kMaxNeighbours will do, or n is not above kMaxCompleteSites.
Result<SparseGraph> FindSparseGraph(std::uint32_t sites, const SparseGraphOptions& options = {});

/// Up to kMaxCompleteSites, the complete graph:
///   T = max(1, floor((n-1)/3)),   t = q = max(3, T+2, floor((n+T)/2)+1),   k = n-1.
/// 2t > n + T forbids that both secrets of one site are opened; 2q > n + T that two transcripts
/// reach a quorum; n - t sites may drop out.
/// Above, T = floor(n/5), k and t of FindSparseGraph, and q = floor((n+T)/2)+1.
/// `minimum` is n_min, the fewest sites whose sum may be opened, and is copied. kRefused for n < 3:
/// with two sites each subtracts itself. Likewise above kMaxSites.
Result<Thresholds> ThresholdsFor(std::uint32_t sites, std::uint32_t minimum);

/// Whether every two sites share masks.
bool IsComplete(const Thresholds& thresholds);
/// Whether a site keeps a share of its own secrets: t counts all n shares in the complete graph,
/// and those of the k neighbours alone above.
bool KeepsOwnShare(const Thresholds& thresholds);

/// The fewest sites with which a step may go on: max(q, n_min).
std::uint32_t FewestSites(const Thresholds& thresholds);

}  // namespace consilium
