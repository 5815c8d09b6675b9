#pragma once

// Noise for differential privacy: the discrete Gaussian, drawn exactly.
//
// Canonne, Kamath, Steinke, "The Discrete Gaussian for Differential Privacy" (NeurIPS 2020,
// arXiv:2004.00010), Algorithms 1 to 3. Every decision compares whole numbers with uniform ones:
// no floating point, whose low bits have given away what noise was to hide (Mironov, "On
// significance of the least significant bits for differential privacy", CCS 2012).
//
// The running time depends on what is drawn. Whoever can time single draws learns something of the
// noise; the site's answer leaves only when its whole vector is ready.

#include <cstdint>

#include "common/result.h"
#include "protocols/privacy/uniform_bits.h"

namespace consilium {

/// A variance as a fraction, in units of the noised integers squared.
struct RationalVariance {
  std::uint64_t numerator = 1;
  std::uint64_t denominator = 1;

  double value() const { return static_cast<double>(numerator) / static_cast<double>(denominator); }
};

/// Largest numerator and denominator of a variance; with them no step below can overflow. Noise of
/// a larger deviation than 2^24 is drawn on a coarser lattice: multiples of a power of two.
inline constexpr std::uint64_t kMaxVarianceTerm = std::uint64_t{1} << 48;

/// True with probability exp(-numerator / denominator), exactly (Algorithm 1). denominator >= 1.
bool BernoulliExp(Uint128 numerator, Uint128 denominator, UniformBits& bits);

/// P[Y = y] proportional to exp(-|y| / scale), exactly (Algorithm 2 with s = 1).
/// 1 <= scale <= 2^32.
std::int64_t DrawDiscreteLaplace(std::uint64_t scale, UniformBits& bits);

/// P[X = x] proportional to exp(-x^2 / (2 sigma^2)) over the integers.
class DiscreteGaussian {
 public:
  /// kInvalidArgument unless both terms are in [1, kMaxVarianceTerm].
  static Result<DiscreteGaussian> Create(const RationalVariance& variance);

  /// One draw (Algorithm 3). Below 2^37 in absolute value; see kMostRepeats in the source for the
  /// event of probability under exp(-4096) that ends the process instead.
  std::int64_t Draw(UniformBits& bits) const;

  /// P[X = x] to about 1e-14 relative: for tests and accounts, never for drawing.
  double Mass(std::int64_t x) const;
  const RationalVariance& variance() const { return variance_; }

 private:
  explicit DiscreteGaussian(const RationalVariance& variance);

  RationalVariance variance_;
  std::uint64_t scale_ = 1;  ///< t = floor(sigma) + 1, of the Laplace draws.
  Uint128 denominator_ = 1;  ///< 2 N D t^2, of the acceptance's exponent.
  double normaliser_ = 1;    ///< Sum over y of exp(-y^2 / (2 sigma^2)).
};

}  // namespace consilium
