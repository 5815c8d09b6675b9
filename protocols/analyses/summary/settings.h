#pragma once

// What a plan with kind = "summary" says, checked.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/result.h"
#include "common/settings.h"
#include "protocols/contract.h"

namespace consilium::summary {

/// A variable in numbers: its range in cells of equal width, the last with both its ends.
struct NumberVariable {
  ContractColumn column;
  std::size_t in_cohort = 0;  ///< The cohort's column.
  std::size_t bins = 0;
  double width = 0;  ///< Of a bin.
  /// Each bin holds one whole number, so that quantiles are exact.
  bool whole = false;

  double minimum() const { return *column.minimum; }
  double maximum() const { return *column.maximum; }
  double centre() const { return minimum() + (maximum() - minimum()) / 2; }
  double scale() const { return (maximum() - minimum()) / 2; }
  double LowerEdge(std::size_t bin) const { return minimum() + width * static_cast<double>(bin); }
  double UpperEdge(std::size_t bin) const {
    return bin + 1 < bins ? LowerEdge(bin + 1) : maximum() + (whole ? 1 : 0);
  }
  /// A number that stands at `z` half ranges above the middle, as near as a double comes. Numbers
  /// are taken from it itself: from the middle first, a small one would lose the digits that a wide
  /// range hides.
  double At(double z) const { return centre() + scale() * z; }
  std::size_t BinOf(double x) const;
};

/// A variable in levels; a boolean's are "false" and "true".
struct LevelVariable {
  ContractColumn column;
  std::size_t in_cohort = 0;
  std::vector<std::string> levels;
};

struct SummaryPlan {
  std::vector<std::string> columns;    ///< Of the cohort: the grouping one first, if there is one.
  std::vector<std::string> variables;  ///< In the plan's order.
  std::vector<NumberVariable> numbers;
  std::vector<LevelVariable> levels;
  std::optional<LevelVariable> by;
  std::uint64_t maximum_rows = 0;
  double confidence = 0.95;
  std::uint64_t minimum_count = 1;  ///< Of people in a count that is released.
  /// Tests of two groups by two levels that are stratified by site.
  bool mantel_haenszel = false;

  std::size_t groups() const { return by ? by->levels.size() : 1; }
  std::size_t AllBins() const;    ///< Of all numbers.
  std::size_t AllLevels() const;  ///< Of all variables in levels.
  /// Variables in two levels, if they are to be tested by site; by their place in `levels`.
  std::vector<std::size_t> Tested() const;
};

/// The [analysis] table of a plan.
Result<SummaryPlan> ParseSummaryPlan(const Settings& settings, const Contract& contract);

}  // namespace consilium::summary
