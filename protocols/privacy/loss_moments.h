#pragma once

// Moments of the sum of many rounds' losses, by which its distribution is looked at where it
// matters.

#include <span>
#include <vector>

#include "protocols/privacy/gaussian_rounds.h"
#include "protocols/privacy/privacy_loss.h"

namespace consilium {

/// The rounds' losses by points and weights: what the tilt and the window are chosen by. The
/// choice decides how tight the answer is, never whether it holds.
class LossMoments {
 public:
  /// `reach` as in StepLoss.
  LossMoments(std::span<const GaussianRounds> rounds, LossDirection direction, double reach);
  /// ln E[e^(theta loss)] of the sum over all rounds; any theta.
  double Log(double theta) const;
  /// The theta > 0 with the least (Log(theta) + surplus) / theta: of the Chernoff bound of the
  /// loss that is exceeded with probability e^-surplus.
  double BestForTail(double surplus) const;
  /// The theta > 0 with the least Log(theta) - theta * epsilon.
  double BestForLoss(double epsilon) const;
  /// A loss that the distribution tilted by theta falls below with probability < e^-surplus.
  double LowEnd(double theta, double surplus) const;
  /// Likewise one that it exceeds with less than that.
  double HighEnd(double theta, double surplus) const;
  double Mean() const;
  double rounds() const;

 private:
  struct Part {
    double rounds = 0;
    std::vector<WeightedLoss> losses;
  };
  std::vector<Part> parts_;
};

}  // namespace consilium
