#pragma once

// How many sites may collude, drop out, and must agree: a pure function of n.

#include <cstdint>

#include "common/result.h"
#include "protocols/messages.h"

namespace consilium {

/// The complete graph's thresholds for n sites, 3 <= n <= kMaxSites:
///   T = max(1, floor((n-1)/3)),   t = q = max(3, T+2, floor((n+T)/2)+1),   k = n-1.
/// 2t > n + T forbids that both secrets of one site are opened; 2q > n + T that two transcripts
/// reach a quorum; n - t sites may drop out. `minimum` is copied: the fewest sites whose sum may be
/// opened. kRefused for n < 3: with two sites each subtracts itself. Likewise above kMaxSites.
Result<Thresholds> ThresholdsFor(std::uint32_t sites, std::uint32_t minimum);

/// The fewest sites with which a step may go on: max(t, n_min).
std::uint32_t FewestSites(const Thresholds& thresholds);

}  // namespace consilium
