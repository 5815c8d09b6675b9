#include "protocols/analyses/glm/contract_scale.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "common/check.h"

namespace consilium::glm {

ContractScale::ContractScale(const Design& design)
    : scaling_(ScalingByRange(design)), reader_(scaling_, design) {}

void ContractScale::Row(const double* row, std::span<double> x) const {
  CHECK(x.size() == reader_.size() + 1);
  x[0] = 1;
  reader_.Read(row, x.subspan(1));
  for (double& term : x) term = Bounded(term);
}

double Bounded(double on_scale) { return std::clamp(on_scale, -1.0, 1.0); }

std::vector<double> ContractScale::InUnits(const std::vector<double>& coefficients) const {
  CHECK(coefficients.size() == scaling_.centres.size() + 1);
  std::vector<double> result(coefficients);
  for (std::size_t j = 0; j < scaling_.centres.size(); ++j) {
    result[j + 1] /= scaling_.scales[j];
    result[0] -= result[j + 1] * scaling_.centres[j];
  }
  return result;
}

Symmetric ContractScale::InUnits(const Symmetric& covariance) const {
  const std::size_t order = covariance.order();
  CHECK(order == scaling_.centres.size() + 1);
  // Each coefficient in units is its own one over the width; the intercept is less all of them.
  const auto scaled = [&](std::size_t i, std::size_t j) {
    return covariance(i, j) / (i == 0 ? 1 : scaling_.scales[i - 1]) /
           (j == 0 ? 1 : scaling_.scales[j - 1]);
  };
  const auto with_intercept = [&](std::size_t j) {
    double sum = scaled(0, j);
    for (std::size_t k = 1; k < order; ++k) sum -= scaling_.centres[k - 1] * scaled(k, j);
    return sum;
  };
  Symmetric result(order);
  double intercept = with_intercept(0);
  for (std::size_t j = 1; j < order; ++j) {
    result.Set(0, j, with_intercept(j));
    intercept -= scaling_.centres[j - 1] * result(0, j);
    for (std::size_t i = 1; i <= j; ++i) result.Set(i, j, scaled(i, j));
  }
  result.Set(0, 0, intercept);
  return result;
}

Symmetric TwoSided(const Symmetric& outer, const Symmetric& inner) {
  const std::size_t order = outer.order();
  CHECK(inner.order() == order);
  std::vector<double> half(order * order, 0.0);  // C B
  for (std::size_t k = 0; k < order; ++k) {
    for (std::size_t l = 0; l < order; ++l) {
      for (std::size_t j = 0; j < order; ++j) half[k * order + j] += inner(k, l) * outer(l, j);
    }
  }
  Symmetric result(order);
  for (std::size_t i = 0; i < order; ++i) {
    for (std::size_t j = 0; j <= i; ++j) {
      double sum = 0;
      for (std::size_t k = 0; k < order; ++k) sum += outer(i, k) * half[k * order + j];
      result.Set(i, j, sum);
    }
  }
  return result;
}

Result<Cholesky> FactorWithMargin(const Symmetric& matrix, double deviation, const char* could_be) {
  constexpr double kSingular = 1e-12;
  constexpr double kTimes = 2;
  const std::size_t order = matrix.order();
  const double margin = kTimes * 2 * deviation * std::sqrt(static_cast<double>(order));
  Symmetric less = matrix;
  for (std::size_t i = 0; i < order; ++i) less.Set(i, i, matrix(i, i) - margin);
  if (Cholesky(less, kSingular).singular()) {
    return Fail(ErrorCode::kNotEstimable,
                std::string("the noise is too large for these patients: ") + could_be,
                "ask for a larger epsilon or fewer terms, give columns the narrowest range that is "
                "medically possible, or take part with more patients");
  }
  Cholesky factor(matrix, kSingular);
  CHECK(!factor.singular());  // What was taken off the diagonal is there again.
  return factor;
}

void AddTriangle(const ExactSums& exact,
                 double weight,
                 std::span<const double> x,
                 std::span<double> sums) {
  std::size_t at = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    for (std::size_t j = i; j < x.size(); ++j) sums[at++] += exact.Part(weight * x[i] * x[j]);
  }
}

}  // namespace consilium::glm
