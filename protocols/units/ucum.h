#pragma once

// Units of measurement in a subset of UCUM, the Unified Code for Units of Measure (Schadow and
// McDonald, version 2.1, case sensitive): the units of laboratories and wards with their prefixes,
// '/', '.', exponents, parentheses and annotations. docs/units.md lists them.

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.h"
#include "protocols/units/exact_factor.h"

namespace consilium {

/// What units are made of. UCUM counts a mole as a number and an equivalent as a mole; here they
/// have dimensions of their own, so that 10*9/L never becomes mmol/L and meq/L becomes mmol/L only
/// by a valence.
enum class BaseUnit : std::size_t {
  kMetre,
  kGram,
  kSecond,
  kKelvin,
  kAmpere,
  kMole,
  kEquivalent,
  kOsmole,
  kInternationalUnit,
  kRadian,
  kBecquerel,
  kSievert
};
inline constexpr std::size_t kBaseUnits = 12;
using Dimension = std::array<int, kBaseUnits>;

/// Scales whose zero is not that of the kelvin.
enum class UnitScale { kProportional, kCelsius, kFahrenheit };

struct Unit {
  std::string text;    ///< As written.
  ExactFactor factor;  ///< In base units.
  Dimension dimension{};
  /// One bit a base unit that stands above and below the line at once, as grams do in mg/g: what a
  /// number without a dimension is a share of.
  std::uint32_t shared = 0;
  UnitScale scale = UnitScale::kProportional;
  std::string annotation;  ///< Without braces; several one behind the other.

  bool IsNumber() const { return dimension == Dimension{}; }
  int Power(BaseUnit base) const { return dimension[static_cast<std::size_t>(base)]; }
  bool Shares(BaseUnit base) const { return (shared >> static_cast<std::size_t>(base) & 1U) != 0; }
};

/// Fails, with the nearest unit as a remedy, on everything that is not certainly one of the
/// subset.
Result<Unit> ParseUnit(std::string_view text);

/// "amount concentration", "pressure"; or base units with their powers, "m2.s-1".
std::string DimensionInWords(const Unit& unit);

/// A symbol with what it stands for.
struct UnitAtom {
  std::string_view symbol;
  ExactFactor factor;
  Dimension dimension;
  bool metric;  ///< Takes prefixes.
  UnitScale scale;
  std::string_view source;  ///< Where the factor is from.
};

/// All symbols of the subset.
const std::vector<UnitAtom>& UnitAtoms();

struct UnitPrefix {
  std::string_view symbol;
  int exponent;
};
const std::vector<UnitPrefix>& UnitPrefixes();

/// The unit that people mean who write "mmHg" or "years"; "" if it is none of the usual ones.
std::string_view UsualSpelling(std::string_view text);

}  // namespace consilium
