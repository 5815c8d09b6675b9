#pragma once

// The coordinator's half of a meta-analysis: a loop of four rounds.

#include <cstdint>
#include <vector>

#include "common/result.h"
#include "protocols/analyses/meta/pooling.h"
#include "protocols/analyses/meta/settings.h"
#include "protocols/federation.h"

namespace consilium::meta {

inline constexpr std::uint32_t kRounds = 4;

struct MetaResult {
  std::uint64_t rows = 0;
  std::uint64_t patients = 0;
  std::uint32_t sites = 0;
  std::uint64_t fits = 0;             ///< Sites whose own rows have an estimate.
  std::uint64_t fitted_patients = 0;  ///< Of those sites.
  /// None with fewer fits than the plan asks for: nothing but their number was then asked.
  std::vector<PooledCoefficient> coefficients;
};

/// kNotEstimable when sites were lost between two rounds, whose sums then do not belong together;
/// kCorrupt when the sums are impossible.
Result<MetaResult> Combine(Federation& federation, const MetaPlan& plan);

}  // namespace consilium::meta
