#include "protocols/analyses/glm/cholesky.h"

#include <cmath>

#include "common/check.h"
#include "protocols/analyses/glm/slices.h"

namespace consilium::glm {

Symmetric FromTriangle(std::span<const double> numbers, std::size_t order) {
  CHECK(numbers.size() == TriangleSize(order));
  Symmetric matrix(order);
  std::size_t at = 0;
  for (std::size_t i = 0; i < order; ++i) {
    for (std::size_t j = i; j < order; ++j) matrix.Set(i, j, numbers[at++]);
  }
  return matrix;
}
namespace {

/// In units where every column has length one: smaller shares in a dependence are rounding.
constexpr double kShareThatCounts = 1e-6;

}  // namespace

Cholesky::Cholesky(const Symmetric& matrix, double tolerance)
    : order_(matrix.order()), size_(matrix.order()), lower_(matrix.order() * matrix.order(), 0.0) {
  for (std::size_t i = 0; i < order_; ++i) {
    if (!(matrix(i, i) > 0)) {
      dependence_ = Dependence{i, {}};
      return;
    }
    size_[i] = std::sqrt(matrix(i, i));
  }
  for (std::size_t i = 0; i < order_; ++i) {
    for (std::size_t j = 0; j <= i; ++j) {
      double rest = i == j ? 1.0 : matrix(i, j) / (size_[i] * size_[j]);
      for (std::size_t k = 0; k < j; ++k) rest -= At(i, k) * At(j, k);
      if (i != j) {
        At(i, j) = rest / At(j, j);
      } else if (rest > tolerance) {
        At(i, i) = std::sqrt(rest);
      } else {
        Explain(i);
        return;
      }
    }
  }
}

/// Regresses the dependent column on those before it: L' b = row i of L.
void Cholesky::Explain(std::size_t column) {
  std::vector<double> share(column);
  for (std::size_t k = column; k-- > 0;) {
    double rest = At(column, k);
    for (std::size_t m = k + 1; m < column; ++m) rest -= At(m, k) * share[m];
    share[k] = rest / At(k, k);
  }
  Dependence dependence{column, {}};
  for (std::size_t k = 0; k < column; ++k) {
    if (std::abs(share[k]) > kShareThatCounts) dependence.on.push_back(k);
  }
  dependence_ = dependence;
}

std::vector<double> Cholesky::Solve(const std::vector<double>& right) const {
  CHECK(!singular() && right.size() == order_);
  std::vector<double> x(order_);
  for (std::size_t i = 0; i < order_; ++i) {
    double rest = right[i] / size_[i];
    for (std::size_t k = 0; k < i; ++k) rest -= At(i, k) * x[k];
    x[i] = rest / At(i, i);
  }
  for (std::size_t i = order_; i-- > 0;) {
    double rest = x[i];
    for (std::size_t k = i + 1; k < order_; ++k) rest -= At(k, i) * x[k];
    x[i] = rest / At(i, i);
  }
  for (std::size_t i = 0; i < order_; ++i) x[i] /= size_[i];
  return x;
}

Symmetric Cholesky::Inverse() const {
  Symmetric inverse(order_);
  std::vector<double> unit(order_, 0.0);
  for (std::size_t j = 0; j < order_; ++j) {
    unit[j] = 1;
    const std::vector<double> column = Solve(unit);
    unit[j] = 0;
    for (std::size_t i = 0; i <= j; ++i) inverse.Set(i, j, column[i]);
  }
  return inverse;
}

}  // namespace consilium::glm
