#include "protocols/privacy/discrete_gaussian.h"

#include <cmath>
#include <iterator>
#include <numbers>
#include <string>

#include "common/check.h"

namespace consilium {
namespace {

// How often Bernoulli(exp(-1)) may succeed in a row within one draw. It does so with probability
// exp(-4096) < 2^-5909, less than that of guessing every key of a federation at once: then the
// source of randomness is broken, and the process ends. Until there each draw is exact.
constexpr std::uint64_t kMostRepeats = 4096;

/// True with probability exp(-numerator / denominator) for a ratio of at most 1: the first k at
/// which Bernoulli(ratio / k) fails is odd with that probability.
bool BernoulliExpOfUnit(Uint128 numerator, Uint128 denominator, UniformBits& bits) {
  // Bernoulli(ratio / k) as Bernoulli(1 / k) and Bernoulli(ratio): k times the denominator may not
  // fit, and the cheap one of the two fails first.
  for (std::uint64_t k = 1; k <= kMostRepeats; ++k) {
    const bool kth = k == 1 || bits.Below(k) == 0;
    if (!kth || (numerator < denominator && bits.Below128(denominator) >= numerator)) {
      return k % 2 == 1;
    }
  }
  CHECK(false && "the source of randomness repeats itself");
  return false;
}

/// True with probability exp(-1): the same for a ratio of 1, with one draw for the first twelve k.
/// A number below 12! lies below 12! / k! with probability 1 / k!, that of k successes in a row.
bool BernoulliExpOfOne(UniformBits& bits) {
  static constexpr std::uint32_t kBelow[] = {479'001'600, 239'500'800, 79'833'600, 19'958'400,
                                             3'991'680,   665'280,     95'040,     11'880,
                                             1'320,       132,         12,         1};
  const std::uint64_t draw = bits.Below(kBelow[0]);
  std::uint64_t k = 2;
  while (k <= std::size(kBelow) && draw < kBelow[k - 1]) ++k;
  if (k <= std::size(kBelow)) return k % 2 == 1;
  while (bits.Below(k) == 0) {
    CHECK(++k < kMostRepeats);
  }
  return k % 2 == 1;
}

/// floor(sqrt(n / d)), in whole numbers; n, d <= 2^48.
std::uint64_t FloorRoot(std::uint64_t n, std::uint64_t d) {
  std::uint64_t root = 0;
  // sqrt(n / d) < 2^25, and (2^25)^2 d <= 2^98 fits.
  for (std::uint64_t bit = std::uint64_t{1} << 24; bit > 0; bit >>= 1) {
    const Uint128 trial = root | bit;
    if (trial * trial * d <= n) root |= bit;
  }
  return root;
}

/// Sum over the integers of exp(-y^2 / (2 v)). Narrow ones as they stand, wide ones by Poisson's
/// formula, sqrt(2 pi v) times the sum of exp(-2 pi^2 v k^2): either has few terms.
double Normaliser(double v) {
  const double pi = std::numbers::pi;
  const double exponent = v < 1 ? 1 / (2 * v) : 2 * pi * pi * v;
  double sum = 1;
  for (double k = 1; exponent * k * k < 746; ++k) sum += 2 * std::exp(-exponent * k * k);
  return v < 1 ? sum : std::sqrt(2 * pi * v) * sum;
}

}  // namespace

bool BernoulliExp(Uint128 numerator, Uint128 denominator, UniformBits& bits) {
  CHECK(denominator >= 1);
  if (numerator > denominator) {
    Uint128 whole = numerator / denominator;
    numerator -= whole * denominator;
    for (std::uint64_t repeats = 0; whole > 0; --whole, ++repeats) {
      CHECK(repeats < kMostRepeats);
      if (!BernoulliExpOfOne(bits)) return false;
    }
  }
  return BernoulliExpOfUnit(numerator, denominator, bits);
}

std::int64_t DrawDiscreteLaplace(std::uint64_t scale, UniformBits& bits) {
  CHECK(scale >= 1 && scale <= std::uint64_t{1} << 32);
  for (std::uint64_t refusals = 0; refusals < kMostRepeats; ++refusals) {
    const std::uint64_t remainder = bits.Below(scale);
    if (!BernoulliExpOfUnit(remainder, scale, bits)) continue;
    std::uint64_t wholes = 0;
    while (BernoulliExpOfOne(bits)) {
      CHECK(++wholes < kMostRepeats);
    }
    // At most 2^32 * 2^12.
    const auto size = static_cast<std::int64_t>(remainder + scale * wholes);
    const bool negative = bits.Coin();
    if (negative && size == 0) continue;  // Or zero would be drawn twice as often.
    return negative ? -size : size;
  }
  // Refused with probability below 0.7 each time; 0.7^4096 < 2^-2100.
  CHECK(false && "the source of randomness repeats itself");
  return 0;
}

// No overflow. Let N, D <= 2^48 be the variance's terms, s = sqrt(N / D), t = floor(s) + 1 <= s
// + 1. Then t^2 D <= (s + 1)^2 D <= 2 (s^2 + 1) D = 2 (N + D) <= 2^50.
//   The denominator 2 N (D t^2) <= 2 * 2^48 * 2^50 = 2^99.
//   A Laplace draw has |Y| < kMostRepeats * t = 2^12 t, so |Y| t D < 2^12 t^2 D <= 2^62;
//   its distance from N is below 2^62, and the square below 2^124.
DiscreteGaussian::DiscreteGaussian(const RationalVariance& variance)
    : variance_(variance),
      scale_(FloorRoot(variance.numerator, variance.denominator) + 1),
      denominator_(Uint128{2} * variance.numerator * variance.denominator * scale_ * scale_),
      normaliser_(Normaliser(variance.value())) {}

Result<DiscreteGaussian> DiscreteGaussian::Create(const RationalVariance& variance) {
  for (const std::uint64_t term : {variance.numerator, variance.denominator}) {
    if (term >= 1 && term <= kMaxVarianceTerm) continue;
    return Fail(ErrorCode::kInvalidArgument,
                "the variance " + std::to_string(variance.numerator) + "/" +
                    std::to_string(variance.denominator) + " has a term outside of 1 to 2^48",
                "Reduce the fraction, or add the noise on a coarser lattice.");
  }
  return DiscreteGaussian(variance);
}

std::int64_t DiscreteGaussian::Draw(UniformBits& bits) const {
  const Uint128 n = variance_.numerator;
  for (std::uint64_t refusals = 0; refusals < kMostRepeats; ++refusals) {
    const std::int64_t y = DrawDiscreteLaplace(scale_, bits);
    const auto size = static_cast<std::uint64_t>(y < 0 ? -y : y);
    // (|Y| - N/(D t))^2 / (2 N/D) = (|Y| t D - N)^2 / (2 N D t^2)
    const Uint128 position = Uint128{size} * scale_ * variance_.denominator;
    const Uint128 distance = position > n ? position - n : n - position;
    if (BernoulliExp(distance * distance, denominator_, bits)) return y;
  }
  // Accepted with probability above a third, whatever the variance.
  CHECK(false && "the source of randomness repeats itself");
  return 0;
}

double DiscreteGaussian::Mass(std::int64_t x) const {
  const auto real = static_cast<double>(x);
  return std::exp(-real * real / (2 * variance_.value())) / normaliser_;
}

}  // namespace consilium
