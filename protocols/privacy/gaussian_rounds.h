#pragma once

// What the accountants count: rounds of the Gaussian mechanism, on samples of the patients.

#include <cstdint>

#include "common/result.h"

namespace consilium {

/// `rounds` releases, each a sum over a fresh Poisson sample of the patients (every patient is in
/// it with probability `rate`, independently) plus Gaussian noise. Two data sets are neighbours if
/// one has one patient more.
struct GaussianRounds {
  double noise = 1;  ///< Standard deviation of the noise over one patient's L2 bound.
  double rate = 1;   ///< 1: everybody in every round. Anything else must be Poisson sampling.
  std::uint64_t rounds = 1;  ///< Each may depend on the results of those before.
};

inline constexpr double kLeastNoise = 0.05;  ///< Below, epsilon is in the hundreds: no privacy.
inline constexpr double kMostNoise = 1e6;
inline constexpr double kLeastRate = 1e-9;
inline constexpr std::uint64_t kMostRounds = 1'000'000'000;
inline constexpr double kLeastDelta = 1e-100;

/// kInvalidArgument that names the first number out of its range.
Status CheckRounds(const GaussianRounds& rounds);
Status CheckNoise(double noise);
Status CheckRate(double rate);
Status CheckRoundCount(std::uint64_t rounds);
Status CheckDelta(double delta);      ///< kLeastDelta <= delta < 1.
Status CheckEpsilon(double epsilon);  ///< 0 <= epsilon, finite.

}  // namespace consilium
