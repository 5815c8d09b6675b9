#pragma once

// One site's partial likelihood (Cox 1972) with its derivatives, in plain scalar loops.

#include <cstddef>
#include <span>
#include <vector>

#include "protocols/analyses/cox/follow_up.h"
#include "protocols/analyses/cox/settings.h"

namespace consilium::cox {

/// A site's patients: n rows of p terms.
struct SurvivalRows {
  TimeOrder times;
  std::vector<bool> event;    ///< n
  std::vector<double> terms;  ///< n x p, a row after the other.
  std::size_t count = 0;      ///< p
};

/// Subtracts the site's own mean from each term. Nothing changes but the rounding: within a site
/// the partial likelihood knows only differences. A term without differences becomes exactly 0.
void CentreHere(SurvivalRows& rows);

/// Adds to `sums`: -2 log partial likelihood, score (p), information (upper triangle of p x p) at
/// these coefficients.
void AddPartialLikelihood(const SurvivalRows& rows,
                          std::span<const double> coefficients,
                          Ties ties,
                          std::span<double> sums);

}  // namespace consilium::cox
