#include "simulations/comparison.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include <nlohmann/json.hpp>

namespace consilium {
namespace {

using Json = nlohmann::json;

Attempt AttemptOf(Result<PlainRun> run) {
  Attempt attempt;
  if (run) {
    attempt.run = *std::move(run);
  } else {
    attempt.error = std::move(run).error();
  }
  return attempt;
}

std::optional<double> LargestDifference(const PlainRun& federated, const Attempt& pooled) {
  if (!pooled.run || !federated.result.converged || !pooled.run->result.converged) return {};
  const Json ours = Json::parse(federated.result.json)["coefficients"];
  const Json theirs = Json::parse(pooled.run->result.json)["coefficients"];
  double largest = 0;
  for (std::size_t j = 0; j < ours.size(); ++j) {
    for (const char* field : {"estimate", "std_error"}) {
      const double expected = theirs[j][field].get<double>();
      const double difference = std::abs(ours[j][field].get<double>() - expected);
      if (difference > 0) largest = std::max(largest, difference / std::abs(expected));
    }
  }
  return largest;
}

Result<PlainRun> RunFederated(const Plan& plan,
                              const std::vector<const Cohort*>& participants,
                              unsigned threads,
                              Ranks* ranks) {
  const std::vector<CohortView> views = ViewsOf(participants);
  std::span<const CohortView> own = views;
  if (ranks != nullptr) own = ShardOf(own, *ranks);
  return RunPlain(*plan.analysis, own, PlainOptions{threads, ranks, {}});
}

}  // namespace

Result<Comparison> Compare(const Plan& plan,
                           const VirtualFederation& federation,
                           unsigned threads,
                           const ComparisonWatcher& watcher,
                           Ranks* ranks) {
  const std::vector<const Cohort*> participants = federation.Participants();
  const std::size_t total = 2 + participants.size();
  std::size_t done = 0;
  const auto next = [&](const std::string& name) {
    if (watcher) watcher(done, total, name);
    ++done;
  };
  const auto finish = [&] {
    if (watcher) watcher(total, total, "");
  };
  Comparison comparison;
  next("all sites together");
  Result<PlainRun> federated = RunFederated(plan, participants, threads, ranks);
  if (!federated) {
    finish();
    return tl::unexpected<Error>(std::move(federated).error());
  }
  comparison.federated = *std::move(federated);
  if (ranks != nullptr && !ranks->first()) {
    finish();
    return comparison;
  }
  next("pooled data");
  comparison.pooled = AttemptOf(RunPlain(*plan.analysis, {&federation.pooled}));
  for (const VirtualSite& site : federation.sites) {
    if (!site.refusal.empty()) continue;
    next(site.name + " alone");
    comparison.alone.push_back({site.name, AttemptOf(RunPlain(*plan.analysis, {&site.cohort}))});
  }
  comparison.largest_difference = LargestDifference(comparison.federated, comparison.pooled);
  finish();
  return comparison;
}

}  // namespace consilium
