#include "protocols/analyses/glm/contract_scale.h"

#include <cmath>

#include "common/check.h"

namespace consilium::glm {

ContractScale::ContractScale(const Design& design) : design_(design) {
  for (const Term& term : design.terms) {
    centres_.push_back(term.minimum + (term.maximum - term.minimum) / 2);
    widths_.push_back((term.maximum - term.minimum) / 2);
  }
}

void ContractScale::Row(const double* row, std::span<double> x) const {
  CHECK(x.size() == centres_.size() + 1);
  x[0] = 1;
  for (std::size_t j = 0; j < centres_.size(); ++j) {
    const Term& term = design_.terms[j];
    const double value =
        TermOf(term.of_category, term.level, row[design_.first_feature() + term.feature]);
    x[j + 1] = (value - centres_[j]) / widths_[j];
  }
}

std::vector<double> ContractScale::InUnits(const std::vector<double>& coefficients) const {
  CHECK(coefficients.size() == centres_.size() + 1);
  std::vector<double> result(coefficients);
  for (std::size_t j = 0; j < centres_.size(); ++j) {
    result[j + 1] /= widths_[j];
    result[0] -= result[j + 1] * centres_[j];
  }
  return result;
}

Symmetric ContractScale::InUnits(const Symmetric& covariance) const {
  const std::size_t order = covariance.order();
  CHECK(order == centres_.size() + 1);
  // Each coefficient in units is its own one over the width; the intercept is less all of them.
  const auto scaled = [&](std::size_t i, std::size_t j) {
    return covariance(i, j) / (i == 0 ? 1 : widths_[i - 1]) / (j == 0 ? 1 : widths_[j - 1]);
  };
  const auto with_intercept = [&](std::size_t j) {
    double sum = scaled(0, j);
    for (std::size_t k = 1; k < order; ++k) sum -= centres_[k - 1] * scaled(k, j);
    return sum;
  };
  Symmetric result(order);
  double intercept = with_intercept(0);
  for (std::size_t j = 1; j < order; ++j) {
    result.Set(0, j, with_intercept(j));
    intercept -= centres_[j - 1] * result(0, j);
    for (std::size_t i = 1; i <= j; ++i) result.Set(i, j, scaled(i, j));
  }
  result.Set(0, 0, intercept);
  return result;
}

Symmetric Sandwich(const Symmetric& bread, const Symmetric& filling) {
  const std::size_t order = bread.order();
  Symmetric result(order);
  for (std::size_t i = 0; i < order; ++i) {
    for (std::size_t j = 0; j <= i; ++j) {
      double sum = 0;
      for (std::size_t k = 0; k < order; ++k) {
        for (std::size_t l = 0; l < order; ++l) sum += bread(i, k) * filling(k, l) * bread(l, j);
      }
      result.Set(i, j, sum);
    }
  }
  return result;
}

Symmetric FromTriangle(std::span<const double> numbers, std::size_t order) {
  CHECK(numbers.size() == TriangleOf(order));
  Symmetric matrix(order);
  std::size_t at = 0;
  for (std::size_t i = 0; i < order; ++i) {
    for (std::size_t j = i; j < order; ++j) matrix.Set(i, j, numbers[at++]);
  }
  return matrix;
}

Symmetric LessOnDiagonal(const Symmetric& matrix, double less) {
  Symmetric result = matrix;
  for (std::size_t i = 0; i < matrix.order(); ++i) result.Set(i, i, matrix(i, i) - less);
  return result;
}

double MarginFor(double deviation, std::size_t order) {
  constexpr double kTimes = 2;
  return kTimes * 2 * deviation * std::sqrt(static_cast<double>(order));
}

}  // namespace consilium::glm
