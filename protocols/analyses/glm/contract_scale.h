#pragma once

// Terms brought to -1 ... 1 by the contract's ranges alone, so that a row's part of a sum has a
// bound before anything is known of the data; and a fit on that scale in the columns' own units.

#include <span>
#include <vector>

#include "protocols/analyses/glm/cholesky.h"
#include "protocols/analyses/glm/design.h"

namespace consilium::glm {

class ContractScale {
 public:
  /// The design outlives it.
  explicit ContractScale(const Design& design);

  /// 1, then the terms of a cohort's row; `x` has one number more than there are terms.
  void Row(const double* row, std::span<double> x) const;
  /// Coefficients, the intercept first, and their covariance, where the outcome has units of its
  /// own.
  std::vector<double> InUnits(const std::vector<double>& coefficients) const;
  Symmetric InUnits(const Symmetric& covariance) const;

 private:
  const Design& design_;
  std::vector<double> centres_;
  std::vector<double> widths_;  ///< Half of each range.
};

/// B C B
Symmetric Sandwich(const Symmetric& bread, const Symmetric& filling);
/// How many numbers an upper triangle has.
inline std::size_t TriangleOf(std::size_t order) { return order * (order + 1) / 2; }
/// The matrix with this upper triangle, row by row.
Symmetric FromTriangle(std::span<const double> numbers, std::size_t order);
/// The matrix, less so much on its diagonal.
Symmetric LessOnDiagonal(const Symmetric& matrix, double less);

/// What a matrix must have on its diagonal to spare, noise of this deviation in each number of its
/// upper triangle: the noise's largest eigenvalue is about 2 tau sqrt(order) (Wigner 1958), and the
/// matrix's smallest is asked to be twice as large, so that what is of second order in the
/// noise is small.
double MarginFor(double deviation, std::size_t order);

}  // namespace consilium::glm
