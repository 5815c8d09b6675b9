#include "protocols/secure_sum/thresholds.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "common/check.h"

namespace consilium {
namespace {

/// A share of the sites that is a whole number stays one in spite of rounding.
constexpr double kSlack = 1e-9;

Thresholds Complete(std::uint32_t sites) {
  Thresholds thresholds;
  thresholds.neighbours = sites - 1;
  thresholds.colluding = std::max<std::uint32_t>(1, (sites - 1) / 3);
  thresholds.shares = std::max(
      {std::uint32_t{3}, thresholds.colluding + 2, (sites + thresholds.colluding) / 2 + 1});
  thresholds.quorum = thresholds.shares;
  return thresholds;
}

Result<Thresholds> Sparse(std::uint32_t sites) {
  TRY(const SparseGraph graph, FindSparseGraph(sites));
  Thresholds thresholds;
  thresholds.neighbours = graph.neighbours;
  thresholds.colluding = sites / 5;
  thresholds.shares = graph.shares;
  thresholds.quorum = (sites + thresholds.colluding) / 2 + 1;
  return thresholds;
}

}  // namespace

double MarkedAtLeast(std::uint32_t all,
                     std::uint32_t marked,
                     std::uint32_t drawn,
                     std::uint32_t least) {
  CHECK(marked <= all && drawn <= all - marked);
  double term = 1;
  for (std::uint32_t i = 0; i < drawn; ++i) {
    term *= static_cast<double>(all - marked - i) / static_cast<double>(all - i);
  }
  double tail = least == 0 ? term : 0;
  for (std::uint32_t x = 0; x < std::min(marked, drawn); ++x) {
    // P[X = x + 1] / P[X = x]
    term *= static_cast<double>(marked - x) * static_cast<double>(drawn - x) /
            (static_cast<double>(x + 1) * static_cast<double>(all - marked - drawn + x + 1));
    if (x + 1 >= least) tail += term;
  }
  return tail;
}

Result<SparseGraph> FindSparseGraph(std::uint32_t sites, const SparseGraphOptions& options) {
  const auto n = static_cast<double>(sites);
  if (sites > kMaxCompleteSites) {
    const auto colluding = static_cast<std::uint32_t>(std::floor(options.colluding * n + kSlack));
    const auto lost =
        static_cast<std::uint32_t>(sites - std::ceil((1 - options.lost) * n - kSlack));
    const double betrayed = std::ldexp(1 / n, -options.security_bits - 1);
    const double deserted = std::ldexp(1 / n, -options.correctness_bits);
    for (std::uint32_t k = 2; k <= std::min<std::size_t>(kMaxNeighbours, sites - colluding);
         k += 2) {
      std::uint32_t t = 1;
      while (t <= k && MarkedAtLeast(sites, colluding, k, t) > betrayed) ++t;
      // Fewer than t are left when more than k - t are lost.
      if (t <= k && MarkedAtLeast(sites, lost, k, k - t + 1) <= deserted) return SparseGraph{k, t};
    }
  }
  return Fail(ErrorCode::kRefused,
              "no sparse graph of " + std::to_string(sites) + " sites is safe enough");
}

Result<Thresholds> ThresholdsFor(std::uint32_t sites, std::uint32_t minimum) {
  if (sites < 3) {
    return Fail(ErrorCode::kRefused,
                "a secure sum needs at least 3 sites, not " + std::to_string(sites),
                "With two, each learns the other's answer by subtracting its own.");
  }
  if (sites > kMaxSites) {
    return Fail(ErrorCode::kRefused, "a secure sum over " + std::to_string(sites) +
                                         " sites is more than the " + std::to_string(kMaxSites) +
                                         " this version supports");
  }
  Thresholds thresholds;
  if (sites <= kMaxCompleteSites) {
    thresholds = Complete(sites);
  } else {
    TRY(thresholds, Sparse(sites));
  }
  thresholds.sites = sites;
  thresholds.minimum = minimum;
  return thresholds;
}

bool IsComplete(const Thresholds& thresholds) {
  return thresholds.neighbours + 1 == thresholds.sites;
}

bool KeepsOwnShare(const Thresholds& thresholds) { return IsComplete(thresholds); }

std::uint32_t FewestSites(const Thresholds& thresholds) {
  return std::max(thresholds.quorum, thresholds.minimum);
}

}  // namespace consilium
