#pragma once

#include <string>

namespace consilium {

/// A number as printf's form has it: "%.4g" and the like, in at most 63 characters.
std::string NumberText(double value, const char* form = "%.4g");

}  // namespace consilium
