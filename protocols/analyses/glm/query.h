#pragma once

// What the coordinator asks, its bytes, and what leaves a site in answer to it.

#include <cstdint>
#include <vector>

#include "common/result.h"
#include "protocols/analyses/glm/design.h"
#include "protocols/analyses/glm/family.h"
#include "protocols/analyses/glm/scaling.h"
#include "protocols/analyses/glm/slices.h"
#include "protocols/analysis.h"

namespace consilium::glm {

/// A Newton round then sums a quarter of a million words, 2 MiB.
inline constexpr std::size_t kMaxTerms = 500;

enum class Step : std::uint8_t {
  kMoments = 1,  ///< Means and squares of the terms, about a centre.
  kStart = 2,    ///< Weighted least squares from each row's own starting point.
  kNewton = 3    ///< Deviance, score and information at given coefficients.
};

/// The outcome enters all sums as (y - centre) / scale, as terms do.
struct GlmQuery {
  Step step = Step::kMoments;
  Scaling scaling;
  double outcome_centre = 0;
  double outcome_scale = 1;
  double eta_ceiling = 0;
  std::vector<double> coefficients;  ///< Newton: intercept first. Otherwise none.
};

Query EncodeQuery(const GlmQuery& query);
/// kInvalidArgument if these bytes are no query for this design or hold a number that makes no
/// sense.
Result<GlmQuery> DecodeQuery(const Query& query, const Design& design, const Family& family);

/// The query that every study starts with: centred and scaled by the contract's ranges.
GlmQuery FirstQuery(const Design& design, const Family& family);

/// What leaves a site. kInvalidArgument if a bound is too large to be kept.
Result<std::vector<Slice>> DescribeQuery(const GlmQuery& query,
                                         const Design& design,
                                         const Family& family);

}  // namespace consilium::glm
