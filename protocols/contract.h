#pragma once

// The contract: a study's data schema. What each site must be able to say about a patient, in which
// unit, within which range. It is part of the plan and of the StudyId.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.h"
#include "common/settings.h"

namespace consilium {

enum class ColumnType {
  kNumber,
  kInteger,
  kCategory,
  kBoolean,
  kDate,     ///< Days since 1970-01-01 once read.
  kDuration  ///< A number in the column's unit.
};

struct ContractColumn {
  std::string name;
  ColumnType type = ColumnType::kNumber;
  std::string unit;               ///< UCUM, so that sites' units can be converted; "": none.
  std::string analyte;            ///< What is measured, of units/analytes.h; "": not said.
  std::optional<double> minimum;  ///< Inclusive, in `unit`; set for every number and integer.
  std::optional<double> maximum;
  std::vector<std::string> levels;   ///< Categories, in order; the first is the reference level.
  std::vector<std::string> missing;  ///< Codes that mean "not known", beside the empty field.
  bool required = false;  ///< True: a row without it is an error, not an incomplete case.
  /// Of columns written once with a count: their common name, "pixel" of "pixel_1", "pixel_2", ...
  std::string series;

  /// Whether a number is in the range: of a column without one every number is.
  bool Contains(double number) const {
    return (!minimum || number >= *minimum) && (!maximum || number <= *maximum);
  }
};

/// A patient is eligible if every rule holds; a missing value satisfies none.
struct EligibilityRule {
  std::string column;
  /// Inclusive; for numbers, integers, durations, and dates as days since 1970-01-01.
  std::optional<double> minimum;
  std::optional<double> maximum;
  std::vector<std::string> one_of;  ///< For categories and booleans ("true", "false").
};

/// How a derived column comes from others of its row.
enum class Derivation {
  kLog,      ///< The natural logarithm.
  kSquare,   ///< x^2
  kSpline,   ///< A term of a restricted cubic spline beside the linear one (Stone and Koo 1985).
  kProduct,  ///< Of two columns, or of indicators of categories' levels: an interaction.
  kMissing   ///< Whether there is no value.
};

/// A column that no site maps: each computes it from the contract's. Numbers have the range that
/// follows from theirs.
struct DerivedColumn {
  /// A factor of a product: the column's value, or whether it is this level of its category.
  struct Factor {
    std::size_t place = 0;  ///< Contract::PlaceOf, before this column's own.
    std::optional<double> level;
  };
  ContractColumn column;
  Derivation how = Derivation::kLog;
  Factor first;
  Factor second;              ///< Of a product.
  std::vector<double> knots;  ///< Of a spline, rising;
  std::size_t knot = 0;       ///< its term is the one that begins at this knot.
};

struct Contract {
  std::string patient;  ///< The column that identifies a patient; never leaves the site.
  std::vector<ContractColumn> columns;
  std::vector<DerivedColumn> derived;  ///< Each from what stands before it.
  std::vector<EligibilityRule> eligibility;
  std::uint64_t maximum_patients =
      1'000'000;                     ///< Largest cohort a site may bring; bounds every sum.
  bool one_row_per_patient = false;  ///< True: a second row of a patient is an error at the site.

  /// A column, derived or not.
  const ContractColumn* Find(std::string_view name) const;
  /// Nothing for the name of a derived column, too.
  std::optional<std::size_t> IndexOf(std::string_view name) const;
  /// Among the columns with the derived ones behind them.
  std::optional<std::size_t> PlaceOf(std::string_view name) const;
  const ContractColumn& At(std::size_t place) const;
  /// The columns that a name stands for: of a series all of them. Empty if there is none.
  std::vector<std::string> ColumnsOf(std::string_view name) const;
};

/// Why a name that a plan writes is no column of the contract, with what was meant: a name near it,
/// the category of a level, one of a series' columns. `where` is what limits the search, as
/// " before this one".
Error NoColumn(const Contract& contract, const std::string& name, std::string_view where = {});

/// A bound of a rule on the column: "18", or "2020-01-01" of a date.
std::string BoundInWords(const ContractColumn& column, double bound);

/// "use 1 to 64 letters ..." at the key, if this is no name of a column.
Status CheckColumnName(const Settings& settings, std::string_view key, std::string_view name);

/// The [contract] table. Errors carry line and column.
Result<Contract> ParseContract(const Settings& settings);

}  // namespace consilium
