#pragma once

// All runs of an experiment: each combination of its sweep with each of its seeds, one after the
// other, and what they say together.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "simulations/comparison.h"
#include "simulations/experiment.h"

namespace consilium {

/// What is kept of one run.
struct Trial {
  std::size_t combination = 0;  ///< Index into the campaign's experiments.
  std::uint64_t seed = 0;
  std::optional<Error> error;  ///< Why there is no federated result; nothing below then counts.
  std::uint32_t sites = 0;
  std::uint64_t patients = 0;
  std::uint32_t rounds_used = 0;
  std::string trouble;                 ///< Why the federated run has no solution; empty if it has.
  std::vector<Coefficient> federated;  ///< Empty without a solution, as those that follow.
  std::vector<Coefficient> pooled;
  std::vector<std::vector<Coefficient>> alone;  ///< One entry a site that took part.
  std::optional<double> largest_difference;
  std::vector<RoundRecord> rounds;
};

/// The run that is shown in full: the first with a result.
struct ShownRun {
  std::size_t trial = 0;
  VirtualFederation federation;
  Comparison comparison;
};

struct Campaign {
  std::vector<Experiment> experiments;  ///< One a combination of the sweep.
  std::uint64_t seed = 1;               ///< The first.
  std::vector<Trial> trials;            ///< Combination by combination, seed by seed.
  ShownRun shown;

  const Experiment& ShownExperiment() const { return experiments[trials[shown.trial].combination]; }
};

/// How far a campaign has come.
struct CampaignProgress {
  std::size_t trials_done = 0;
  std::size_t trials = 0;
  double trial_fraction = 0;  ///< Of the present trial.
  std::uint64_t rounds = 0;   ///< So far, of all runs.
  std::string next;           ///< What is being computed; empty at the end.
};
using CampaignWatcher = std::function<void(const CampaignProgress&)>;

struct CampaignOptions {
  CampaignWatcher watcher = {};
  /// Called once a combination has its table, before anything is computed on it.
  std::function<void(const Experiment&, const LoadedTable&)> on_table = {};
  /// Called once there are data to compute on; its error ends the campaign.
  std::function<Status()> before_first = {};
  Ranks* ranks = nullptr;  ///< Those that make the same call; all but the first get no comparison.
  /// Makes the federated runs in place of plain sums, with this seed.
  std::function<Result<RecordedRun>(
      const Experiment&, const VirtualFederation&, std::uint64_t seed, const RoundWatcher&)>
      federate = {};
};

/// Seeds run from `seed` on and wrap at 2^64. Fails with the first run's error when none has a
/// result; otherwise a failed run is a trial with an error.
Result<Campaign> RunCampaign(std::vector<Experiment> experiments,
                             std::uint64_t seed,
                             unsigned threads,
                             CampaignOptions options = {});

/// One coefficient over the seeds of one combination.
struct Spread {
  std::string name;
  std::size_t runs = 0;  ///< With an estimate.
  double mean = 0;
  double deviation = 0;       ///< Between runs; 0 for one run.
  double mean_std_error = 0;  ///< What the runs themselves say it is; NaN if all are exact.
  double smallest = 0;
  double largest = 0;
  std::optional<double> truth;  ///< Where a generator drew the data; so for the next two.
  double root_mean_square_error = 0;
  double coverage = 0;  ///< Share of intervals that hold the truth; NaN if there are none.
};

/// Over these fits, each with its coefficients in one order; those without any are passed over.
std::vector<Spread> SpreadOf(const std::vector<const std::vector<Coefficient>*>& fits,
                             const std::optional<Generator>& generator);

/// The fits of one combination's runs: federated, and each site alone.
std::vector<const std::vector<Coefficient>*> FederatedFits(const Campaign& campaign,
                                                           std::size_t combination);
std::vector<const std::vector<Coefficient>*> AloneFits(const Campaign& campaign,
                                                       std::size_t combination);

/// "analysis.ridge = 0.5, partition.alpha = 1"; "as written" without a sweep.
std::string CombinationName(const Experiment& experiment);
/// The same without the names of tables, which a plot has no room for; "federated" without a sweep.
std::string ShortName(const Experiment& experiment);

/// Combinations that plots have; tables have all.
inline constexpr std::size_t kMostPlotted = 12;

}  // namespace consilium
