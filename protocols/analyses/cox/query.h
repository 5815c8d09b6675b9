#pragma once

// What the coordinator of a Cox regression asks, its bytes, and what leaves a site in answer.

#include <cstdint>
#include <vector>

#include "common/result.h"
#include "protocols/analyses/cox/settings.h"
#include "protocols/analyses/glm/scaling.h"
#include "protocols/analysis.h"

namespace consilium::cox {

enum class Step : std::uint8_t {
  kMoments = 1,     ///< Means and squares of the terms.
  kNewton = 2,      ///< Log partial likelihood, score and information at given coefficients.
  kConcordance = 3  ///< Pairs of patients of one site, ordered by given coefficients.
};

struct CoxQuery {
  Step step = Step::kMoments;
  glm::Scaling scaling;
  std::vector<double> coefficients;  ///< Of the scaled terms; none for moments.
};

Query EncodeQuery(const CoxQuery& query);
/// kInvalidArgument if these bytes are no query for this design or hold a number that makes no
/// sense.
Result<CoxQuery> DecodeQuery(const Query& query, const glm::Design& design);

/// What leaves a site. kInvalidArgument if a bound is too large to be kept.
Result<std::vector<Slice>> DescribeQuery(const CoxQuery& query, const glm::Design& design);

/// Numbers that every answer begins with: rows, patients, events.
inline constexpr std::size_t kCommonSums = 3;

}  // namespace consilium::cox
