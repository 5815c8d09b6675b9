#pragma once

// Logistic regression from scores and information matrices that have noise: Newton's method with a
// number of steps that is fixed before, and confidence intervals that include the noise, after
// Avella-Medina, Bradshaw, Loh, "Differentially Private Inference via Noisy Optimization" (Annals
// of Statistics 2023).
//
// Near the maximum a step is exact but for what is of second order, so the estimate after a step is
// off the maximum likelihood estimate by I^-1 e, e the noise of that step's score alone: noise of
// earlier steps is forgotten.

#include <vector>

#include "common/result.h"
#include "protocols/analyses/glm/cholesky.h"

namespace consilium {

class NoisyNewton {
 public:
  explicit NoisyNewton(std::size_t order) : coefficients_(order, 0.0) {}

  /// A step, given score and information at coefficients(), and the deviations of the noise in each
  /// of their numbers. kNotEstimable, in words, where noise as large as it may well be would make
  /// the information singular.
  Status Step(const std::vector<double>& score,
              double score_noise,
              const glm::Symmetric& information,
              double information_noise);

  const std::vector<double>& coefficients() const { return coefficients_; }
  /// Of sampling and noise together; after a step.
  const glm::Symmetric& covariance() const { return covariance_; }
  const glm::Symmetric& noise_covariance() const { return noise_covariance_; }
  /// Whether the last step was no longer than what sampling or noise explains.
  bool converged() const { return converged_; }

 private:
  std::vector<double> coefficients_;
  glm::Symmetric covariance_;
  glm::Symmetric noise_covariance_;
  bool converged_ = false;
};

}  // namespace consilium
