#include "common/portable_math.h"

#include <bit>
#include <cmath>
#include <cstdint>

#include "common/check.h"

namespace consilium {
namespace {

constexpr double kLn2 = 0.6931471805599453;
// ln 2 in two parts: k * kLn2High has no rounding error for |k| < 2^11.
constexpr double kLn2High = 6.93147180369123816490e-01;
constexpr double kLn2Low = 1.90821492927058770002e-10;

double TwoTo(int power) {
  CHECK(power > -1023 && power < 1024);
  return std::bit_cast<double>(static_cast<std::uint64_t>(power + 1023) << 52U);
}

}  // namespace

double PortableExp(double x) {
  if (x < -700) return 0;
  CHECK(x <= 700);
  const double k = std::floor(x / kLn2 + 0.5);
  const double rest = (x - k * kLn2High) - k * kLn2Low;
  double sum = 1;
  // |rest| <= 0.35: the term after these is below 1e-19.
  for (int i = 17; i >= 1; --i) sum = 1 + sum * rest / i;
  return sum * TwoTo(static_cast<int>(k));
}

double PortableLog(double x) {
  CHECK(std::isnormal(x) && x > 0);
  const auto bits = std::bit_cast<std::uint64_t>(x);
  int power = static_cast<int>(bits >> 52U) - 1023;
  double mantissa = std::bit_cast<double>((bits & 0x000fffffffffffffU) | 0x3ff0000000000000U);
  if (mantissa > 1.4142135623730951) {
    mantissa /= 2;
    ++power;
  }
  // log m = 2 artanh((m - 1) / (m + 1)), whose argument is below 0.172.
  const double ratio = (mantissa - 1) / (mantissa + 1);
  const double square = ratio * ratio;
  double sum = 0;
  for (int i = 25; i >= 1; i -= 2) sum = sum * square + 1.0 / i;
  return power * kLn2High + (2 * ratio * sum + power * kLn2Low);
}

double PortableLogistic(double x) {
  if (x < 0) return 1 - PortableLogistic(-x);
  return 1 / (1 + PortableExp(-x));
}

}  // namespace consilium
