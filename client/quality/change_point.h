#pragma once

// Where a series of months has a step, and how sure that is.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace consilium {

/// A step between two months in a series of rows: from where on, and how sure.
struct CalendarStep {
  std::size_t after = 0;  ///< The place of the first month after it.
  double p_value = 1;
  double before = 0;  ///< Mean score before it,
  double since = 0;   ///< and after it.
};

/// One month's rows: how many, and the sum of their scores.
struct MonthScores {
  std::uint64_t rows = 0;
  double sum = 0;
};

/// Pettitt (1979), "A non-parametric approach to the change-point problem", Applied Statistics
/// 28(2):126-135, with scores that are ranks (of equal values the mean rank) or 0 and 1:
/// D = max over t |sum of the first t scores less their expectation| / (sd sqrt(n)), whose limit is
/// the largest deviation of a Brownian bridge, so that p = 2 sum (-1)^(k-1) exp(-2 k^2 D^2).
/// Without ties this is his 2 exp(-6 K^2 / (n^3 + n^2)) to the first term. Looks at the ends of
/// months only, which makes p no smaller than it should be; rows count as independent.
/// `variance` is that of all scores (divided by n). None where nothing varies or there is one
/// month.
std::optional<CalendarStep> FindStep(std::span<const MonthScores> months, double variance);

}  // namespace consilium
