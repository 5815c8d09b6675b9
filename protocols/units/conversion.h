#pragma once

// From one unit to another.

#include <string>
#include <string_view>

#include "common/result.h"
#include "protocols/units/analytes.h"
#include "protocols/units/ucum.h"

namespace consilium {

/// (value + before) * multiply / divide + after. Where both numbers are whole and of at most 53
/// bits, and nothing is added, the result is off by two roundings at most.
struct Conversion {
  double before = 0;
  double multiply = 1;
  double divide = 1;
  double after = 0;

  double operator()(double value) const { return (value + before) * multiply / divide + after; }
  bool ChangesNothing() const { return before == 0 && after == 0 && multiply == 1 && divide == 1; }
};

/// A unit and what is measured in it; "" where nothing is said.
struct Measure {
  std::string_view unit;
  std::string_view analyte;
};

/// Two units of one dimension are converted by their factors, mass and amount by the analyte's
/// molar mass, amount and equivalents by its valence, HbA1c's % and mmol/mol by the master
/// equation, temperatures by their scales. Everything else is refused in words, with a remedy.
/// An analyte that only one of them names is that of both.
Result<Conversion> ConversionBetween(const Measure& from, const Measure& to);

/// Fails if an analyte that is known is never measured in this unit.
Status CheckMeasure(const Measure& measure);

}  // namespace consilium
