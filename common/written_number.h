#pragma once

// Numbers as texts that are read back as the same number.

#include <array>
#include <string>
#include <string_view>

namespace consilium {

/// Room for any double or float.
using NumberDigits = std::array<char, 32>;

/// The fewest digits that are read back as the same number. Whole numbers below 2^53 have no
/// exponent: of two texts std::to_chars takes the shorter, 1e+05 for 100000, and no patient, ward
/// or code is called that. The text lies in `digits`.
std::string_view WriteNumber(double number, NumberDigits& digits);
/// The same with the fewer digits that tell floats apart.
std::string_view WriteNumber(float number, NumberDigits& digits);

/// The same as a text of its own, with this decimal mark.
std::string WrittenNumber(double number, char decimal = '.');

}  // namespace consilium
