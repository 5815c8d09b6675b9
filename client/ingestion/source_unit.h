#pragma once

// The unit in which a source has a column's numbers: one for all rows, or one that each row names.

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "common/result.h"
#include "common/settings.h"
#include "protocols/units/conversion.h"

namespace consilium {

struct SourceUnit {
  std::string unit;       ///< Of all rows, or of those that name none; "": not said.
  std::string unit_from;  ///< The header in which rows name their unit; "": there is none.
  std::map<std::string, std::string, std::less<>> unit_map;  ///< Text of a row -> unit in UCUM.
  std::string analyte;                                       ///< "": not said.

  bool IsSaid() const { return !unit.empty() || !unit_from.empty(); }
};

/// The keys `unit`, `unit_from`, `unit_map` and `analyte`.
Result<SourceUnit> ParseSourceUnit(const Settings& settings);

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

}  // namespace consilium
