#pragma once

// The first round or two: means and standard deviations of the terms over all sites.

#include "common/result.h"
#include "protocols/analyses/glm/query.h"
#include "protocols/federation.h"

namespace consilium::glm {

/// Every round's sums begin with these.
struct CommonSums {
  std::uint64_t rows = 0;
  std::uint64_t patients = 0;
  std::uint32_t sites = 0;
  Sums sums;
};

/// Splits an aggregate into the common sums and the rest; kCorrupt if it has another length.
Result<CommonSums> ReadCommon(const Aggregate& aggregate,
                              std::size_t expected,
                              std::size_t outcome_sums);

/// A query whose centres and scales are the federation's means and standard deviations.
Result<GlmQuery> Standardise(Federation& federation, const Design& design, const Family& family);

}  // namespace consilium::glm
