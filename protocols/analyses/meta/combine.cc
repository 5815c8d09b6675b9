#include "protocols/analyses/meta/combine.h"

#include <utility>

#include "protocols/analyses/meta/query.h"

namespace consilium::meta {
namespace {

struct Round {
  MetaResult counts;
  std::vector<double> values;  ///< Behind the common sums.
};

Result<Round> Ask(Federation& federation, const MetaQuery& query, const MetaPlan& plan) {
  const Aggregate aggregate = federation.Sum(EncodeQuery(query));
  const std::vector<double>& values = aggregate.values;
  if (values.size() !=
      kCommonSums + NumbersPerCoefficient(query.step) * plan.model->names().size()) {
    return Fail(ErrorCode::kCorrupt, "a sum does not have the length of what was asked for");
  }
  Round round;
  std::uint64_t* const counts[] = {&round.counts.rows, &round.counts.patients, &round.counts.fits,
                                   &round.counts.fitted_patients};
  for (std::size_t i = 0; i < kCommonSums; ++i) {
    if (!(values[i] >= 0)) return Fail(ErrorCode::kCorrupt, "a sum of counts is negative");
    *counts[i] = static_cast<std::uint64_t>(values[i]);
  }
  round.counts.sites = aggregate.sites;
  round.values.assign(values.begin() + kCommonSums, values.end());
  return round;
}

/// The numbers of a later round, whose sums have to be over the sites of the first.
Result<std::vector<double>> AskSame(Federation& federation,
                                    const MetaQuery& query,
                                    const MetaPlan& plan,
                                    const MetaResult& first) {
  TRY(Round round, Ask(federation, query, plan));
  if (round.counts.sites == first.sites && round.counts.fits == first.fits) {
    return std::move(round.values);
  }
  return Fail(ErrorCode::kNotEstimable,
              "a site was lost between two rounds, so their sums are not over the same estimates",
              "start a new study of the sites that remain, with on_loss = \"wait\"");
}

}  // namespace

Result<MetaResult> Combine(Federation& federation, const MetaPlan& plan) {
  MetaQuery query;
  TRY(const Round first, Ask(federation, query, plan));
  MetaResult result = first.counts;
  if (result.fits < plan.minimum_fits) return result;
  const std::size_t count = plan.model->names().size();
  const auto fits = static_cast<double>(result.fits);

  query.step = Step::kWeights;
  TRY(const std::vector<double> weights, AskSame(federation, query, plan, result));
  std::vector<FixedSums> fixed;
  for (std::size_t j = 0; j < count; ++j) {
    if (!(weights[j] > 0)) return Fail(ErrorCode::kCorrupt, "a sum of weights is not positive");
    fixed.push_back({weights[j], weights[count + j]});
    query.centres.push_back(FixedEffect(fixed[j]));
    query.totals.push_back(weights[j]);
  }
  query.fits = fits;

  query.step = Step::kSpread;
  TRY(const std::vector<double> spreads, AskSame(federation, query, plan, result));
  std::vector<SpreadSums> spread;
  for (std::size_t j = 0; j < count; ++j) {
    if (!(spreads[j] >= 0) || !(spreads[count + j] >= 0)) {
      return Fail(ErrorCode::kCorrupt, "a sum of squares is negative");
    }
    spread.push_back({spreads[j], spreads[count + j]});
    query.variances.push_back(BetweenSites(fits, fixed[j], spread[j]));
  }

  query.step = Step::kRandom;
  TRY(const std::vector<double> random, AskSame(federation, query, plan, result));
  for (std::size_t j = 0; j < count; ++j) {
    if (!(random[j] > 0)) return Fail(ErrorCode::kCorrupt, "a sum of weights is not positive");
    result.coefficients.push_back(
        PoolCoefficient(plan.model->names()[j], fits, plan.model->units()[j], fixed[j], spread[j],
                        {random[j], random[count + j], random[2 * count + j]}, plan.confidence));
  }
  return result;
}

}  // namespace consilium::meta
