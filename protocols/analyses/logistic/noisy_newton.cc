#include "protocols/analyses/logistic/noisy_newton.h"

#include <cmath>

#include "common/check.h"
#include "protocols/analyses/glm/contract_scale.h"

namespace consilium {
namespace {

using glm::Cholesky;
using glm::Symmetric;

/// A step that is this part of the standard errors, squared and averaged, changes nothing that
/// matters.
constexpr double kSmallStep = 0.01;
/// Of the chi-squared distribution of a step that is noise alone.
constexpr double kDeviations = 6;

double Quadratic(const Symmetric& matrix, const std::vector<double>& x) {
  double sum = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    for (std::size_t j = 0; j < x.size(); ++j) sum += x[i] * matrix(i, j) * x[j];
  }
  return sum;
}

double SquaresOfProduct(const Symmetric& matrix, const std::vector<double>& x) {
  double squares = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    double sum = 0;
    for (std::size_t j = 0; j < x.size(); ++j) sum += matrix(i, j) * x[j];
    squares += sum * sum;
  }
  return squares;
}

}  // namespace

Status NoisyNewton::Step(const std::vector<double>& score,
                         double score_noise,
                         const Symmetric& information,
                         double information_noise) {
  const std::size_t order = coefficients_.size();
  CHECK(score.size() == order && information.order() == order);
  constexpr const char* kCouldBe =
      "the noised information could be that of terms that determine one another, or of an outcome "
      "that they predict without error";
  TRY(const Cholesky solver, glm::FactorWithMargin(information, information_noise, kCouldBe));
  const std::vector<double> step = solver.Solve(score);
  const Symmetric inverse = solver.Inverse();
  Symmetric noise(order);
  for (std::size_t i = 0; i < order; ++i) noise.Set(i, i, score_noise * score_noise);
  noise_covariance_ = glm::TwoSided(inverse, noise);
  covariance_ = Symmetric(order);
  for (std::size_t i = 0; i < order; ++i) {
    coefficients_[i] += step[i];
    for (std::size_t j = 0; j <= i; ++j) {
      covariance_.Set(i, j, inverse(i, j) + noise_covariance_(i, j));
    }
  }
  // Of a step between two estimates that are off by noise alone, I step has twice its variance.
  const auto count = static_cast<double>(order);
  const double by_noise =
      2 * score_noise * score_noise * (count + kDeviations * std::sqrt(2 * count));
  converged_ = Quadratic(information, step) <= kSmallStep * count ||
               SquaresOfProduct(information, step) <= by_noise;
  return {};
}

}  // namespace consilium
