#pragma once

// The coordinator's half of a Cox regression: moments, Newton's method from zero, then the pairs of
// the concordance.

#include <cstdint>
#include <optional>
#include <vector>

#include "common/result.h"
#include "protocols/analyses/cox/concordance.h"
#include "protocols/analyses/cox/settings.h"
#include "protocols/analyses/glm/cholesky.h"
#include "protocols/federation.h"

namespace consilium::cox {

/// The last step of Newton's method takes less than this off the deviance: it is shorter than 1e-9
/// standard errors, and its own error is that squared. The covariance is of the point before it.
inline constexpr double kDecrementConverged = 1e-18;

/// What the same rows say of coefficients that are all zero.
struct AtZero {
  double log_likelihood = 0;
  double score_statistic = 0;  ///< Rao's, without a penalty.
};

struct CoxFit {
  bool converged = false;
  std::vector<std::size_t> separated;  ///< Terms whose coefficients run off; converged is false.
  std::uint32_t iterations = 0;        ///< Newton rounds.

  std::uint64_t rows = 0;
  std::uint64_t patients = 0;
  std::uint64_t events = 0;
  std::uint32_t sites = 0;
  std::vector<double> means;         ///< Of the terms, in their own units.
  std::vector<double> deviations;    ///< Their standard deviations (n - 1).
  std::vector<double> standardised;  ///< Coefficients of the standardised terms.

  std::vector<double> coefficients;  ///< In the terms' own units.
  glm::Symmetric covariance;         ///< Of `coefficients`; only when converged.
  double log_likelihood = 0;         ///< Partial, summed over sites.
  double wald_statistic = 0;         ///< Only when converged.
  std::optional<AtZero> null;        ///< Unless sites were lost again while it was asked for.

  std::optional<PairSums> pairs;  ///< When converged and there is a pair at all.
};

/// Most rounds that it takes.
std::uint32_t MaximumRounds(const CoxPlan& plan);

/// kNotEstimable when there is no event, or naming terms that are constant, do not differ within
/// any site, or determine one another; kCorrupt when the sums are impossible.
Result<CoxFit> RunCox(Federation& federation, const CoxPlan& plan);

}  // namespace consilium::cox
