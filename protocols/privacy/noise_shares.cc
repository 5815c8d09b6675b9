#include "protocols/privacy/noise_shares.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>
#include <string>

#include "common/check.h"
#include "protocols/privacy/gaussian_rounds.h"
#include "protocols/secure_sum/thresholds.h"

namespace consilium {

std::uint32_t FewestHonestShares(const Thresholds& thresholds) {
  CHECK(thresholds.quorum > thresholds.colluding);
  const std::uint32_t honest = thresholds.quorum - thresholds.colluding;
  return IsComplete(thresholds) ? honest : honest / 2;
}

Result<RationalVariance> ShareVariance(const RationalVariance& total, std::uint32_t shares) {
  if (shares == 0 || total.numerator == 0 || total.denominator == 0) {
    return Fail(ErrorCode::kInvalidArgument, "noise of no variance, or in no shares");
  }
  const std::uint64_t common = std::gcd(total.numerator, total.denominator);
  const std::uint64_t common_shares = std::gcd(total.numerator / common, std::uint64_t{shares});
  Uint128 numerator = total.numerator / common / common_shares;
  Uint128 denominator = Uint128{total.denominator / common} * (shares / common_shares);
  if (numerator > kMaxVarianceTerm || denominator > kMaxVarianceTerm) {
    // The largest denominator that leaves the numerator room. A denominator above the numerator may
    // have 96 bits, any other has 64: products have at most 112.
    const Uint128 fitting = denominator > numerator ? Uint128{kMaxVarianceTerm}
                                                    : kMaxVarianceTerm * denominator / numerator;
    if (fitting == 0) {
      return Fail(ErrorCode::kInvalidArgument,
                  "a share's variance of more than 2^48 cannot be drawn",
                  "Add the noise on a coarser lattice.");
    }
    numerator = (numerator * fitting + denominator - 1) / denominator;  // Up: never less noise.
    denominator = fitting;
  }
  return RationalVariance{static_cast<std::uint64_t>(numerator),
                          static_cast<std::uint64_t>(denominator)};
}

double ShareSumDistance(double share_variance, std::uint32_t shares) {
  const double rate = 2 * std::numbers::pi * std::numbers::pi * share_variance;
  double sum = 0;
  for (double k = 1; k < shares; ++k) sum += std::exp(-rate * k / (k + 1));
  return 10 * sum;
}

double SharedRounds::NoiseMultiplier() const {
  return std::sqrt(share.value() * static_cast<double>(shares)) / l2;
}

Status CheckSharedRounds(const SharedRounds& rounds) {
  TRY_STATUS(DiscreteGaussian::Create(rounds.share));
  const auto d = static_cast<double>(rounds.dimensions);
  if (rounds.shares == 0 || rounds.dimensions == 0) {
    return Fail(ErrorCode::kInvalidArgument, "a release of no shares or no coordinates");
  }
  if (rounds.shares > 1 && rounds.share.value() < kLeastShareVariance) {
    return Fail(ErrorCode::kInvalidArgument,
                "the variance " + std::to_string(rounds.share.value()) +
                    " of each share is below 1/4: the noise of their sum is not known well enough",
                "Add more noise, or add it on a finer lattice.");
  }
  // A tenth of a per cent for rounding: nobody states a bound to more digits.
  if (!(rounds.l2 > 0) || !(rounds.l1 >= rounds.l2 * (1 - 1e-3)) ||
      !(rounds.l1 <= std::sqrt(d) * rounds.l2 * (1 + 1e-3))) {
    return Fail(ErrorCode::kInvalidArgument,
                "the L1 bound " + std::to_string(rounds.l1) + " does not fit the L2 bound " +
                    std::to_string(rounds.l2) + " in " + std::to_string(rounds.dimensions) +
                    " coordinates",
                "It lies between the L2 bound and that times the root of the coordinates.");
  }
  return CheckRounds(GaussianRounds{rounds.NoiseMultiplier(), rounds.rate, rounds.rounds});
}

double SharedGaussianRdp(const SharedRounds& rounds, double order) {
  const double tau = ShareSumDistance(rounds.share.value(), rounds.shares);
  const auto d = static_cast<double>(rounds.dimensions);
  const double l2 = 1 / rounds.NoiseMultiplier();
  const double l1 = l2 * rounds.l1 / rounds.l2;
  const double half = order / 2;
  const double joint = l2 + std::sqrt(d) * tau;
  return std::min({half * l2 * l2 + tau * d, half * (l2 * l2 + 2 * l1 * tau + tau * tau * d),
                   half * joint * joint});
}

}  // namespace consilium
