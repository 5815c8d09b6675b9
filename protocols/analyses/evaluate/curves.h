#pragma once

// What is released of bins and of subgroups: merged or left out until no small count is left.

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "protocols/analyses/distributions.h"
#include "protocols/analyses/evaluate/settings.h"

namespace consilium::evaluate {

/// Whether a part of the rows may be shown: it has at least `minimum` rows, and of both events and
/// others none or as many.
bool IsLarge(double rows, double events, double minimum);

/// The last of the bins that are laid together in each merged one, rising, the last being the last
/// bin. Each merged bin IsLarge and has at least `rows` rows; all bins are one where that cannot
/// be.
std::vector<std::size_t> MergeBins(std::span<const double> events,
                                   std::span<const double> others,
                                   double minimum,
                                   double rows);

/// Rows of neighbouring predicted probabilities.
struct CalibrationGroup {
  double from = 0;  ///< The lowest probability that belongs here, and the highest that does not.
  double to = 1;
  double rows = 0;
  double events = 0;
  double predicted = 0;  ///< The mean probability.
  double observed = 0;   ///< The share of events.
  ShareLimits limits;    ///< Of that share.
};

/// If those are treated whose predicted probability is at least the threshold.
struct DecisionPoint {
  double threshold = 0;
  double sensitivity = 0;  ///< Of the events, the share that is treated.
  double specificity = 0;  ///< Of the others, the share that is not.
  /// Treated events less treated others times the threshold's odds, a row (Vickers and Elkin
  /// 2006). To treat none has 0.
  double net_benefit = 0;
  double treat_all = 0;  ///< The net benefit of treating everybody.
};

struct Curves {
  std::vector<CalibrationGroup> calibration;
  std::vector<DecisionPoint> decision;
};

/// Thresholds are the lower ends of bins merged by IsLarge alone, since the difference of two
/// points shows what lies between; groups of the calibration curve are those merged further, to at
/// least a tenth of all rows. There is an event and another row.
Curves DrawCurves(const EvaluatePlan& plan,
                  std::span<const double> events,
                  std::span<const double> others,
                  std::span<const double> predicted);

/// Of one subgroup's levels, which are left out: those that are not large, and the smallest others,
/// too, until all that are left out are large together, since all rows less the shown levels are
/// theirs. A level without rows is shown.
std::vector<bool> LeftOut(std::span<const double> rows,
                          std::span<const double> events,
                          double minimum);

}  // namespace consilium::evaluate
