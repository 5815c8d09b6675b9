#pragma once

// Of epsilon, delta, noise multiplier and rounds: any one from the other three. Every answer is on
// the safe side: what it is given back to the accountant, it keeps within what was asked for.

#include <cstdint>

#include "common/result.h"
#include "protocols/privacy/gaussian_rounds.h"

namespace consilium {

enum class Accountant {
  kRdp,  ///< By Renyi divergences: rdp.h.
  kPld   ///< By privacy loss distributions: pld.h.
};

/// What is asked of the noise: epsilon at delta.
struct PrivacyTarget {
  double epsilon = 1;
  double delta = 1e-5;
};

/// Upper bound of epsilon.
Result<double> EpsilonOf(Accountant accountant, const GaussianRounds& rounds, double delta);
/// Upper bound of delta.
Result<double> DeltaOf(Accountant accountant, const GaussianRounds& rounds, double epsilon);
/// The least noise multiplier for these rounds at this rate, rounded up by at most a relative 1e-6.
/// kNotEstimable if even kMostNoise is too little; kLeastNoise if that is enough.
Result<double> NoiseFor(Accountant accountant,
                        const PrivacyTarget& target,
                        double rate,
                        std::uint64_t rounds);
/// The most rounds with this noise at this rate; at most kMostRounds. kNotEstimable if one is too
/// many.
Result<std::uint64_t> RoundsFor(Accountant accountant,
                                const PrivacyTarget& target,
                                double noise,
                                double rate);

}  // namespace consilium
