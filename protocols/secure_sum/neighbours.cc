#include "protocols/secure_sum/neighbours.h"

#include <algorithm>
#include <utility>

#include "common/check.h"

namespace consilium {

std::vector<SiteId> ChooseNeighbours(const RoundStart& start, SiteId self, RandomSource& random) {
  std::vector<SiteId> others;
  others.reserve(start.participants.size());
  for (const Participant& participant : start.participants) {
    if (participant.site != self) others.push_back(participant.site);
  }
  const std::size_t wanted = start.thresholds.neighbours;
  CHECK(wanted <= others.size());
  if (wanted == others.size()) return others;
  // The beginning of a random order of all (Fisher and Yates).
  for (std::size_t i = 0; i < wanted; ++i) {
    std::swap(others[i], others[i + random.Below(others.size() - i)]);
  }
  others.resize(wanted);
  std::sort(others.begin(), others.end());
  return others;
}

}  // namespace consilium
