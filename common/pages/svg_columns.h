#pragma once

// Small plots with upright columns, for pages that are read on a telephone, too: 360 wide, so that
// their text stays readable there. Colours are the style sheet's. Same input, same bytes.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace consilium {

/// Which parts hold the quartiles: places in HistogramData::counts.
struct QuartileParts {
  std::size_t lower = 0;
  std::size_t median = 0;
  std::size_t upper = 0;
};

/// Counts of values in parts of equal width, from `from` on; each has its lower end.
struct HistogramData {
  double from = 0;
  double width = 1;  ///< Above 0.
  std::vector<std::uint64_t> counts;
  std::uint64_t below = 0;  ///< Values outside, drawn as hollow columns at both ends.
  std::uint64_t above = 0;
  std::optional<QuartileParts> quartiles;  ///< Drawn as a box above the columns.
};

/// Empty when there is no part.
std::string Histogram(const std::string& title, const HistogramData& data);

/// Values of periods that follow one another, such as months.
struct PeriodData {
  std::vector<std::string> names;             ///< Of the periods;
  std::vector<std::optional<double>> values;  ///< as many.
  std::optional<std::size_t> step;            ///< A line is drawn before this period.
  std::optional<double> top;                  ///< The axis goes from 0 to this one.
  std::string y_label;
  /// For columns: a dot each, to be compared with them; empty for none.
  std::vector<std::optional<double>> beside = {};
};

/// Columns from 0. Empty when there is no period.
std::string PeriodColumns(const std::string& title, const PeriodData& data);
/// Points joined by lines, on an axis that holds the values; there may be gaps. Empty without any.
std::string PeriodCurve(const std::string& title, const PeriodData& data);

}  // namespace consilium
