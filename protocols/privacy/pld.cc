#include "protocols/privacy/pld.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "protocols/privacy/composed_loss.h"
#include "protocols/privacy/rdp.h"

namespace consilium {
namespace {

/// The Chernoff bound exceeds a probability by about theta times the deviation: e^3 to e^5 mostly.
constexpr double kChernoffExcess = 6;
constexpr double kFarBelow = 5;
constexpr double kLittleLess = 0.98;

/// Deviations that a normal variable exceeds with probability e^-surplus of delta over all rounds,
/// at most: P(Z > r) <= e^(-r^2/2) / 2.
double ReachFor(std::span<const GaussianRounds> rounds, double log_delta) {
  constexpr double kSurplus = 28;
  double count = 0;
  for (const GaussianRounds& part : rounds) count += static_cast<double>(part.rounds);
  return std::clamp(std::sqrt(2 * (kSurplus - log_delta + std::log(count))), 6.0, 40.0);
}

/// The bound by Renyi divergences. It holds as well, and takes over where millions of rounds add up
/// more rounding than delta allows. kInvalidArgument for rounds that no accountant takes.
Result<RdpCurve> CurveOf(std::span<const GaussianRounds> rounds) {
  if (rounds.empty()) return Fail(ErrorCode::kInvalidArgument, "no rounds to account for");
  RdpCurve curve;
  for (const GaussianRounds& part : rounds) TRY_STATUS(curve.Add(part));
  return curve;
}

/// PldEpsilon in one direction, without checks.
double EpsilonIn(LossDirection direction, std::span<const GaussianRounds> rounds, double delta) {
  const double log_delta = std::log(delta);
  const double reach = ReachFor(rounds, log_delta);
  const LossMoments moments(rounds, direction, reach);
  LossFocus focus;
  focus.log_delta = log_delta;
  focus.theta = moments.BestForTail(-log_delta);
  focus.epsilon = (moments.Log(focus.theta) - log_delta - kChernoffExcess) / focus.theta;
  const double epsilon = ComposedLoss(rounds, direction, reach, moments, focus).EpsilonAt(delta);
  if (epsilon == 0 || focus.theta * (focus.epsilon - epsilon) < kFarBelow) return epsilon;
  // Much lower than it was looked for: once more there, where rounding is small beside delta.
  focus.epsilon = epsilon * kLittleLess;
  return std::min(epsilon, ComposedLoss(rounds, direction, reach, moments, focus).EpsilonAt(delta));
}

/// PldDelta in one direction, without checks.
double DeltaIn(LossDirection direction, std::span<const GaussianRounds> rounds, double epsilon) {
  const double log_least = std::log(kLeastDelta);
  double reach = ReachFor(rounds, log_least);
  double highest = 0;
  for (const GaussianRounds& part : rounds) {
    const StepLoss step(part.noise, part.rate, direction, reach);
    highest += static_cast<double>(part.rounds) * step.HighestLoss();
  }
  if (highest <= epsilon) return kLeastDelta;  // What is out of this reach has less, by far.
  LossFocus focus;
  const LossMoments rough(rounds, direction, reach);
  focus.theta = rough.BestForLoss(epsilon);
  focus.epsilon = epsilon;
  const double chernoff = rough.Log(focus.theta) - focus.theta * epsilon;
  focus.log_delta = std::clamp(chernoff - kChernoffExcess, log_least, 0.0);
  double delta = 1;
  for (int pass = 0; pass < 2; ++pass) {
    reach = ReachFor(rounds, focus.log_delta);
    const LossMoments moments(rounds, direction, reach);
    delta =
        std::min(delta, ComposedLoss(rounds, direction, reach, moments, focus).DeltaAt(epsilon));
    if (std::log(delta) > focus.log_delta) break;
    // Smaller than it was looked for: once more, with rounding that is small beside it.
    focus.log_delta = std::max(std::log(delta) - kChernoffExcess, log_least);
  }
  return delta;
}

/// The larger of a bound's values in the two directions. One is enough at rate 1, where the loss
/// has the same distribution in both.
template <class Bound>
double Worst(Bound bound, std::span<const GaussianRounds> rounds, double given) {
  const double removed = bound(LossDirection::kRemove, rounds, given);
  const bool symmetric = std::all_of(rounds.begin(), rounds.end(),
                                     [](const GaussianRounds& part) { return part.rate == 1; });
  return symmetric ? removed : std::max(removed, bound(LossDirection::kAdd, rounds, given));
}

}  // namespace

Result<double> PldEpsilon(std::span<const GaussianRounds> rounds, double delta) {
  TRY(const RdpCurve curve, CurveOf(rounds));
  TRY(const RdpEpsilon bound, curve.EpsilonFor(delta));
  return std::min(bound.epsilon, Worst(EpsilonIn, rounds, delta));
}

Result<double> PldDelta(std::span<const GaussianRounds> rounds, double epsilon) {
  TRY(const RdpCurve curve, CurveOf(rounds));
  TRY(const double bound, curve.DeltaFor(epsilon));
  return std::min(bound, Worst(DeltaIn, rounds, epsilon));
}

}  // namespace consilium
