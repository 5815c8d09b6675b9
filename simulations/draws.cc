#include "simulations/draws.h"

#include <algorithm>
#include <cmath>

#include "common/check.h"
#include "common/crypto/hash.h"

namespace consilium {

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
