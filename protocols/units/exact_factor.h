#pragma once

// A positive rational number that units are multiplied by: a prefix, an inch, a molar mass. Kept
// exact, so that mg/dL is 0.01 g/L and not a double beside it.

#include <cstdint>
#include <optional>

namespace consilium {

/// up / down * 10^exponent, in lowest terms.
struct ExactFactor {
  std::uint64_t up = 1;
  std::uint64_t down = 1;
  int exponent = 0;

  double AsDouble() const;
};

/// Nothing where 64 bits are too few; the exponent stays within +-100.
std::optional<ExactFactor> Product(const ExactFactor& a, const ExactFactor& b);
std::optional<ExactFactor> Quotient(const ExactFactor& a, const ExactFactor& b);

/// What doubles are multiplied by and divided by for this factor: whole numbers, exact where they
/// have no more than 53 bits.
struct DoubleFactor {
  double multiply = 1;
  double divide = 1;
};
DoubleFactor InDoubles(const ExactFactor& factor);

}  // namespace consilium
