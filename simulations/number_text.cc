#include "simulations/number_text.h"

#include <cstdio>

namespace consilium {

std::string NumberText(double value, const char* form) {
  char text[64];
  std::snprintf(text, sizeof text, form, value);
  return text;
}

}  // namespace consilium
