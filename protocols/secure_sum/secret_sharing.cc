#include "protocols/secure_sum/secret_sharing.h"

#include <cstdint>
#include <limits>
#include <set>
#include <utility>

#include "common/check.h"

namespace consilium {
namespace {

/// Horner's rule: f(x) = ((c_{t-1} x + c_{t-2}) x + ...) x + c_0.
Scalar Evaluate(const std::vector<Scalar>& coefficients, std::uint32_t point) {
  const Scalar x = Scalar::FromNumber(point);
  Scalar value;
  for (auto coefficient = coefficients.rbegin(); coefficient != coefficients.rend();
       ++coefficient) {
    value = Add(Multiply(value, x), *coefficient);
  }
  return value;
}

/// points[i] * product over j != i of (points[j] - points[i]). Points are small and no secret, so
/// that as many factors as fit are multiplied as plain numbers.
Scalar DivisorOf(const std::vector<std::uint32_t>& points, std::size_t i) {
  Scalar product = Scalar::FromNumber(points[i]);
  std::uint64_t pending = 1;
  bool negative = false;
  for (std::size_t j = 0; j < points.size(); ++j) {
    if (j == i) continue;
    const bool below = points[j] < points[i];
    negative ^= below;
    const std::uint64_t factor = below ? points[i] - points[j] : points[j] - points[i];
    if (pending > std::numeric_limits<std::uint64_t>::max() / factor) {
      product = Multiply(product, Scalar::FromNumber(pending));
      pending = 1;
    }
    pending *= factor;
  }
  product = Multiply(product, Scalar::FromNumber(pending));
  return negative ? Subtract(Scalar(), product) : std::move(product);
}

}  // namespace

std::vector<ShamirShare> Split(const Scalar& secret,
                               std::uint32_t threshold,
                               const std::vector<std::uint32_t>& points,
                               RandomSource& random) {
  CHECK(threshold >= 1 && threshold <= points.size());
  std::vector<Scalar> coefficients;
  coefficients.reserve(threshold);
  coefficients.push_back(secret.Clone());
  while (coefficients.size() < threshold) coefficients.push_back(Scalar::Random(random));
  std::vector<ShamirShare> shares;
  shares.reserve(points.size());
  for (const std::uint32_t point : points) {
    CHECK(point != 0);
    shares.push_back(ShamirShare{point, Evaluate(coefficients, point)});
  }
  return shares;
}

Result<std::vector<Scalar>> WeightsAtZero(const std::vector<std::uint32_t>& points) {
  if (points.empty()) return Fail(ErrorCode::kInvalidArgument, "no shares to combine");
  const std::set<std::uint32_t> distinct(points.begin(), points.end());
  if (distinct.size() != points.size() || distinct.contains(0)) {
    return Fail(ErrorCode::kInvalidArgument, "shares at a repeated or zero point");
  }
  Scalar all = Scalar::FromNumber(1);
  for (const std::uint32_t point : points) all = Multiply(all, Scalar::FromNumber(point));
  // Weight i is all / d_i with d_i = x_i * product over j != i of (x_j - x_i). One inversion serves
  // them all (Montgomery's trick): 1 / d_i is (1 / (d_1 ... d_i)) * (d_1 ... d_{i-1}).
  std::vector<Scalar> divisors;
  std::vector<Scalar> products;  // Of the divisors before each.
  Scalar product = Scalar::FromNumber(1);
  for (std::size_t i = 0; i < points.size(); ++i) {
    Scalar divisor = DivisorOf(points, i);
    products.push_back(product.Clone());
    product = Multiply(product, divisor);
    divisors.push_back(std::move(divisor));
  }
  TRY(Scalar inverse, Invert(product));
  std::vector<Scalar> weights(points.size());
  for (std::size_t i = points.size(); i-- > 0;) {
    weights[i] = Multiply(all, Multiply(inverse, products[i]));
    inverse = Multiply(inverse, divisors[i]);
  }
  return weights;
}

Scalar Combine(const std::vector<Scalar>& weights, const std::vector<Scalar>& values) {
  CHECK(weights.size() == values.size());
  Scalar secret;
  for (std::size_t i = 0; i < values.size(); ++i) {
    secret = Add(secret, Multiply(weights[i], values[i]));
  }
  return secret;
}

}  // namespace consilium
