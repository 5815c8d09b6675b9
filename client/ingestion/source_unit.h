#pragma once

// The unit in which a source has a column's numbers: one for all rows, or one that each row names.

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

#include "client/ingestion/values.h"
#include "common/result.h"
#include "common/settings.h"
#include "protocols/units/conversion.h"

namespace consilium {

struct SourceUnit {
  std::string unit;  ///< Of all rows, or of those that name none; "": not said.
  /// The headers in which rows name their unit: the first that has something counts.
  std::vector<std::string> unit_from;
  std::map<std::string, std::string, std::less<>> unit_map;  ///< Text of a row -> unit in UCUM.
  std::string analyte;                                       ///< "": not said.

  bool IsSaid() const { return !unit.empty() || !unit_from.empty(); }
};

/// The key `unit_map`.
Result<std::map<std::string, std::string, std::less<>>> ParseUnitMap(const Settings& settings);
/// The keys `unit`, `unit_from`, `unit_map` and `analyte`.
Result<SourceUnit> ParseSourceUnit(const Settings& settings);
/// The same of a value called `name` that is taken out of rows: `unit` is what each row's value
/// becomes, by the unit that the row names.
Result<SourceUnit> ParseTakenUnit(const Settings& settings, const std::string& name);

/// Turns values of a source into a unit.
class UnitConverter {
 public:
  /// Changes nothing.
  UnitConverter() = default;
  /// The same for all rows.
  explicit UnitConverter(const Conversion& conversion) : usual_(conversion) {}
  /// Fails if the source's unit, or one of its unit_map, cannot become the other.
  static Result<UnitConverter> Make(const SourceUnit& source,
                                    std::string_view unit,
                                    std::string_view analyte);

  /// Of values taken out of rows: a row that names no unit has none.
  static Result<UnitConverter> OfTaken(const SourceUnit& taken);

  /// For a row that names this unit, "" if it names none; nothing if it cannot be converted.
  const Conversion* For(std::string_view unit_of_row);

 private:
  Result<Conversion> Between(std::string_view unit) const;

  SourceUnit source_;
  std::string unit_;
  std::string analyte_;
  std::optional<Conversion> usual_ = Conversion{};  // Of rows that name no unit.
  // Rows name a handful of units, and mostly the one before.
  std::map<std::string, std::optional<Conversion>, std::less<>> seen_;
};

/// A row's number in the converter's unit, or why it has none.
tl::expected<double, DataFault> NumberOfRow(std::string_view text,
                                            const NumberFormat& format,
                                            std::string_view unit_of_row,
                                            UnitConverter& units);

/// The unit that a row names, as far as a report may: what has the form of a unit, or is a concept
/// of a vocabulary ("concept 8840"). Nothing of other texts, which may be about a patient.
std::optional<std::string> NameableUnit(std::string_view unit_of_row);

}  // namespace consilium
