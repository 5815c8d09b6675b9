#include "protocols/analyses/evaluate/recalibration.h"

#include <algorithm>
#include <cmath>
#include <span>
#include <utility>

#include "common/portable_math.h"
#include "protocols/analyses/glm/newton.h"
#include "protocols/analyses/glm/tables.h"

namespace consilium::evaluate {
namespace {

/// The last step takes less than this part off the deviance. The standard errors are those from
/// before it: off by some root of this.
constexpr double kLastStep = 1e-18;
/// Steps of the fit to bins are cut to this: the likelihood is flat far from its maximum.
constexpr double kLongestStep = 2;
constexpr int kMostSteps = 100;
constexpr double kBinnedConverged = 1e-9;
constexpr double kLargestLogit = 700;

/// Score and information of logit P = x + a + b x over bins.
struct BinnedSums {
  double score_a = 0;
  double score_b = 0;
  double aa = 0;
  double ab = 0;
  double bb = 0;
};

BinnedSums SumBins(const EvaluatePlan& plan,
                   std::span<const double> events,
                   std::span<const double> others,
                   double a,
                   double b) {
  BinnedSums sums;
  for (std::size_t k = 0; k < events.size(); ++k) {
    const double rows = events[k] + others[k];
    if (rows == 0) continue;
    const double x = plan.ScoreOf(k);
    const double p = PortableLogistic(std::clamp(x + a + b * x, -kLargestLogit, kLargestLogit));
    const double weight = rows * p * (1 - p);
    const double score = events[k] - rows * p;
    sums.score_a += score;
    sums.score_b += score * x;
    sums.aa += weight;
    sums.ab += weight * x;
    sums.bb += weight * x * x;
  }
  return sums;
}

struct Line {
  double a = 0;
  double b = 0;
};

/// The fit to bins; b stays 0 unless there is a slope. Both are 0 where it does not come to an end.
Line FitBins(const EvaluatePlan& plan,
             std::span<const double> events,
             std::span<const double> others,
             bool slope) {
  Line line;
  for (int step = 0; step < kMostSteps; ++step) {
    const BinnedSums sums = SumBins(plan, events, others, line.a, line.b);
    const double bb = slope ? sums.bb : 1;
    const double ab = slope ? sums.ab : 0;
    const double score_b = slope ? sums.score_b : 0;
    const double determinant = sums.aa * bb - ab * ab;
    if (!(determinant > 0)) return {};
    const double change_a = (bb * sums.score_a - ab * score_b) / determinant;
    const double change_b = (sums.aa * score_b - ab * sums.score_a) / determinant;
    const double longest = std::max(std::abs(change_a), std::abs(change_b));
    const double factor = longest > kLongestStep ? kLongestStep / longest : 1;
    line.a += factor * change_a;
    line.b += factor * change_b;
    if (longest < kBinnedConverged) return line;
  }
  return {};
}

/// All models as one: the sum of their deviances, with an information that is 0 between them, so
/// that each takes its own Newton steps.
class RecalibratedLikelihood final : public glm::SummedLikelihood {
 public:
  RecalibratedLikelihood(Federation& federation, const StartingPoint& start)
      : federation_(federation) {
    query_.step = Step::kRecalibrate;
    query_.slope = start.slope;
    query_.levels = start.levels;
  }

  Result<glm::Evaluation> At(const std::vector<double>& coefficients) override {
    query_.coefficients = coefficients;
    Aggregate aggregate = federation_.Sum(EncodeQuery(query_));
    if (aggregate.values.size() != 3 + query_.order() + query_.weights()) {
      return Fail(ErrorCode::kCorrupt, "a sum does not have the length of what was asked for");
    }
    const Derivatives sums = SplitDerivatives(query_, aggregate.values);
    if (!(sums.patients[0] >= 0) || !(sums.rows[0] >= 0)) {
      return Fail(ErrorCode::kCorrupt, "a sum of counts is negative");
    }
    glm::Evaluation evaluation;
    evaluation.rows = static_cast<std::uint64_t>(sums.rows[0]);
    evaluation.sites = aggregate.sites;
    evaluation.deviance = sums.deviance[0];
    evaluation.score.assign(sums.score.begin(), sums.score.end());
    evaluation.information = InformationOf(sums.weights);
    return evaluation;
  }

  bool IsLastStep(const glm::Evaluation& here, double decrement) const override {
    return std::abs(decrement) <= kLastStep * (here.deviance + 0.1);
  }

  tl::unexpected<Error> NotIdentified(const glm::Dependence&) const override {
    return Fail(ErrorCode::kNotEstimable,
                "the predictions are all so near to 0 or 1, or to one another, that the outcomes "
                "say nothing about their calibration");
  }

 private:
  glm::Symmetric InformationOf(std::span<const double> weights) const {
    glm::Symmetric information(query_.order());
    information.Set(0, 0, weights[0]);
    if (query_.slope) {
      information.Set(1, 1, weights[1]);
      information.Set(1, 2, weights[2]);
      information.Set(2, 2, weights[3]);
    }
    const std::size_t first_weight = query_.weights() - query_.levels.size();
    for (std::size_t i = 0; i < query_.levels.size(); ++i) {
      const std::size_t at = query_.first_level() + i;
      information.Set(at, at, weights[first_weight + i]);
    }
    return information;
  }

  Federation& federation_;
  EvaluateQuery query_;
};

Recalibration ReadMaximum(const glm::Maximum& maximum,
                          const StartingPoint& start,
                          double confidence) {
  Recalibration result;
  result.iterations = maximum.evaluations;
  result.converged = maximum.converged;
  if (!maximum.converged) {
    result.trouble = "Calibration: Newton's method did not come to an end in " +
                     glm::Counted(maximum.evaluations, "round", "rounds") + ".";
    return result;
  }
  const auto measure = [&](std::size_t at, double added) {
    return WaldMeasure(maximum.coefficients[at] + added, std::sqrt(maximum.inverse(at, at)),
                       confidence);
  };
  result.in_the_large = measure(0, 0);
  if (start.slope) {
    result.intercept = measure(1, 0);
    result.slope = measure(2, 1);
  }
  const std::size_t first = start.slope ? 3 : 1;
  for (std::size_t i = 0; i < start.levels.size(); ++i) {
    result.levels.push_back(measure(first + i, 0));
  }
  return result;
}

}  // namespace

StartingPoint StartFrom(const EvaluatePlan& plan,
                        const Counts& counts,
                        const std::vector<std::uint32_t>& levels) {
  StartingPoint start;
  const std::span<const double> events = counts.EventScores(0, plan);
  const std::span<const double> others = counts.OtherScores(0, plan);
  start.coefficients.push_back(FitBins(plan, events, others, /*slope=*/false).a);
  const std::optional<Discrimination> all = Discriminate(events, others, plan.confidence);
  start.slope = all && all->overlaps;
  if (start.slope) {
    const Line line = FitBins(plan, events, others, /*slope=*/true);
    start.coefficients.insert(start.coefficients.end(), {line.a, line.b});
  }
  for (const std::uint32_t level : levels) {
    const std::size_t group = level + 1;
    if (!(counts.events[group] > 0) || !(counts.events[group] < counts.rows[group])) continue;
    start.levels.push_back(level);
    start.coefficients.push_back(FitBins(plan, counts.EventScores(group, plan),
                                         counts.OtherScores(group, plan), /*slope=*/false)
                                     .a);
  }
  return start;
}

Result<Recalibration> Recalibrate(Federation& federation,
                                  const EvaluatePlan& plan,
                                  const StartingPoint& start) {
  RecalibratedLikelihood likelihood(federation, start);
  glm::NewtonOptions options;
  options.maximum_evaluations = kMostIterations;
  options.penalties.assign(start.coefficients.size(), 0.0);
  options.first_step = start.coefficients;
  Result<glm::Maximum> maximum = glm::Maximise(likelihood, options);
  if (maximum) return ReadMaximum(*maximum, start, plan.confidence);
  if (maximum.error().code != ErrorCode::kNotEstimable) {
    return tl::unexpected<Error>(std::move(maximum).error());
  }
  Recalibration result;
  result.trouble = "Calibration: " + maximum.error().message + ".";
  return result;
}

}  // namespace consilium::evaluate
