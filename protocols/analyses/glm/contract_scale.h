#pragma once

// Terms brought to -1 ... 1 by the contract's ranges alone, so that a row's part of a sum has a
// bound before anything is known of the data; and a fit on that scale in the columns' own units.

#include <span>
#include <vector>

#include "common/result.h"
#include "protocols/analyses/glm/cholesky.h"
#include "protocols/analyses/glm/design.h"
#include "protocols/analyses/glm/scaling.h"
#include "protocols/privacy/exact_sums.h"

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

/// A matrix with noise of this deviation in each number of its upper triangle, to solve with.
/// kNotEstimable where noise could be what makes it positive definite, `could_be` saying what it
/// then might be of: the noise's largest eigenvalue is about 2 tau sqrt(order) (Wigner 1958), and
/// the matrix's smallest is asked to be twice as large, so that what is of second order in the
/// noise is small.
Result<Cholesky> FactorWithMargin(const Symmetric& matrix, double deviation, const char* could_be);

/// Adds the upper triangle of weight x x', row by row, as parts of an exact sum.
void AddTriangle(const ExactSums& exact,
                 double weight,
                 std::span<const double> x,
                 std::span<double> sums);

}  // namespace consilium::glm
