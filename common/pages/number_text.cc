#include "common/pages/number_text.h"

#include <cmath>
#include <cstdio>
#include <string_view>

namespace consilium {

std::string NumberText(double value, const char* form) {
  char text[64] = "-";
  if (!std::isnan(value)) std::snprintf(text, sizeof text, form, value);
  return text;
}

std::string PercentText(double share, const char* form) {
  return NumberText(100 * share, form) + " %";
}

std::string BytesText(std::uint64_t bytes) {
  if (bytes < 1'024) return std::to_string(bytes) + " B";
  double value = static_cast<double>(bytes);
  std::string_view unit;
  for (const std::string_view next : {"KiB", "MiB", "GiB", "TiB"}) {
    if (value < 1'024) break;
    value /= 1'024;
    unit = next;
  }
  return NumberText(value, "%.3g") + " " + std::string(unit);
}

}  // namespace consilium
