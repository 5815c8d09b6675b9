#pragma once

// How a site's data are spread and where they have gaps, as counts: what the quality report draws.
// For the site's own eyes, like the report. Ends of parts are round numbers or the contract's,
// never a patient's value.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "client/quality/plausibility.h"
#include "protocols/cohort.h"
#include "protocols/contract.h"

namespace consilium {

/// The parts that the lower quartile, the median and the upper quartile lie in.
struct BoxParts {
  std::size_t lower = 0;
  std::size_t median = 0;
  std::size_t upper = 0;
};

/// Counts of a number's values in parts of equal width; each has its lower end, the last one both.
struct ValueParts {
  double from = 0;
  double width = 1;
  std::vector<std::uint64_t> counts;
  std::uint64_t below =
      0;  ///< Outside the parts. They hold the contract's range; or, where a tenth
  std::uint64_t above = 0;      ///< of it has nearly all values, these.
  std::optional<BoxParts> box;  ///< None where one of the three is outside the parts.

  std::uint64_t values() const;
  double end(std::size_t part) const { return from + width * static_cast<double>(part + 1); }
  /// The part that a value lies in: below 0 if it is below all, counts.size() if above. An end of a
  /// part is where its digits say, whatever rounding makes of from and width.
  std::ptrdiff_t PlaceOf(double value) const;
};

struct LevelCount {
  std::string level;  ///< Of the contract, "yes" or "no", a year.
  std::uint64_t rows = 0;
};

struct ColumnProfile {
  std::string name;
  std::string unit;
  std::uint64_t values = 0;         ///< Rows with a usable value; the others have none.
  std::optional<ValueParts> parts;  ///< Of numbers and durations with at least ten values.
  std::vector<LevelCount> levels;   ///< Of categories and booleans.
};

/// Rows that lack the same columns.
struct MissingPattern {
  std::vector<std::size_t> columns;  ///< In the contract; empty: rows that lack nothing.
  std::uint64_t rows = 0;
  std::uint64_t patients = 0;
};

struct DataProfile {
  static constexpr std::size_t kPatternsKept = 12;
  std::uint64_t rows = 0;
  std::vector<ColumnProfile> columns;    ///< In the contract's order.
  std::vector<MissingPattern> patterns;  ///< The most frequent ones, falling.
  std::uint64_t other_patterns = 0;      ///< How many more there are,
  std::uint64_t other_pattern_rows = 0;  ///< and with how many rows.
};

/// `table` has the contract's columns.
DataProfile ProfileOf(const Contract& contract, const DataTable& table);

/// Kinds "mostly-missing" (more than half of the rows) and "missing-together" (columns that at
/// least ten rows lack, but not all, and nearly always the same ones: of the rows that lack one of
/// two columns 95 % lack both).
std::vector<Suspicion> FindGaps(const Contract& contract, const DataTable& table);

}  // namespace consilium
