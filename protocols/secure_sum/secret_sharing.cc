#include "protocols/secure_sum/secret_sharing.h"

#include <set>

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

/// The Lagrange basis at zero: product over j != i of x_j / (x_j - x_i).
Result<Scalar> BasisAtZero(const std::vector<ShamirShare>& shares, std::size_t i) {
  const Scalar own = Scalar::FromNumber(shares[i].point);
  Scalar numerator = Scalar::FromNumber(1);
  Scalar denominator = Scalar::FromNumber(1);
  for (std::size_t j = 0; j < shares.size(); ++j) {
    if (j == i) continue;
    const Scalar other = Scalar::FromNumber(shares[j].point);
    numerator = Multiply(numerator, other);
    denominator = Multiply(denominator, Subtract(other, own));
  }
  TRY(const Scalar inverse, Invert(denominator));
  return Multiply(numerator, inverse);
}

}  // namespace

std::vector<ShamirShare> Split(const Scalar& secret,
                               std::uint32_t threshold,
                               std::uint32_t count,
                               RandomSource& random) {
  CHECK(threshold >= 1 && threshold <= count);
  std::vector<Scalar> coefficients;
  coefficients.reserve(threshold);
  coefficients.push_back(secret.Clone());
  while (coefficients.size() < threshold) coefficients.push_back(Scalar::Random(random));
  std::vector<ShamirShare> shares;
  shares.reserve(count);
  for (std::uint32_t point = 1; point <= count; ++point) {
    shares.push_back(ShamirShare{point, Evaluate(coefficients, point)});
  }
  return shares;
}

Result<Scalar> Combine(const std::vector<ShamirShare>& shares) {
  std::set<std::uint32_t> points;
  for (const ShamirShare& share : shares) {
    if (share.point == 0 || !points.insert(share.point).second) {
      return Fail(ErrorCode::kInvalidArgument, "shares at a repeated or zero point");
    }
  }
  if (shares.empty()) return Fail(ErrorCode::kInvalidArgument, "no shares to combine");
  Scalar secret;
  for (std::size_t i = 0; i < shares.size(); ++i) {
    TRY(const Scalar basis, BasisAtZero(shares, i));
    secret = Add(secret, Multiply(basis, shares[i].value));
  }
  return secret;
}

}  // namespace consilium
