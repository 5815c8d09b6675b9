#include "protocols/units/exact_factor.h"

#include <cstdlib>
#include <numeric>

namespace consilium {
namespace {

constexpr int kLargestExponent = 100;

/// 10 to the power; exact up to 22.
double PowerOfTen(int power) {
  double value = 1;
  for (int i = 0; i < power; ++i) value *= 10;
  return value;
}

void TakeTens(std::uint64_t& number, int& exponent, int step) {
  while (number % 10 == 0) {
    number /= 10;
    exponent += step;
  }
}

}  // namespace

std::optional<ExactFactor> Product(const ExactFactor& a, const ExactFactor& b) {
  // What cancels goes first, so that the products are as small as they can be.
  const std::uint64_t left = std::gcd(a.up, b.down);
  const std::uint64_t right = std::gcd(b.up, a.down);
  ExactFactor product;
  if (__builtin_mul_overflow(a.up / left, b.up / right, &product.up) ||
      __builtin_mul_overflow(a.down / right, b.down / left, &product.down)) {
    return std::nullopt;
  }
  product.exponent = a.exponent + b.exponent;
  TakeTens(product.up, product.exponent, 1);
  TakeTens(product.down, product.exponent, -1);
  if (std::abs(product.exponent) > kLargestExponent) return std::nullopt;
  return product;
}

std::optional<ExactFactor> Quotient(const ExactFactor& a, const ExactFactor& b) {
  return Product(a, {b.down, b.up, -b.exponent});
}

DoubleFactor InDoubles(const ExactFactor& factor) {
  DoubleFactor doubles{static_cast<double>(factor.up), static_cast<double>(factor.down)};
  if (factor.exponent > 0) doubles.multiply *= PowerOfTen(factor.exponent);
  if (factor.exponent < 0) doubles.divide *= PowerOfTen(-factor.exponent);
  return doubles;
}

double ExactFactor::AsDouble() const {
  const DoubleFactor doubles = InDoubles(*this);
  return doubles.multiply / doubles.divide;
}

}  // namespace consilium
