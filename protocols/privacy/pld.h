#pragma once

// The accountant by privacy loss distributions: as tight as numbers allow, and never too low.
//
// Losses of independent rounds add up, so their distribution is a convolution: done by Fourier
// transform (Koskela, Jälkö, Honkela, "Computing Tight Differential Privacy Guarantees Using
// FFT", AISTATS 2020) of the lattice distributions of privacy_loss.h, which are never better than
// the loss itself. Before it, masses are tilted by e^(theta loss), theta the best of the Chernoff
// bound at the answer: what is looked for is then the bulk of the distribution rather than its far
// tail, and errors of rounding are small beside delta, not beside one. Everything that is left out
// or rounded is added to delta:
//   - outcomes out of reach, as losses without bound;
//   - losses above the window of the transform, by the Chernoff bound (those that wrap around are
//     not taken out again);
//   - the transform's rounding, by Fourier::RelativeError, for delta's own weights (Cauchy,
//     Schwarz);
//   - the masses' own rounding.
//
// The noise is continuous here. For the discrete noise that sites draw, the bound that holds
// without exception is RdpCurve; docs/privacy.md says how far the two can differ.

#include <span>

#include "common/result.h"
#include "protocols/privacy/gaussian_rounds.h"

namespace consilium {

/// Upper bound of epsilon >= 0 at this delta, over both directions, of all these rounds on the same
/// patients, in any order and each depending on the results before. kInvalidArgument for an empty
/// list or numbers out of range. About a tenth of a second a direction. Never above RdpCurve's.
Result<double> PldEpsilon(std::span<const GaussianRounds> rounds, double delta);
/// Upper bound of delta at this epsilon, at most 1; likewise.
Result<double> PldDelta(std::span<const GaussianRounds> rounds, double epsilon);

}  // namespace consilium
