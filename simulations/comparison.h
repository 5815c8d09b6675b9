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
#include "simulations/recorded_run.h"

namespace consilium {

/// A run, or why there is none.
struct Attempt {
  std::optional<PlainRun> run;
  std::optional<Error> error;
};

/// Above so many hospitals no single one is fitted alone or listed: the federated and the pooled
/// fit are all that is looked at; of a training, whose rows would be held twice, the federated.
inline constexpr std::size_t kMostSingleSites = 10'000;

inline bool ShowsSingleSites(const VirtualFederation& federation) {
  return federation.sites().size() <= kMostSingleSites;
}

struct SiteAttempt {
  std::string site;
  Attempt attempt;
};

struct Comparison {
  PlainRun federated;
  std::vector<RoundRecord> rounds;  ///< Of the federated run.
  std::optional<ProtocolUse> protocol;
  Attempt pooled;  ///< All rows in one place, as one site's.
  /// The sites that took part, in the federation's order; none where single sites are not shown.
  std::vector<SiteAttempt> alone;
  /// Largest difference between federated and pooled, relative to the larger of the two, over
  /// estimates and standard errors; empty when one of them has no solution, or the analysis keeps
  /// sites apart: the pooled one is another model.
  std::optional<double> largest_difference;
};

/// Told before each run with the runs done so far, their number in all, and what comes next; at the
/// end, successful or not, that all are done.
using ComparisonWatcher =
    std::function<void(std::size_t done, std::size_t total, const std::string& next)>;

using RoundWatcher = std::function<void(std::uint32_t)>;

struct CompareOptions {
  unsigned threads = 1;
  ComparisonWatcher watcher = {};
  RoundWatcher on_round = {};    ///< Called after each round of any run.
  std::uint64_t noise_seed = 1;  ///< Of the virtual sites' noise.
  Ranks* ranks = nullptr;  ///< Share the federated run; all but the first return without others.
  /// Makes the federated run of the sites that take part in place of plain sums.
  std::function<Result<RecordedRun>(const VirtualFederation&, const RoundWatcher&)> federate = {};
};

/// Fails only when the federated run does.
Result<Comparison> Compare(const Plan& plan,
                           const VirtualFederation& federation,
                           const CompareOptions& options = {});

/// A coefficient of a result, or a measure of an evaluation, with the limits of its interval. All
/// but the estimate are NaN where a linear fit is exact.
struct Coefficient {
  std::string name;
  double estimate = 0;
  double std_error = 0;
  double low = 0;
  double high = 0;
  double p_value = 0;
};

/// Empty for a run without a solution, or an evaluation that lacks a measure.
std::vector<Coefficient> CoefficientsOf(const PlainRun& run);
std::vector<Coefficient> CoefficientsOf(const Attempt& attempt);

/// A sentence on the pooled fit where it is another model than the federated one; empty otherwise.
std::string PooledInWords(const Analysis& analysis);

/// Why an attempt has no coefficients, or no standard errors; empty if it has both.
std::string TroubleOf(const Attempt& attempt);

}  // namespace consilium
