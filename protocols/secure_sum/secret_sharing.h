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

/// One share at each of the points 1 .. count; 1 <= threshold <= count.
std::vector<ShamirShare> Split(const Scalar& secret,
                               std::uint32_t threshold,
                               std::uint32_t count,
                               RandomSource& random);

/// f(0) from all given shares. kInvalidArgument when a point repeats or is zero, or none is given.
/// With fewer than `threshold` shares the result is unrelated to the secret: callers count.
Result<Scalar> Combine(const std::vector<ShamirShare>& shares);

}  // namespace consilium
