#pragma once

// Calibration in the large and the calibration slope: logistic models on the predicted log odds,
// fitted over all sites by Newton's method, all at once (Cox 1958; Van Calster et al. 2019).

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/result.h"
#include "protocols/analyses/evaluate/measures.h"
#include "protocols/analyses/evaluate/query.h"
#include "protocols/federation.h"

namespace consilium::evaluate {

/// Newton rounds, halved steps included.
inline constexpr std::uint32_t kMostIterations = 25;

struct Recalibration {
  bool converged = true;
  std::string trouble;           ///< Why there is nothing, if there is not.
  std::uint32_t iterations = 0;  ///< Rounds.
  /// a of logit P = x + a: 0 where as many events happen as predicted, above where more do.
  std::optional<Measure> in_the_large;
  /// a and b of logit P = a + b x: b is below 1 where predictions are too extreme.
  std::optional<Measure> intercept;
  std::optional<Measure> slope;
  std::vector<Measure> levels;  ///< As in_the_large, in the order of those asked for.
};

/// What the first round's sums say of the models to come: where Newton's method starts. Fits to the
/// score bins, as if all rows of a bin had its middle; the same bits at every site.
struct StartingPoint {
  bool slope = false;                 ///< It exists, so that it is to be fitted.
  std::vector<std::uint32_t> levels;  ///< Those that are to be fitted.
  std::vector<double> coefficients;   ///< In the query's order.
};
/// `levels` are those that may be shown; of them those with events and others are taken.
StartingPoint StartFrom(const EvaluatePlan& plan,
                        const Counts& counts,
                        const std::vector<std::uint32_t>& levels);

/// Where all rows have events and others. kCorrupt for sums that cannot be.
Result<Recalibration> Recalibrate(Federation& federation,
                                  const EvaluatePlan& plan,
                                  const StartingPoint& start);

}  // namespace consilium::evaluate
