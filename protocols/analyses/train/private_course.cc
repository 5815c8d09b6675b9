#include "protocols/analyses/train/private_course.h"

#include <cmath>
#include <string>
#include <utility>

#include "protocols/analyses/train/floats.h"
#include "protocols/analyses/train/server.h"

namespace consilium::train {
namespace {

/// How many rows a site has, from noised counts of rounds whose sites may differ.
class RowCount {
 public:
  Status Add(double rows, double deviation, std::uint32_t sites) {
    rows_ += rows;
    variance_ += deviation * deviation;
    sites_ += sites;
    constexpr double kDeviations = 3;
    if (rows_ > kDeviations * std::sqrt(variance_)) return {};
    return Fail(ErrorCode::kNotEstimable, "the noise hides how many rows there are to learn from",
                "take part with more sites or patients, or ask for less noise: fewer rounds or a "
                "larger epsilon");
  }
  double Of(std::uint32_t sites) const { return rows_ / sites_ * sites; }

 private:
  double rows_ = 0;
  double variance_ = 0;
  double sites_ = 0;
};

/// The sum of gradients as an update; `factor` is what noise in it is multiplied with.
std::vector<double> StepOf(const TrainPlan& plan,
                           const std::vector<float>& parameters,
                           std::span<const double> sum,
                           double factor) {
  std::vector<double> update(sum.begin(), sum.end());
  for (double& number : update) number *= factor;
  const double decay = plan.local.learning_rate * plan.local.l2;
  for (const Layer& layer : plan.network.layers) {
    for (std::size_t j = layer.at; j < layer.at + layer.weights(); ++j) {
      update[j] -= decay * static_cast<double>(parameters[j]);
    }
  }
  return update;
}

Result<Aggregate> Ask(Federation& federation, const TrainQuery& query, std::size_t numbers) {
  Aggregate aggregate = federation.Sum(EncodeQuery(query));
  if (aggregate.values.size() == numbers && aggregate.noise.size() == numbers &&
      aggregate.sites > 0) {
    return aggregate;
  }
  return Fail(ErrorCode::kCorrupt, "a sum does not have the length of what was asked for");
}

}  // namespace

Result<Trained> RunPrivateCourse(Federation& federation, const TrainPlan& plan, PrivacyUnit unit) {
  TrainQuery query;
  query.scaling = ScalingWithoutASum(plan);
  query.step = Step::kLearn;
  query.parameters = FirstParameters(plan);
  Server server(plan.strategy, plan.server, plan.network.parameters);
  const std::size_t numbers = NumbersIn(DescribePrivate(plan, unit));
  RowCount rows;
  Trained trained;
  for (query.round = 1; query.round <= plan.rounds; ++query.round) {
    TRY(Aggregate sums, Ask(federation, query, numbers));
    const PrivateNumbers found = SplitPrivate(plan, unit, sums.values);
    const PrivateNumbers noise = SplitPrivate(plan, unit, sums.noise);
    CurvePoint point;
    double factor = 1.0 / sums.sites;
    if (unit == PrivacyUnit::kPatient) {
      TRY_STATUS(rows.Add(found.rows[0], noise.rows[0], sums.sites));
      point.rows = std::round(rows.Of(sums.sites));
      factor = -plan.local.learning_rate / rows.Of(sums.sites);
    }
    std::vector<double> update(found.sum.begin(), found.sum.end());
    if (unit == PrivacyUnit::kPatient) {
      update = StepOf(plan, query.parameters, found.sum, factor);
    } else {
      for (double& number : update) number *= factor;
    }
    point.round = query.round;
    point.sites = sums.sites;
    point.update_length = LengthOf(update);
    point.noise_length = std::abs(factor) * LengthOf(noise.sum);
    trained.curve.push_back(point);
    trained.sites = sums.sites;
    trained.rows = static_cast<std::uint64_t>(point.rows);
    server.Step(update, query.parameters);
    TRY_STATUS(RequireFinite(query));
  }
  trained.patients = trained.rows;
  trained.rounds = trained.best_round = plan.rounds;
  trained.parameters = std::move(query.parameters);
  trained.scaling = std::move(query.scaling);
  return trained;
}

}  // namespace consilium::train
