#include "protocols/analyses/train/course.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>
#include <utility>

#include "protocols/analyses/train/floats.h"
#include "protocols/analyses/train/server.h"

namespace consilium::train {
namespace {

/// A deviation below this part of the range is taken for a constant, which is then only centred.
constexpr double kConstantInRange = 1e-7;

/// Moves centre and scale to mean and standard deviation, given sums on the old scale.
void Rescale(double n, double sum, double squares, double& centre, double& scale) {
  const double mean = sum / n;
  const double variance = squares / n - mean * mean;
  centre += scale * mean;
  if (n > 1 && variance > kConstantInRange * kConstantInRange) {
    scale *= std::sqrt(variance * (n / (n - 1)));
  }
}

/// A sum with the numbers that its query's slices name.
struct Sums {
  std::vector<double> values;
  Numbers numbers;
  std::uint32_t sites = 0;
};

Result<Sums> Ask(Federation& federation, const TrainQuery& query, const TrainPlan& plan) {
  Aggregate aggregate = federation.Sum(EncodeQuery(query));
  if (aggregate.values.size() != NumbersIn(DescribeStep(query, plan))) {
    return Fail(ErrorCode::kCorrupt, "a sum does not have the length of what was asked for");
  }
  Sums sums;
  sums.values = std::move(aggregate.values);
  sums.numbers = Split(query.step, plan, sums.values);
  sums.sites = aggregate.sites;
  if (!(sums.numbers.rows[0] > 0)) {
    return Fail(ErrorCode::kNotEstimable, "there is no row to learn from",
                "widen the eligibility rules, or leave features out that are often missing");
  }
  return sums;
}

Result<Scaling> FindScaling(Federation& federation, const TrainPlan& plan) {
  Scaling scaling = ScalingWithoutASum(plan);
  if (plan.standardisation != Standardisation::kFederation) return scaling;
  const TrainQuery query{Step::kMoments, 0, scaling, 0, {}, {}};
  TRY(const Sums sums, Ask(federation, query, plan));
  const Numbers& numbers = sums.numbers;
  for (std::size_t j = 0; j < scaling.centres.size(); ++j) {
    Rescale(numbers.rows[0], numbers.term_sums[j], numbers.term_squares[j], scaling.centres[j],
            scaling.scales[j]);
  }
  if (plan.ScalesOutcome()) {
    Rescale(numbers.rows[0], numbers.outcome_moments[0], numbers.outcome_moments[1],
            scaling.outcome_centre, scaling.outcome_scale);
  }
  return scaling;
}

/// Nothing where no two rows of a site can be compared.
std::optional<double> ShareOf(std::span<const double> part, std::span<const double> all) {
  if (part.empty() || !(all[0] > 0)) return {};
  return part[0] / all[0];
}

CurvePoint PointOf(const TrainQuery& query, const Sums& sums) {
  const Numbers& numbers = sums.numbers;
  CurvePoint point;
  point.round = query.round;
  point.sites = sums.sites;
  point.rows = numbers.rows[0];
  // A site's own program need not measure it.
  if (numbers.loss_rows[0] > 0) point.loss = numbers.loss[0] / numbers.loss_rows[0];
  if (!numbers.hits.empty()) point.accuracy = numbers.hits[0] / numbers.loss_rows[0];
  if (!numbers.held_out_rows.empty() && numbers.held_out_rows[0] > 0) {
    point.held_out_loss = numbers.held_out_loss[0] / numbers.held_out_rows[0];
    if (!numbers.held_out_hits.empty()) {
      point.held_out_accuracy = numbers.held_out_hits[0] / numbers.held_out_rows[0];
    }
    if (!numbers.own_loss.empty()) {
      point.own_loss = numbers.own_loss[0] / numbers.held_out_rows[0];
    }
    if (!numbers.own_hits.empty()) {
      point.own_accuracy = numbers.own_hits[0] / numbers.held_out_rows[0];
    }
  }
  point.concordance = ShareOf(numbers.pairs_in_order, numbers.pairs);
  point.held_out_concordance = ShareOf(numbers.held_out_pairs_in_order, numbers.held_out_pairs);
  point.own_concordance = ShareOf(numbers.own_pairs_in_order, numbers.held_out_pairs);
  return point;
}

/// The update, weighted by rows.
std::vector<double> MeanUpdate(const Sums& sums) {
  const Numbers& numbers = sums.numbers;
  std::vector<double> update(numbers.update.begin(), numbers.update.end());
  // Wang et al. 2020: the mean normaliser times the mean of the normalised updates.
  const double factor = numbers.normaliser.empty() ? 1 : numbers.normaliser[0] / numbers.rows[0];
  for (double& number : update) number = factor * (number / numbers.rows[0]);
  return update;
}

/// Pillutla, Kakade and Harchaoui 2022, algorithm 2: the geometric median of the updates by
/// Weiszfeld's iteration, smoothed, from their mean on.
Result<std::vector<double>> MedianUpdate(Federation& federation,
                                         const TrainPlan& plan,
                                         const TrainQuery& learned,
                                         std::vector<double> middle) {
  TrainQuery query = learned;
  query.step = Step::kWeigh;
  query.parameters.clear();
  for (std::uint32_t i = 0; i < plan.server.iterations; ++i) {
    query.control.assign(middle.begin(), middle.end());
    TRY(const Sums sums, Ask(federation, query, plan));
    const Numbers& numbers = sums.numbers;
    if (!(numbers.weight[0] > 0)) return Fail(ErrorCode::kCorrupt, "updates weigh nothing");
    for (std::size_t j = 0; j < middle.size(); ++j) {
      middle[j] = numbers.update[j] / numbers.weight[0];
    }
  }
  return middle;
}

/// An update of the shared parameters as one of all, which leaves the others where they are.
std::vector<double> Spread(const std::vector<double>& update, const TrainPlan& plan) {
  if (plan.personal.empty()) return update;
  std::vector<double> all(plan.network.parameters, 0.0);
  std::size_t at = 0;
  for (const Range& range : plan.shared) {
    for (std::size_t j = range.at; j < range.at + range.size; ++j) all[j] = update[at++];
  }
  return all;
}

/// Karimireddy et al. 2020: c += |S| / N times the mean change, here weighted by rows as all else.
void MoveControl(const Sums& sums, double all_rows, TrainQuery& query) {
  for (std::size_t j = 0; j < query.control.size(); ++j) {
    query.control[j] = static_cast<float>(static_cast<double>(query.control[j]) +
                                          sums.numbers.control[j] / all_rows);
  }
}

/// Keeps the parameters with the smallest loss on held-out rows.
class Best {
 public:
  explicit Best(std::uint32_t patience) : patience_(patience) {}

  /// Of the model after `round` rounds. True when the best is long enough ago.
  bool See(const CurvePoint& point, std::uint32_t round, const std::vector<float>& parameters) {
    if (!point.held_out_loss) return false;
    if (*point.held_out_loss < loss_) {
      loss_ = *point.held_out_loss;
      round_ = round;
      parameters_ = parameters;
      return false;
    }
    return patience_ > 0 && round - round_ >= patience_;
  }

  std::uint32_t round() const { return round_; }
  const std::vector<float>& parameters() const { return parameters_; }

 private:
  std::uint32_t patience_;
  double loss_ = std::numeric_limits<double>::infinity();
  std::uint32_t round_ = 0;
  std::vector<float> parameters_;
};

void NoteCounts(const Sums& sums, Trained& trained) {
  const Numbers& numbers = sums.numbers;
  trained.sites = sums.sites;
  trained.rows = static_cast<std::uint64_t>(numbers.rows[0]);
  trained.patients = static_cast<std::uint64_t>(numbers.patients[0]);
  if (!numbers.events.empty()) trained.events = static_cast<std::uint64_t>(numbers.events[0]);
  if (!numbers.held_out_rows.empty()) {
    trained.held_out_rows = static_cast<std::uint64_t>(numbers.held_out_rows[0]);
  }
}

}  // namespace

Scaling ScalingWithoutASum(const TrainPlan& plan) {
  Scaling scaling = RangeScaling(plan);
  switch (plan.standardisation) {
    case Standardisation::kFederation:
    case Standardisation::kRange:
      break;
    case Standardisation::kSite:
      scaling.centres.clear();
      scaling.scales.clear();
      break;
    case Standardisation::kNone:
      scaling.centres.assign(scaling.centres.size(), 0.0);
      scaling.scales.assign(scaling.scales.size(), 1.0);
      scaling.outcome_centre = 0;
      scaling.outcome_scale = 1;
      break;
  }
  return scaling;
}

Status RequireFinite(const TrainQuery& query) {
  if (AllFinite(query.parameters)) return {};
  return Fail(ErrorCode::kNotEstimable,
              "the model diverged in round " + std::to_string(query.round),
              "use a smaller learning_rate or server_learning_rate");
}

/// No mean of updates that are at most `clip` long is longer, but for what rounding at random adds
/// to numbers that share words, here doubled: so at least one site sent more than it may.
Status RequireWithinClip(const Sums& sums, const TrainPlan& plan) {
  constexpr double kOtherRounding = 1 + 1e-6;
  const double sites = sums.sites;
  const double step = (2 * sites + 1) * 0x1p-31;  // Of a short number, in parts of its bound.
  const std::span<const double> update = sums.numbers.update;
  const double rounding = std::sqrt(static_cast<double>(update.size()) * sites / 12) * step;
  const double length = LengthOf(update) / sums.numbers.rows[0];
  if (length <= plan.clip * (kOtherRounding + 2 * rounding)) return {};
  return Fail(
      ErrorCode::kCorrupt,
      "the mean of all sites' updates is longer than clip allows each of them to be: at "
      "least one site's program does not do what it should",
      "Ask the sites for their programs' versions. strategy = \"rfa\" withstands sites that "
      "send anything, but does not find them.");
}

Result<Trained> RunCourse(Federation& federation, const TrainPlan& plan) {
  TrainQuery query;
  TRY(query.scaling, FindScaling(federation, plan));
  query.step = Step::kLearn;
  query.parameters = FirstParameters(plan);
  if (plan.Controls()) query.control.assign(plan.network.parameters, 0.0F);
  double most_rows = 0;  // In a round: stands for all sites where one is lost.
  Server server(plan.strategy, plan.server, plan.network.parameters);
  Best best(plan.patience);
  Trained trained;
  for (query.round = 1; query.round <= plan.rounds; ++query.round) {
    TRY(const Sums sums, Ask(federation, query, plan));
    CurvePoint point = PointOf(query, sums);
    TRY_STATUS(RequireWithinClip(sums, plan));
    std::vector<double> update = MeanUpdate(sums);
    const bool ends = best.See(point, query.round - 1, query.parameters);
    if (plan.IsRobust() && !ends) {
      TRY(update, MedianUpdate(federation, plan, query, std::move(update)));
    }
    point.update_length = LengthOf(update);
    point.clipped_share = sums.numbers.clipped[0] / static_cast<double>(sums.sites);
    trained.curve.push_back(point);
    NoteCounts(sums, trained);
    trained.rounds = query.round;
    trained.stopped_early = ends;
    if (ends) break;
    server.Step(Spread(update, plan), query.parameters);
    most_rows = std::max(most_rows, point.rows);
    query.heaviest = static_cast<std::uint64_t>(most_rows);
    MoveControl(sums, most_rows, query);
    TRY_STATUS(RequireFinite(query));
  }
  if (plan.Validates() && !trained.stopped_early) {
    query.step = Step::kEvaluate;
    query.control.clear();
    query.round = plan.rounds;
    TRY(const Sums sums, Ask(federation, query, plan));
    CurvePoint point = PointOf(query, sums);
    point.round = plan.rounds + 1;
    trained.curve.push_back(point);
    NoteCounts(sums, trained);
    best.See(point, plan.rounds, query.parameters);
  }
  const bool chosen = !best.parameters().empty();
  trained.best_round = chosen ? best.round() : plan.rounds;
  trained.parameters = chosen ? best.parameters() : query.parameters;
  trained.scaling = std::move(query.scaling);
  return trained;
}

}  // namespace consilium::train
