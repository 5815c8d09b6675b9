#pragma once

// The product-limit estimator (Kaplan and Meier 1958) with Greenwood's variance, as R's survfit.

#include <optional>
#include <span>
#include <vector>

#include "protocols/analyses/survival/settings.h"

namespace consilium::survival {

/// What happened to one group at one time; who is censored is at risk then.
struct AtTime {
  double time = 0;
  double at_risk = 0;
  double events = 0;
};

/// Just after a time. Without limits where the curve is at 0, or at 1 on the scale log-log.
struct CurvePoint {
  AtTime here;
  double survival = 1;
  std::optional<double> std_error;  ///< Greenwood's, of survival.
  std::optional<double> low;
  std::optional<double> high;
  double cumulative_hazard = 0;  ///< Nelson and Aalen's.
};

/// Times rising, each with somebody at risk.
std::vector<CurvePoint> KaplanMeier(std::span<const AtTime> times,
                                    double confidence,
                                    LimitScale scale);

/// Where a curve comes to 1/2, and where its limits do, after Brookmeyer and Crowley (1982): the
/// first time at or below it, or the middle of the time at which it is exactly 1/2. Nothing where
/// it does not come so far.
struct Median {
  std::optional<double> estimate;
  std::optional<double> low;
  std::optional<double> high;
};
Median MedianOf(const std::vector<CurvePoint>& curve);

}  // namespace consilium::survival
