#pragma once

// A shared secret from shares, as whoever holds them could compute it.

#include <vector>

#include "protocols/secure_sum/secret_sharing.h"

namespace consilium {

/// f(0) from all given shares; errors as WeightsAtZero.
inline Result<Scalar> CombineShares(const std::vector<ShamirShare>& shares) {
  std::vector<std::uint32_t> points;
  std::vector<Scalar> values;
  for (const ShamirShare& share : shares) {
    points.push_back(share.point);
    values.push_back(share.value.Clone());
  }
  TRY(const std::vector<Scalar> weights, WeightsAtZero(points));
  return Combine(weights, values);
}

}  // namespace consilium
