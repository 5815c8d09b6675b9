#pragma once

// Comparisons of groups from their counts and moments.

#include <optional>
#include <span>
#include <vector>

#include "protocols/analyses/summary/statistics.h"

namespace consilium::summary {

/// n, mean and variance (n - 1) of a group.
struct Moments {
  double count = 0;
  double mean = 0;
  double variance = 0;
};

/// Welch's t test of two groups; none where a group has fewer than two values or nothing varies.
std::optional<Test> WelchTest(const Moments& first, const Moments& second);
/// One-way analysis of variance; `within` receives the denominator's degrees of freedom.
std::optional<Test> OneWayAnova(const std::vector<Moments>& groups, double& within);
/// |difference of means| / sqrt(mean of the variances); none where nothing varies.
std::optional<double> MeanDifference(const Moments& first, const Moments& second);

/// Pearson's test of independence of a table of groups by levels, without continuity correction;
/// rows and columns without counts are left out. None with fewer than two of either.
std::optional<Test> ChiSquaredTest(const std::vector<std::vector<double>>& table);
/// Yang and Dalton 2012, "A unified approach to measuring the effect size between two groups": the
/// Mahalanobis distance of the shares of all levels but the first. None where it is not defined.
std::optional<double> ShareDifference(const std::vector<double>& first,
                                      const std::vector<double>& second);

/// From the sums of Stratum's numbers; the interval by Robins, Breslow and Greenland 1986. None
/// where no site has both groups and levels.
std::optional<MantelHaenszel> MantelHaenszelTest(std::span<const double> sums, double confidence);

}  // namespace consilium::summary
