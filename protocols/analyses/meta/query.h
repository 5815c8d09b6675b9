#pragma once

// What the coordinator of a meta-analysis asks, its bytes, and what leaves a site in answer.

#include <cstdint>
#include <vector>

#include "common/result.h"
#include "protocols/analyses/meta/settings.h"
#include "protocols/analysis.h"

namespace consilium::meta {

enum class Step : std::uint8_t {
  kFits = 1,     ///< How many sites have a fit at all: nothing else is asked before enough have.
  kWeights = 2,  ///< Weights and weighted estimates: the fixed effect.
  kSpread = 3,   ///< Their spread about it, and squared shares of the weight, for tau^2.
  kRandom = 4    ///< With weights 1 / (1 / weight + tau^2): the random effect and its spread.
};

/// In the model's units; one entry a coefficient in each list.
struct MetaQuery {
  Step step = Step::kFits;
  double fits = 0;                ///< Of kSpread and kRandom, as all below: sites with a fit.
  std::vector<double> centres;    ///< The fixed effects.
  std::vector<double> totals;     ///< All sites' weights.
  std::vector<double> variances;  ///< Of kRandom: tau^2.
};

Query EncodeQuery(const MetaQuery& query);
/// kInvalidArgument if these bytes are no query for this plan or hold a number that makes no sense.
Result<MetaQuery> DecodeQuery(const Query& query, const MetaPlan& plan);

/// What leaves a site.
std::vector<Slice> DescribeQuery(const MetaQuery& query, const MetaPlan& plan);

/// Numbers that every answer begins with: rows, patients, fits, patients in fits.
inline constexpr std::size_t kCommonSums = 4;
/// Of each coefficient, behind those.
std::size_t NumbersPerCoefficient(Step step);

}  // namespace consilium::meta
