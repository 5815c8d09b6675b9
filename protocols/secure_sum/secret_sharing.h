#pragma once

// Shamir's secret sharing (Shamir 1979) over the scalar field of ristretto255. The dealer draws a
// polynomial f of degree t-1 with f(0) = secret; the share at point x is f(x). Any t shares give
// f(0) by Lagrange interpolation; t-1 say nothing about it.

#include <cstdint>
#include <vector>

#include "common/crypto/scalar.h"
#include "common/random.h"
#include "common/result.h"

namespace consilium {

struct ShamirShare {
  std::uint32_t point = 0;  ///< x, at least 1: a participant's position in U1, plus one.
  Scalar value;             ///< f(x)
};

/// One share at each of the points, which are distinct and not zero; 1 <= threshold <= points.
std::vector<ShamirShare> Split(const Scalar& secret,
                               std::uint32_t threshold,
                               const std::vector<std::uint32_t>& points,
                               RandomSource& random);

/// What the shares at these points count for in the secret: the Lagrange basis polynomials at zero,
/// product over j != i of x_j / (x_j - x_i). Nothing here is secret. kInvalidArgument when a point
/// repeats or is zero, or none is given.
Result<std::vector<Scalar>> WeightsAtZero(const std::vector<std::uint32_t>& points);

/// f(0): the sum of the shares' values times their weights, from t shares at least. With fewer the
/// result is unrelated to the secret: callers count.
Scalar Combine(const std::vector<Scalar>& weights, const std::vector<Scalar>& values);

}  // namespace consilium
