#pragma once

// What laboratories measure, as far as it must be known to turn one unit into another: the molar
// mass between mg/dL and mmol/L, the valence between mmol/L and meq/L, HbA1c's two scales.
// docs/units.md shows the table.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "common/result.h"
#include "protocols/units/exact_factor.h"

namespace consilium {

enum class AnalyteKind {
  kSubstance,    ///< Has a molar mass.
  kDenominator,  ///< A quantity for each of something that has one: mg/mmol and mg/g of creatinine.
  kHbA1c,        ///< IFCC's mmol/mol and NGSP's %.
  kMassOnly      ///< A mixture, or too large to have one molar mass: nothing but its name.
};

struct Analyte {
  std::string_view name;  ///< As a plan or source file says it.
  std::string_view words;
  std::string_view formula;  ///< What the molar mass is that of; "" if there is none, or a source.
  ExactFactor molar_mass;    ///< g/mol
  int valence = 0;           ///< 0: not measured in equivalents.
  /// Analytes of one substance become one another by their amounts, as urea and urea nitrogen do.
  std::string_view substance;
  AnalyteKind kind = AnalyteKind::kSubstance;
};

std::span<const Analyte> Analytes();

/// Fails with the nearest name, or all of them.
Result<const Analyte*> FindAnalyte(std::string_view name);

/// NGSP in % = kHbA1cSlope / 1e5 * IFCC in mmol/mol + kHbA1cIntercept: the master equation
/// (Hoelzel et al., Clin Chem 2004;50:166-174).
inline constexpr std::uint64_t kHbA1cSlope = 9148;
inline constexpr double kHbA1cIntercept = 2.152;

}  // namespace consilium
