#pragma once

// Terms brought to -1 ... 1 by the contract's ranges alone, so that a row's part of a sum has a
// bound before anything is known of the data; and a fit on that scale in the columns' own units.

#include <span>
#include <vector>

#include "protocols/analyses/glm/cholesky.h"
#include "protocols/analyses/glm/design.h"
#include "protocols/analyses/glm/scaling.h"

namespace consilium::glm {

class ContractScale {
 public:
  explicit ContractScale(const Design& design);

  /// 1, then the terms of a cohort's row, none beyond -1 ... 1; `x` has one number more than there
  /// are terms.
  void Row(const double* row, std::span<double> x) const;
  /// Coefficients, the intercept first, and their covariance, where the outcome has units of its
  /// own.
  std::vector<double> InUnits(const std::vector<double>& coefficients) const;
  Symmetric InUnits(const Symmetric& covariance) const;

 private:
  Scaling scaling_;
  TermReader reader_;
};

/// B C B, of two matrices of one order p; p^3 products.
Symmetric TwoSided(const Symmetric& outer, const Symmetric& inner);
/// Within -1 and 1. Between range ends that are neighbours among doubles the middle is one of them,
/// so that what lies in the range may be as far as 2 from it.
double Bounded(double on_scale);

/// The matrix, less so much on its diagonal.
Symmetric LessOnDiagonal(const Symmetric& matrix, double less);

/// What a matrix must have on its diagonal to spare, noise of this deviation in each number of its
/// upper triangle: the noise's largest eigenvalue is about 2 tau sqrt(order) (Wigner 1958), and the
/// matrix's smallest is asked to be twice as large, so that what is of second order in the
/// noise is small.
double MarginFor(double deviation, std::size_t order);

}  // namespace consilium::glm
