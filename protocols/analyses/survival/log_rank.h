#pragma once

// The log-rank test (Mantel 1966; Peto and Peto 1972), as R's survdiff with rho = 0.

#include <optional>
#include <span>
#include <vector>

#include "protocols/analyses/glm/cholesky.h"

namespace consilium::survival {

/// Sums over times and strata, for G groups.
struct LogRankSums {
  explicit LogRankSums(std::size_t groups)
      : observed(groups, 0.0), expected(groups, 0.0), variance(groups) {}

  /// One time: who is at risk and who has the event, a number a group.
  void Add(std::span<const double> at_risk, std::span<const double> events);

  std::vector<double> observed;
  std::vector<double> expected;
  glm::Symmetric variance;  ///< Of observed less expected.
};

struct LogRankTest {
  double statistic = 0;
  std::size_t df = 0;
  double p_value = 1;
};

/// Over the groups of which anybody was at risk; nothing where those are fewer than two or their
/// differences have no variance.
std::optional<LogRankTest> TestOf(const LogRankSums& sums);

}  // namespace consilium::survival
