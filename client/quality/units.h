#pragma once

// Units in which hospitals report the same measurement, for suspecting that data are in another
// than the contract's.

#include <string>
#include <string_view>
#include <vector>

namespace consilium {

/// How a measurement that was made in another unit becomes the contract's.
struct UnitConversion {
  std::string_view measurement;  ///< "glucose"
  std::string_view analyte;      ///< Of protocols/units/analytes.h; "" where none is needed.
  std::string_view other;        ///< The unit that the data may be in.
  double factor = 1;             ///< contract's value = data's value * factor + offset
  double offset = 0;
  bool named = false;  ///< The column's analyte, or its name, is the measurement.
  double lowest = 0;   ///< In the contract's unit: between both lie medians of patients' blood,
  double highest = 0;  ///< whatever they have; equal where units cannot be told apart by that.
};

/// Conversions to `unit`, as a contract writes it ("mg/dL"; other spellings are understood, too).
/// Where the contract's analyte, or else the column's name, tells what it measures, that
/// measurement's alone: urea is not its nitrogen. Otherwise all that end in this unit. What is
/// multiplied by is what protocols/units/ converts by.
std::vector<UnitConversion> ConversionsTo(std::string_view unit,
                                          std::string_view column,
                                          std::string_view analyte = {});

}  // namespace consilium
