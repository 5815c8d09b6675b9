#pragma once

// The contract: a study's data schema. What each site must be able to say about a patient, in which
// unit, within which range. It is part of the plan and of the StudyId.

#include <cstdint>
#include <optional>
#include <string>
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
  std::string unit;               ///< UCUM, for people; "" when it has none.
  std::optional<double> minimum;  ///< Inclusive, in `unit`; set for every number and integer.
  std::optional<double> maximum;
  std::vector<std::string> levels;   ///< Categories, in order; the first is the reference level.
  std::vector<std::string> missing;  ///< Codes that mean "not known", beside the empty field.
  bool required = false;  ///< True: a row without it is an error, not an incomplete case.
  /// Of columns written once with a count: their common name, "pixel" of "pixel_1", "pixel_2", ...
  std::string series;
};

/// A patient is eligible if every rule holds; a missing value satisfies none.
struct EligibilityRule {
  std::string column;
  std::optional<double> minimum;  ///< Inclusive; for numbers, integers, durations.
  std::optional<double> maximum;
  std::vector<std::string> one_of;  ///< For categories and booleans ("true", "false").
};

struct Contract {
  std::string patient;  ///< The column that identifies a patient; never leaves the site.
  std::vector<ContractColumn> columns;
  std::vector<EligibilityRule> eligibility;
  std::uint64_t maximum_patients =
      1'000'000;  ///< Largest cohort a site may bring; bounds every sum.

  const ContractColumn* Find(std::string_view name) const;
  std::optional<std::size_t> IndexOf(std::string_view name) const;
};

/// The [contract] table. Errors carry line and column.
Result<Contract> ParseContract(const Settings& settings);

}  // namespace consilium
