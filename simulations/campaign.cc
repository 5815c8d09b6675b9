#include "simulations/campaign.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace consilium {
namespace {

/// Runs one combination's seeds; the table is read once for all.
class Runner {
 public:
  Runner(Campaign& campaign, unsigned threads, const CampaignOptions& options)
      : campaign_(campaign), threads_(threads), options_(options) {
    for (const Experiment& experiment : campaign.experiments) {
      progress_.trials += experiment.repetitions;
    }
  }

  /// The first run's error if none has a result.
  Status RunAll() {
    for (std::size_t i = 0; i < campaign_.experiments.size() && may_start_; ++i) {
      RunCombination(i);
    }
    progress_.next.clear();
    Tell();
    TRY_STATUS(may_start_);
    if (is_shown_) return {};
    return tl::unexpected<Error>(*campaign_.trials.front().error);
  }

 private:
  void RunCombination(std::size_t combination) {
    const Experiment& experiment = campaign_.experiments[combination];
    progress_.next = "reading the data";
    Tell();
    Result<LoadedTable> table = experiment.generator ? LoadedTable{} : LoadTable(experiment);
    if (table && options_.on_table) options_.on_table(experiment, *table);
    for (std::uint64_t i = 0; i < experiment.repetitions && may_start_; ++i) {
      Trial trial;
      trial.combination = combination;
      trial.seed = campaign_.seed + i;
      if (Status done = RunTrial(experiment, table, trial); !done) {
        trial.error = std::move(done).error();
      }
      campaign_.trials.push_back(std::move(trial));
      ++progress_.trials_done;
      progress_.trial_fraction = 0;
    }
  }

  Status RunTrial(const Experiment& experiment, const Result<LoadedTable>& table, Trial& trial) {
    Result<VirtualFederation> made =
        table ? MakeFederation(experiment, *table, trial.seed, threads_)
              : Result<VirtualFederation>(tl::make_unexpected(table.error()));
    TRY_STATUS(Agreed(made ? Status() : Status(tl::make_unexpected(made.error()))));
    VirtualFederation federation = *std::move(made);
    if (!has_started_ && options_.before_first) may_start_ = Agreed(options_.before_first());
    has_started_ = true;
    TRY_STATUS(may_start_);
    Result<Comparison> compared =
        Compare(experiment.plan, federation, OptionsOf(experiment, trial.seed));
    if (!compared) return FailIn(experiment.file.string(), std::move(compared).error());
    Comparison comparison = *std::move(compared);
    trial.sites = comparison.federated.result.sites;
    trial.patients = comparison.federated.result.patients;
    trial.rounds_used = comparison.federated.rounds;
    trial.trouble = TroubleOf(Attempt{comparison.federated, {}});
    trial.federated = CoefficientsOf(comparison.federated);
    trial.pooled = CoefficientsOf(comparison.pooled);
    for (const SiteAttempt& alone : comparison.alone) {
      trial.alone.push_back(CoefficientsOf(alone.attempt));
    }
    trial.largest_difference = comparison.largest_difference;
    trial.rounds = comparison.rounds;
    if (!is_shown_) {
      is_shown_ = true;
      campaign_.shown = {campaign_.trials.size(), std::move(federation), std::move(comparison)};
    }
    return {};
  }

  CompareOptions OptionsOf(const Experiment& experiment, std::uint64_t seed) {
    CompareOptions compare;
    compare.noise_seed = seed;
    compare.threads = threads_;
    compare.ranks = options_.ranks;
    compare.watcher = [this](std::size_t done, std::size_t total, const std::string& next) {
      if (done == total) return;
      progress_.trial_fraction = static_cast<double>(done) / static_cast<double>(total);
      progress_.next = next;
      Tell();
    };
    compare.on_round = [this](std::uint32_t) {
      ++progress_.rounds;
      Tell();
    };
    if (options_.federate) {
      compare.federate = [this, &experiment, seed](const VirtualFederation& federation,
                                                   const RoundWatcher& on_round) {
        return options_.federate(experiment, federation, seed, on_round);
      };
    }
    return compare;
  }

  Status Agreed(Status status) const {
    return options_.ranks == nullptr ? status : AgreeOn(*options_.ranks, std::move(status));
  }

  void Tell() {
    if (options_.watcher) options_.watcher(progress_);
  }

  Campaign& campaign_;
  unsigned threads_;
  const CampaignOptions& options_;
  CampaignProgress progress_;
  Status may_start_;
  bool has_started_ = false;
  bool is_shown_ = false;
};

std::vector<const std::vector<Coefficient>*> FitsOf(
    const Campaign& campaign,
    std::size_t combination,
    const std::function<void(const Trial&, std::vector<const std::vector<Coefficient>*>&)>& add) {
  std::vector<const std::vector<Coefficient>*> fits;
  for (const Trial& trial : campaign.trials) {
    if (trial.combination == combination && !trial.error) add(trial, fits);
  }
  return fits;
}

/// Of one coefficient of the fits that have any.
Spread SpreadOfOne(const std::vector<const std::vector<Coefficient>*>& fits,
                   std::size_t index,
                   std::optional<double> truth) {
  Spread spread;
  spread.name = (*fits.front())[index].name;
  spread.runs = fits.size();
  spread.truth = truth;
  spread.smallest = spread.largest = (*fits.front())[index].estimate;
  const auto count = static_cast<double>(fits.size());
  double with_error = 0;
  for (const std::vector<Coefficient>* fit : fits) {
    const Coefficient& line = (*fit)[index];
    spread.mean += line.estimate / count;
    if (!std::isnan(line.std_error)) {
      spread.mean_std_error += line.std_error;
      ++with_error;
    }
    spread.smallest = std::min(spread.smallest, line.estimate);
    spread.largest = std::max(spread.largest, line.estimate);
    if (!truth) continue;
    spread.root_mean_square_error += (line.estimate - *truth) * (line.estimate - *truth) / count;
    if (line.low <= *truth && *truth <= line.high) spread.coverage += 1;
  }
  // NaN where every fit is exact.
  spread.mean_std_error /= with_error;
  spread.coverage /= with_error;
  spread.root_mean_square_error = std::sqrt(spread.root_mean_square_error);
  if (fits.size() > 1) {
    double squares = 0;
    for (const std::vector<Coefficient>* fit : fits) {
      const double from_mean = (*fit)[index].estimate - spread.mean;
      squares += from_mean * from_mean;
    }
    spread.deviation = std::sqrt(squares / (count - 1));
  }
  return spread;
}

}  // namespace

Result<Campaign> RunCampaign(std::vector<Experiment> experiments,
                             std::uint64_t seed,
                             unsigned threads,
                             CampaignOptions options) {
  Campaign campaign;
  campaign.experiments = std::move(experiments);
  campaign.seed = seed;
  TRY_STATUS(Runner(campaign, threads, options).RunAll());
  return campaign;
}

std::vector<Spread> SpreadOf(const std::vector<const std::vector<Coefficient>*>& fits,
                             const std::optional<Generator>& generator) {
  std::vector<const std::vector<Coefficient>*> solved;
  for (const std::vector<Coefficient>* fit : fits) {
    if (!fit->empty()) solved.push_back(fit);
  }
  std::vector<Spread> spreads;
  if (solved.empty()) return spreads;
  for (std::size_t j = 0; j < solved.front()->size(); ++j) {
    std::optional<double> truth;
    if (generator) truth = generator->truth.Of((*solved.front())[j].name);
    spreads.push_back(SpreadOfOne(solved, j, truth));
  }
  return spreads;
}

std::vector<const std::vector<Coefficient>*> FederatedFits(const Campaign& campaign,
                                                           std::size_t combination) {
  return FitsOf(campaign, combination,
                [](const Trial& trial, std::vector<const std::vector<Coefficient>*>& fits) {
                  fits.push_back(&trial.federated);
                });
}

std::vector<const std::vector<Coefficient>*> AloneFits(const Campaign& campaign,
                                                       std::size_t combination) {
  return FitsOf(campaign, combination,
                [](const Trial& trial, std::vector<const std::vector<Coefficient>*>& fits) {
                  for (const std::vector<Coefficient>& alone : trial.alone) fits.push_back(&alone);
                });
}

std::string CombinationName(const Experiment& experiment) {
  std::string name;
  for (const SweptValue& swept : experiment.swept) {
    name += (name.empty() ? "" : ", ") + swept.key + " = " + swept.value;
  }
  return name.empty() ? "as written" : name;
}

std::string ShortName(const Experiment& experiment) {
  std::string name;
  for (const SweptValue& swept : experiment.swept) {
    name +=
        (name.empty() ? "" : ", ") + swept.key.substr(swept.key.rfind('.') + 1) + " " + swept.value;
  }
  std::erase(name, '"');
  return name.empty() ? "federated" : name;
}

}  // namespace consilium
