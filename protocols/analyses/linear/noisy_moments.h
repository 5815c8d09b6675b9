#pragma once

// Least squares from a sum of squares and products that has noise.
//
// With M = sum of v v', v = (1, terms, outcome), and independent noise of deviation tau in each
// number of M's upper triangle, the estimate is that of the noised matrix, as if it had none: Vu
// and Slavkovic, "Differential Privacy for Clinical Trial Data" (ICDM workshops 2009); Sheffet,
// "Differentially Private Ordinary Least Squares" (ICML 2017). What noise adds to its variance is
// taken to first order: with A the terms' part of M, b their products with the outcome, u = b - A
// beta changes by e - E beta, and beta by A^-1 of that.

#include <vector>

#include "common/result.h"
#include "protocols/analyses/glm/cholesky.h"

namespace consilium {

struct NoisyLeastSquares {
  double rows = 0;
  std::vector<double> coefficients;  ///< The intercept first.
  glm::Symmetric covariance;         ///< Of sampling and noise together.
  glm::Symmetric noise_covariance;   ///< Of noise alone, which is in it.
  double residual_variance = 0;      ///< What inference uses: not below what noise could hide.
  bool residuals_hidden = false;     ///< The noise is as large as the residuals.
};

/// `moments` is M, `deviation` tau. kNotEstimable, in words, where noise as large as it may well be
/// would make the terms' part singular.
Result<NoisyLeastSquares> SolveNoisyMoments(const glm::Symmetric& moments, double deviation);

}  // namespace consilium
