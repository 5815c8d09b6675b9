#include "simulations/draws.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "common/check.h"
#include "common/crypto/hash.h"

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

SeededRandom StreamOf(std::uint64_t seed, std::string_view purpose, std::uint64_t index) {
  return SeededRandom(
      Hasher("consilium simulation stream").Add(seed).Add(purpose).Add(index).Finish().bytes);
}

void BufferedRandom::Fill(MutableByteSpan bytes) {
  while (!bytes.empty()) {
    if (used_ == buffer_.size()) {
      source_.Fill(buffer_);
      used_ = 0;
    }
    const std::size_t size = std::min(bytes.size(), buffer_.size() - used_);
    std::copy_n(buffer_.begin() + static_cast<std::ptrdiff_t>(used_), size, bytes.begin());
    used_ += size;
    bytes = bytes.subspan(size);
  }
}

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

double DrawNormal(RandomSource& random) {
  for (;;) {
    const double u = 2 * random.Unit() - 1;
    const double v = 2 * random.Unit() - 1;
    const double s = u * u + v * v;
    if (s > 0 && s < 1) return u * std::sqrt(-2 * PortableLog(s) / s);
  }
}

double DrawGamma(RandomSource& random, double shape) {
  CHECK(shape > 0);
  if (shape < 1) {
    const double u = 1 - random.Unit();
    // A shape near 0 gives numbers that no double can hold: 0 stands for them.
    return DrawGamma(random, shape + 1) * PortableExp(PortableLog(u) / shape);
  }
  const double d = shape - 1.0 / 3;
  const double c = 1 / std::sqrt(9 * d);
  for (;;) {
    const double normal = DrawNormal(random);
    const double root = 1 + c * normal;
    if (root <= 0) continue;
    const double v = root * root * root;
    const double u = 1 - random.Unit();
    if (PortableLog(u) < 0.5 * normal * normal + d - d * v + d * PortableLog(v)) return d * v;
  }
}

std::uint64_t DrawPoisson(RandomSource& random, double mean) {
  CHECK(mean >= 0 && mean <= 1e6);
  // A sum of Poisson numbers is one: parts small enough for the product of uniforms.
  constexpr double kPart = 100;
  std::uint64_t count = 0;
  while (mean > 0) {
    const double part = std::min(mean, kPart);
    mean -= part;
    const double limit = PortableExp(-part);
    for (double product = random.Unit(); product > limit; product *= random.Unit()) ++count;
  }
  return count;
}

std::vector<double> DrawShares(RandomSource& random, std::size_t count, double concentration) {
  CHECK(count >= 1);
  std::vector<double> shares(count);
  double sum = 0;
  for (double& share : shares) {
    share = DrawGamma(random, concentration);
    sum += share;
  }
  if (sum <= 0) {
    // All were too small for a double: in that limit one takes all.
    shares[static_cast<std::size_t>(random.Below(count))] = 1;
    return shares;
  }
  for (double& share : shares) share /= sum;
  return shares;
}

std::size_t DrawIndex(RandomSource& random, const std::vector<double>& shares) {
  double rest = random.Unit();
  std::size_t last = 0;
  for (std::size_t i = 0; i < shares.size(); ++i) {
    if (shares[i] <= 0) continue;
    last = i;
    if (rest < shares[i]) return i;
    rest -= shares[i];
  }
  return last;
}

std::vector<std::size_t> CutByShares(std::size_t total, const std::vector<double>& shares) {
  std::vector<std::size_t> sizes;
  double sum = 0;
  std::size_t taken = 0;
  for (const double share : shares) {
    sum += share;
    const auto cut =
        static_cast<std::size_t>(std::floor(std::min(sum, 1.0) * static_cast<double>(total) + 0.5));
    sizes.push_back(std::max(cut, taken) - taken);
    taken = std::max(cut, taken);
  }
  // What rounding of the shares' sum may have left over.
  if (!sizes.empty()) sizes.back() += total - taken;
  return sizes;
}

}  // namespace consilium
