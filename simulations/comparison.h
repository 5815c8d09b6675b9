#pragma once

// The point of an experiment: what the federation finds, beside what one would find with all data
// in one place and what each hospital finds alone.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "common/result.h"
#include "simulations/experiment.h"
#include "simulations/plain_federation.h"

namespace consilium {

/// A run, or why there is none.
struct Attempt {
  std::optional<PlainRun> run;
  std::optional<Error> error;
};

struct SiteAttempt {
  std::string site;
  Attempt attempt;
};

struct Comparison {
  PlainRun federated;
  Attempt pooled;
  std::vector<SiteAttempt> alone;  ///< The sites that took part, in the federation's order.
  /// Largest |federated - pooled| / |pooled| over estimates and standard errors; empty when one of
  /// the two has no solution.
  std::optional<double> largest_difference;
};

/// Told before each run with the runs done so far, their number in all, and what comes next; at the
/// end, successful or not, that all are done.
using ComparisonWatcher =
    std::function<void(std::size_t done, std::size_t total, const std::string& next)>;

/// Fails only when the federated run does. Ranks share that run; all but the first return without
/// the others.
Result<Comparison> Compare(const Plan& plan,
                           const VirtualFederation& federation,
                           unsigned threads,
                           const ComparisonWatcher& watcher = {},
                           Ranks* ranks = nullptr);

}  // namespace consilium
