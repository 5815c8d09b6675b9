#pragma once

// A Cholesky factorisation that knows when a matrix is singular and which column is to blame. Plain
// scalar loops: every site recomputes the coordinator's queries and must get the same bits.

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

namespace consilium::glm {

/// A symmetric matrix, all entries stored.
class Symmetric {
 public:
  Symmetric() = default;
  explicit Symmetric(std::size_t order) : order_(order), values_(order * order, 0.0) {}
  std::size_t order() const { return order_; }
  double operator()(std::size_t i, std::size_t j) const { return values_[i * order_ + j]; }
  void Set(std::size_t i, std::size_t j, double value) {
    values_[i * order_ + j] = value;
    values_[j * order_ + i] = value;
  }

 private:
  std::size_t order_ = 0;
  std::vector<double> values_;
};

/// The matrix with this upper triangle, row by row.
Symmetric FromTriangle(std::span<const double> numbers, std::size_t order);

/// A column that the ones before it determine, and which of those do.
struct Dependence {
  std::size_t column = 0;
  std::vector<std::size_t> on;
};

class Cholesky {
 public:
  /// A column is called dependent when what it adds to the columns before it is below `tolerance`
  /// of its own size (1 - R^2).
  Cholesky(const Symmetric& matrix, double tolerance);

  bool singular() const { return dependence_.has_value(); }
  const std::optional<Dependence>& dependence() const { return dependence_; }

  /// Only when not singular.
  std::vector<double> Solve(const std::vector<double>& right) const;
  Symmetric Inverse() const;

 private:
  double& At(std::size_t i, std::size_t j) { return lower_[i * order_ + j]; }
  double At(std::size_t i, std::size_t j) const { return lower_[i * order_ + j]; }
  void Explain(std::size_t column);

  std::size_t order_ = 0;
  std::vector<double> size_;  ///< Square roots of the diagonal: the matrix is scaled to ones.
  std::vector<double> lower_;
  std::optional<Dependence> dependence_;
};

}  // namespace consilium::glm
