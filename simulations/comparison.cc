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
  const std::vector<Coefficient> ours = CoefficientsOf(federated);
  const std::vector<Coefficient> theirs = CoefficientsOf(pooled);
  if (ours.empty() || theirs.empty()) return {};
  double largest = 0;
  const auto compare = [&largest](double found, double expected) {
    const double difference = std::abs(found - expected);
    if (difference > 0) largest = std::max(largest, difference / std::abs(expected));
  };
  for (std::size_t j = 0; j < ours.size(); ++j) {
    compare(ours[j].estimate, theirs[j].estimate);
    compare(ours[j].std_error, theirs[j].std_error);
  }
  return largest;
}

Result<RecordedRun> Federated(const Plan& plan,
                              const VirtualFederation& federation,
                              const CompareOptions& options) {
  if (options.federate) return options.federate(federation, options.on_round);
  std::span<const CohortView> own = federation.Participants();
  if (options.ranks != nullptr) own = ShardOf(own, *options.ranks);
  return RunRecorded(*plan.analysis, own, {options.threads, options.ranks, options.on_round});
}

}  // namespace

Result<Comparison> Compare(const Plan& plan,
                           const VirtualFederation& federation,
                           const CompareOptions& options) {
  const std::size_t total =
      2 + (ShowsSingleSites(federation) ? federation.Participants().size() : 0);
  std::size_t done = 0;
  const auto next = [&](const std::string& name) {
    if (options.watcher) options.watcher(done, total, name);
    ++done;
  };
  const auto finish = [&] {
    if (options.watcher) options.watcher(total, total, "");
  };
  const auto one = [&](const CohortView& cohort) {
    return AttemptOf(RunPlain(*plan.analysis, {&cohort, 1}, {1, nullptr, options.on_round}));
  };
  Comparison comparison;
  next("all sites together");
  Result<RecordedRun> federated = Federated(plan, federation, options);
  if (!federated) {
    finish();
    return tl::unexpected<Error>(std::move(federated).error());
  }
  comparison.federated = std::move(federated->run);
  comparison.rounds = std::move(federated->rounds);
  comparison.protocol = std::move(federated->protocol);
  if (options.ranks != nullptr && !options.ranks->first()) {
    finish();
    return comparison;
  }
  next("pooled data");
  comparison.pooled = one(federation.Pooled());
  for (std::size_t i = 0; i < federation.sites().size() && ShowsSingleSites(federation); ++i) {
    const VirtualSite& site = federation.sites()[i];
    if (!site.refusal.empty()) continue;
    next(site.name + " alone");
    comparison.alone.push_back({site.name, one(federation.cohort(i))});
  }
  comparison.largest_difference = LargestDifference(comparison.federated, comparison.pooled);
  finish();
  return comparison;
}

std::vector<Coefficient> CoefficientsOf(const PlainRun& run) {
  std::vector<Coefficient> coefficients;
  if (!run.result.converged) return coefficients;
  const Json result = Json::parse(run.result.json);
  if (!result.contains("coefficients")) return coefficients;
  for (const Json& line : result["coefficients"]) {
    coefficients.push_back({line["name"].get<std::string>(), line["estimate"].get<double>(),
                            line["std_error"].get<double>(), line["conf_low"].get<double>(),
                            line["conf_high"].get<double>(), line["p_value"].get<double>()});
  }
  return coefficients;
}

std::vector<Coefficient> CoefficientsOf(const Attempt& attempt) {
  return attempt.run ? CoefficientsOf(*attempt.run) : std::vector<Coefficient>();
}

std::string TroubleOf(const Attempt& attempt) {
  if (attempt.error) return Describe(*attempt.error);
  if (attempt.run->result.converged) return {};
  const Json json = Json::parse(attempt.run->result.json);
  if (json.contains("separation")) return json["separation"]["message"].get<std::string>();
  return json.value("message", "no solution was found");
}

}  // namespace consilium
