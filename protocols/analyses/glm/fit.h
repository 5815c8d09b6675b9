#pragma once

// The coordinator's half: moments, then Newton's method on terms with mean 0 and standard deviation
// 1, then back to the terms' own units.

#include <cstdint>
#include <string>
#include <vector>

#include "common/result.h"
#include "protocols/analyses/glm/cholesky.h"
#include "protocols/analyses/glm/moments.h"
#include "protocols/analyses/glm/query.h"
#include "protocols/federation.h"

namespace consilium::glm {

struct FitOptions {
  double ridge = 0;
  std::uint32_t maximum_iterations = 25;  ///< Newton rounds, halved steps included.
};

struct Fit {
  bool converged = false;
  std::vector<std::size_t> separated;  ///< Terms whose coefficients run off; converged is false.
  /// A linear fit whose residuals are rounding: its deviance is 0, and there is no noise to judge
  /// coefficients by.
  bool exact = false;
  std::uint32_t iterations = 0;  ///< Newton rounds.

  std::uint64_t rows = 0;
  std::uint64_t patients = 0;
  std::uint32_t sites = 0;
  std::vector<double> means;         ///< Of the terms, in their own units.
  std::vector<double> deviations;    ///< Their standard deviations (n - 1).
  std::vector<double> standardised;  ///< Coefficients of the standardised terms, intercept first.

  std::vector<double> coefficients;  ///< In the terms' own units, intercept first.
  Symmetric covariance;              ///< Of `coefficients`; only when converged and not exact.
  double deviance = 0;               ///< In the outcome's own unit.
  double null_deviance = 0;
  double log_likelihood = 0;
};

/// The steps' units that Maximise asks for: indicators by their jump from 0 to 1, other terms by a
/// standard deviation. One entry a term.
std::vector<double> MovementUnits(const Design& design, const Scaling& scaling);

/// "the term X is determined by Y and Z", where the information has terms `first` to `first` +
/// terms - 1; columns before `first` are the intercept.
tl::unexpected<Error> CollinearError(const Dependence& dependence,
                                     const Design& design,
                                     std::size_t first);

/// kNotEstimable naming the terms when they are constant or determine one another, or when all
/// patients have one outcome; kCorrupt when the sums are impossible.
Result<Fit> RunFit(Federation& federation,
                   const Design& design,
                   const Family& family,
                   const FitOptions& options);

}  // namespace consilium::glm
