#include "protocols/privacy/exact_sums.h"

#include <cmath>

#include "common/check.h"

namespace consilium {

ExactSums::ExactSums(double largest, std::uint64_t rows) {
  CHECK(std::isfinite(largest) && largest > 0 && rows > 0);
  int magnitude = 0;  // largest <= 2^magnitude,
  std::frexp(largest, &magnitude);
  int doublings = 0;  // rows <= 2^doublings: partial sums are below 2^53 steps.
  std::frexp(static_cast<double>(rows), &doublings);
  step_ = std::ldexp(1.0, magnitude + doublings - 53);
}

double ExactSums::Part(double number) const { return std::trunc(number / step_) * step_; }

}  // namespace consilium
