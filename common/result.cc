#include "common/result.h"

namespace consilium {

std::string Describe(const Error& error) {
  if (error.remedy.empty()) return error.message;
  const bool ends = error.message.ends_with('.');
  return error.message + (ends ? " " : ". ") + error.remedy;
}

}  // namespace consilium
