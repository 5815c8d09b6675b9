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
  std::string_view other;        ///< The unit that the data may be in.
  double factor = 1;             ///< contract's value = data's value * factor + offset
  double offset = 0;
  bool named = false;  ///< The column is called like the measurement.
  double lowest = 0;   ///< In the contract's unit: between both lie medians of patients, whatever
  double highest = 0;  ///< they have; equal where units cannot be told apart by that.
};

/// Conversions to `unit`, as a contract writes it ("mg/dL"; upper and lower case do not matter).
/// Where the column's name tells what it measures, that measurement's alone; otherwise all that
/// end in this unit. Factors are from molar masses (IUPAC 2021) and exact definitions of units;
/// HbA1c's is the IFCC-NGSP master equation (Hoelzel et al. 2004).
std::vector<UnitConversion> ConversionsTo(std::string_view unit, std::string_view column);

}  // namespace consilium
