#pragma once

// Random numbers of a simulation. Everything is computed with +, -, *, / and square roots alone, in
// a fixed order, and with the functions of common/portable_math.h: the same bits on every machine.

#include <cstdint>
#include <string_view>
#include <vector>

#include "common/portable_math.h"
#include "common/random.h"

namespace consilium {

/// A stream of its own for each purpose and index, so that one more draw for one site moves no draw
/// of another.
SeededRandom StreamOf(std::uint64_t seed, std::string_view purpose, std::uint64_t index = 0);

/// Passes another source on, which it asks for many bytes at a time: a stream costs as much for 8
/// bytes as for 64. Its numbers are others than the source's own.
class BufferedRandom final : public RandomSource {
 public:
  explicit BufferedRandom(const SeededRandom& source) : source_(source) {}
  void Fill(MutableByteSpan bytes) override;

 private:
  SeededRandom source_;
  ByteArray<1024> buffer_{};
  std::size_t used_ = sizeof(buffer_);
};

/// Standard normal (Marsaglia's polar method).
double DrawNormal(RandomSource& random);
/// Gamma with scale 1 (Marsaglia and Tsang 2000), shape > 0.
double DrawGamma(RandomSource& random, double shape);
/// Poisson; mean at most 1e6.
std::uint64_t DrawPoisson(RandomSource& random, double mean);
/// Shares of `count` that add up to 1: Dirichlet with this concentration for each.
std::vector<double> DrawShares(RandomSource& random, std::size_t count, double concentration);
/// Index of the share into which a uniform draw falls; shares add up to 1.
std::size_t DrawIndex(RandomSource& random, const std::vector<double>& shares);

/// Every order equally likely (Fisher and Yates).
template <class T>
void Shuffle(RandomSource& random, std::vector<T>& items) {
  for (std::size_t i = items.size(); i > 1; --i) {
    using std::swap;
    swap(items[i - 1], items[static_cast<std::size_t>(random.Below(i))]);
  }
}

/// `total` things by shares: whole numbers that add up to `total`, by cutting at the rounded sums.
std::vector<std::size_t> CutByShares(std::size_t total, const std::vector<double>& shares);

}  // namespace consilium
