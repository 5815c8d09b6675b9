#include "protocols/analyses/linear/noisy_moments.h"

#include <algorithm>
#include <cmath>

#include "common/check.h"
#include "protocols/analyses/glm/contract_scale.h"

namespace consilium {
namespace {

using glm::Cholesky;
using glm::Symmetric;

Symmetric TermsOf(const Symmetric& moments) {
  const std::size_t order = moments.order() - 1;
  Symmetric terms(order);
  for (std::size_t i = 0; i < order; ++i) {
    for (std::size_t j = 0; j <= i; ++j) terms.Set(i, j, moments(i, j));
  }
  return terms;
}

/// Of e - E beta: each number of E is in one row, or in two.
Symmetric NoiseOfScore(const std::vector<double>& beta, double deviation) {
  double squares = 0;
  for (const double number : beta) squares += number * number;
  Symmetric noise(beta.size());
  for (std::size_t i = 0; i < beta.size(); ++i) {
    noise.Set(i, i, deviation * deviation * (1 + squares));
    for (std::size_t j = 0; j < i; ++j) noise.Set(i, j, deviation * deviation * beta[i] * beta[j]);
  }
  return noise;
}

double TraceOfProduct(const Symmetric& a, const Symmetric& b) {
  double trace = 0;
  for (std::size_t i = 0; i < a.order(); ++i) {
    for (std::size_t j = 0; j < a.order(); ++j) trace += a(i, j) * b(i, j);
  }
  return trace;
}

/// Deviation of noise in the residual sum of squares, u' M u with u = (-beta, 1).
double NoiseOfResiduals(const std::vector<double>& beta, double deviation) {
  double squares = 1;
  double fourths = 1;
  for (const double number : beta) {
    squares += number * number;
    fourths += number * number * number * number;
  }
  return deviation * std::sqrt(2 * squares * squares - fourths);
}

}  // namespace

Result<NoisyLeastSquares> SolveNoisyMoments(const Symmetric& moments, double deviation) {
  CHECK(moments.order() >= 2 && deviation >= 0);
  const std::size_t order = moments.order() - 1;
  constexpr const char* kCouldBe =
      "the noised sums of squares and products could be those of terms that determine one another";
  TRY(const Cholesky terms, glm::FactorWithMargin(TermsOf(moments), deviation, kCouldBe));
  const double degrees = moments(0, 0) - static_cast<double>(order);
  if (!(degrees >= 1)) {
    return Fail(ErrorCode::kNotEstimable, "the noise hides how many patients there are",
                "ask for a larger epsilon, or take part with more patients");
  }
  std::vector<double> products(order);
  for (std::size_t i = 0; i < order; ++i) products[i] = moments(i, order);

  NoisyLeastSquares fit;
  fit.rows = moments(0, 0);
  fit.coefficients = terms.Solve(products);
  const Symmetric inverse = terms.Inverse();
  const Symmetric score = NoiseOfScore(fit.coefficients, deviation);
  fit.noise_covariance = glm::TwoSided(inverse, score);
  // The smallest residuals of a noised matrix are too small by this, on average.
  double residuals = moments(order, order) + TraceOfProduct(inverse, score);
  for (std::size_t i = 0; i < order; ++i) residuals -= products[i] * fit.coefficients[i];
  const double hidden = NoiseOfResiduals(fit.coefficients, deviation);
  fit.residuals_hidden = residuals <= hidden;
  fit.residual_variance = std::max(residuals, hidden) / degrees;
  fit.covariance = Symmetric(order);
  for (std::size_t i = 0; i < order; ++i) {
    for (std::size_t j = 0; j <= i; ++j) {
      fit.covariance.Set(i, j, fit.residual_variance * inverse(i, j) + fit.noise_covariance(i, j));
    }
  }
  return fit;
}

}  // namespace consilium
