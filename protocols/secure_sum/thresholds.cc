#include "protocols/secure_sum/thresholds.h"

#include <algorithm>
#include <string>

namespace consilium {

Result<Thresholds> ThresholdsFor(std::uint32_t sites, std::uint32_t minimum) {
  if (sites < 3) {
    return Fail(ErrorCode::kRefused,
                "a secure sum needs at least 3 sites, not " + std::to_string(sites),
                "With two, each learns the other's answer by subtracting its own.");
  }
  if (sites > kMaxSites) {
    return Fail(ErrorCode::kRefused, "a secure sum over " + std::to_string(sites) +
                                         " sites is more than the " + std::to_string(kMaxSites) +
                                         " this version supports");
  }
  Thresholds thresholds;
  thresholds.sites = sites;
  thresholds.neighbours = sites - 1;
  thresholds.colluding = std::max<std::uint32_t>(1, (sites - 1) / 3);
  thresholds.shares = std::max(
      {std::uint32_t{3}, thresholds.colluding + 2, (sites + thresholds.colluding) / 2 + 1});
  thresholds.quorum = thresholds.shares;
  thresholds.minimum = minimum;
  return thresholds;
}

std::uint32_t FewestSites(const Thresholds& thresholds) {
  return std::max(thresholds.shares, thresholds.minimum);
}

}  // namespace consilium
