#include "common/written_number.h"

#include <charconv>
#include <cmath>
#include <cstdint>

namespace consilium {
namespace {

/// Whole numbers beyond this are no longer told apart by a double.
constexpr double kLargestWhole = 9007199254740992.0;

template <class Number>
std::string_view Write(Number number, NumberDigits& digits) {
  char* const begin = digits.data();
  char* const end = begin + digits.size();
  const bool whole = number == std::nearbyint(number) && std::abs(number) < kLargestWhole;
  const char* const written = whole
                                  ? std::to_chars(begin, end, static_cast<std::int64_t>(number)).ptr
                                  : std::to_chars(begin, end, number).ptr;
  return {begin, static_cast<std::size_t>(written - begin)};
}

}  // namespace

std::string_view WriteNumber(double number, NumberDigits& digits) { return Write(number, digits); }

std::string_view WriteNumber(float number, NumberDigits& digits) { return Write(number, digits); }

std::string WrittenNumber(double number, char decimal) {
  NumberDigits digits{};
  std::string written(WriteNumber(number, digits));
  if (const std::size_t point = written.find('.'); point != std::string::npos) {
    written[point] = decimal;
  }
  return written;
}

}  // namespace consilium
