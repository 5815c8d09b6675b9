#pragma once

#include <cstdint>
#include <string>

#include "common/time.h"

namespace consilium {

/// A number as printf's form has it: "%.4g" and the like, in at most 63 characters; "-" for NaN.
std::string NumberText(double value, const char* form = "%.4g");

/// "34 %" of a share of 0.341, or with this form of the percentage "34.1 %".
std::string PercentText(double share, const char* form = "%.0f");

/// "812 B", "3.41 KiB", "12.9 MiB", "1.05 GiB".
std::string BytesText(std::uint64_t bytes);

inline double SecondsOf(Duration duration) { return static_cast<double>(duration.count()) / 1'000; }

}  // namespace consilium
