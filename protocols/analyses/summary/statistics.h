#pragma once

// What counts and sums tell: moments, quantiles, differences between groups and their tests.

#include <cstddef>
#include <optional>
#include <vector>

#include "protocols/analyses/summary/query.h"
#include "protocols/federation.h"

namespace consilium::summary {

/// An estimate and its interval; with noise in the sums, wide enough for that, too.
struct Interval {
  double estimate = 0;
  double low = 0;
  double high = 0;
};

/// Known to lie between two numbers, which are equal where it is exact.
struct Quantile {
  double estimate = 0;
  double low = 0;
  double high = 0;
};

struct Test {
  double statistic = 0;
  double df = 0;
  double p_value = 1;
};

/// A variable in numbers within a group, or in all groups together. Without noise counts are whole;
/// one that is not released (HideFew) is NaN.
struct NumberCell {
  double present = 0;
  double missing = 0;
  std::optional<Interval> mean;    ///< None without a value.
  std::optional<double> variance;  ///< With n - 1; 0 where it is rounding.
  std::optional<Quantile> quartiles[3];
  std::vector<double> bins;
};

struct NumberSummary {
  std::vector<NumberCell> groups;
  NumberCell all;
  std::optional<double>
      difference;             ///< Of two groups' means, over the root of their mean variance.
  std::optional<Test> welch;  ///< Two groups.
  std::optional<Test> anova;  ///< F; `df` is the numerator's, of the groups.
  double anova_df = 0;        ///< The denominator's.
  /// How many digits the least well known variance has, where the range costs any that matter.
  std::optional<int> digits;
  /// Where bins were laid together (HideFew): the last of the plan's bins in each of the cells'.
  std::optional<std::vector<std::size_t>> bin_ends;
};

/// A variable in levels.
struct LevelCell {
  double present = 0;
  double missing = 0;
  std::vector<double> counts;
  std::vector<Interval> shares;  ///< Of those present; none without any.
};

struct MantelHaenszel {
  Test test;
  Test corrected;  ///< The same for continuity, by a half: R's default.
  std::optional<Interval> odds_ratio;
};

struct LevelSummary {
  std::vector<LevelCell> groups;
  LevelCell all;
  /// Of two groups: Yang and Dalton 2012, a distance in units of the spread within groups.
  std::optional<double> difference;
  std::optional<Test> chi_squared;  ///< Pearson's, without correction.
  std::optional<MantelHaenszel> mantel_haenszel;
};

struct Summary {
  std::uint64_t patients = 0;
  std::uint32_t sites = 0;
  bool noisy = false;
  std::vector<Interval> rows;  ///< One a group.
  Interval all_rows;
  Interval without_group;
  std::vector<NumberSummary> numbers;
  std::vector<LevelSummary> levels;
};

/// Whether squares about the middle of a range have lost digits of some spread, so that those about
/// the means are to be asked for: a variance below a hundredth of the mean square.
bool LosesDigits(const SummaryPlan& plan, const Aggregate& counts);
/// The query that asks for them.
SummaryQuery SpreadQuery(const SummaryPlan& plan, const Aggregate& counts);

/// `spread` is the answer to SpreadQuery, if it was asked. kCorrupt if sums do not have the length
/// of what was asked for.
Result<Summary> Summarise(const SummaryPlan& plan,
                          const Aggregate& counts,
                          const std::optional<Aggregate>& spread);

}  // namespace consilium::summary
