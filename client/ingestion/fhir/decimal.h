#pragma once

// Decimal numbers as FHIR has them: 0.1 + 0.2 is 0.3, and how many digits were written is kept,
// since it says how exact a measurement is.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace consilium {

class Decimal {
 public:
  /// A number as JSON writes it. Empty where it is no number or needs more than 18 digits, leading
  /// zeros not counted, to be held exactly.
  static std::optional<Decimal> Parse(std::string_view text);
  explicit Decimal(std::int64_t whole) : coefficient_(whole) {}

  // Each is empty when the result needs more than 18 digits.
  std::optional<Decimal> Plus(const Decimal& other) const;
  std::optional<Decimal> Minus(const Decimal& other) const;
  std::optional<Decimal> Times(const Decimal& other) const;
  /// Rounded to 18 digits, half away from zero. Empty when `other` is zero, too.
  std::optional<Decimal> Over(const Decimal& other) const;
  Decimal Negated() const;

  /// Half a unit of the last digit that was written, down or up: 1.0 is from 0.95 to 1.05.
  std::optional<Decimal> LowBoundary() const;
  std::optional<Decimal> HighBoundary() const;

  /// -1, 0 or 1. Trailing zeros do not matter.
  int Compare(const Decimal& other) const;
  /// The number if it is a whole one.
  std::optional<std::int64_t> Whole() const;
  /// Without an exponent, with the digits that it has.
  std::string ToText() const;

 private:
  Decimal(std::int64_t coefficient, int scale) : coefficient_(coefficient), scale_(scale) {}
  std::optional<Decimal> Boundary(int direction) const;

  std::int64_t coefficient_ = 0;  // Less than 10^18 either way.
  int scale_ = 0;                 // value = coefficient / 10^scale; from 0 to 18.
};

}  // namespace consilium
