#pragma once

// An experiment's federated run by the production machines: the coordinator's and the sites' cores
// on a virtual network, under the eyes of the witness that watches storms. Its result is the
// coordinator's own.

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "common/result.h"
#include "protocols/cohort.h"
#include "protocols/plan.h"
#include "simulations/network_model.h"
#include "simulations/recorded_run.h"

namespace consilium {

struct ProtocolOptions {
  NetworkModel network;
  FaultRates faults;
  std::uint64_t seed = 1;  ///< Of keys, masks, jitter and faults; no sum depends on it.
  /// Of the sites; "site-0", "site-1", ... where none are given or one cannot name a site.
  std::vector<std::string> names = {};
  std::function<void(std::uint32_t)> watcher = {};  ///< Called after each round with its number.
};

/// Every site's policy is the plan itself. kRefused when the study does not end, with what it waits
/// for; kCorrupt when the witness sees what must never happen; all other errors are the analysis's
/// own.
Result<RecordedRun> RunOverProtocol(const Plan& plan,
                                    std::span<const CohortView> cohorts,
                                    const ProtocolOptions& options);

}  // namespace consilium
