#pragma once

// A federated run that notes what each round moved and found.

#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "simulations/plain_federation.h"

namespace consilium {

struct RoundRecord {
  std::uint32_t round = 0;  ///< From 1.
  std::uint32_t sites = 0;
  std::uint64_t query_bytes = 0;  ///< To each site.
  std::uint64_t answer_bytes =
      0;  ///< From each site: the masked words, without the protocol's own.
  /// The sums that are single numbers, by the names of their slices: "rows", "deviance".
  std::vector<std::pair<std::string, double>> sums;
};

struct RecordedRun {
  PlainRun run;
  std::vector<RoundRecord> rounds;
};

/// `sites` are this rank's, see PlainFederation.
Result<RecordedRun> RunRecorded(const Analysis& analysis,
                                std::span<const CohortView> sites,
                                PlainOptions options = {});

}  // namespace consilium
