#include "protocols/analyses/evaluate/survival_estimate.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "protocols/analyses/cox/fit.h"
#include "protocols/analyses/evaluate/curves.h"
#include "protocols/analyses/evaluate/recalibration.h"
#include "protocols/analyses/evaluate/survival_query.h"
#include "protocols/analyses/glm/moments.h"
#include "protocols/analyses/glm/newton.h"
#include "protocols/analyses/glm/tables.h"

namespace consilium::evaluate {
namespace {

/// Scores that vary by less than this part of their range are, in sums over that range, alike.
constexpr double kResolvedInRange = 1e-10;

/// A sum and the query that it answers; the spans of Split point into it.
struct Round {
  SurvivalQuery query;
  Aggregate aggregate;

  SurvivalSums Split(const SurvivalPlan& plan) {
    return SplitSurvivalSums(query, plan, aggregate.values);
  }
};

Result<Round> Ask(Federation& federation, const SurvivalPlan& plan, SurvivalQuery query) {
  TRY(const std::vector<Slice> slices, DescribeSurvivalQuery(query, plan));
  Round round{std::move(query), {}};
  round.aggregate = federation.Sum(EncodeSurvivalQuery(round.query));
  if (round.aggregate.values.size() != NumbersIn(slices)) {
    return Fail(ErrorCode::kCorrupt, "a sum does not have the length of what was asked for");
  }
  const SurvivalSums sums = round.Split(plan);
  const auto is_count = [](double count) { return count >= 0; };
  for (const std::span<double> part :
       {sums.patients, sums.rows, sums.events, sums.pairs, sums.disorder}) {
    if (!std::all_of(part.begin(), part.end(), is_count)) {
      return Fail(ErrorCode::kCorrupt, "a sum of counts is negative");
    }
  }
  return round;
}

/// Counts, and how scores lie: centre and scale are their mean and standard deviation then.
struct Scores {
  Round counts;
  double centre = 0;
  double scale = 1;
  bool differ = false;  ///< Enough for a slope.
};

Result<Scores> AskCounts(Federation& federation, const SurvivalPlan& plan) {
  const SurvivalPlan::Range range = plan.Scores();
  SurvivalQuery query;
  query.scale = (range.maximum - range.minimum) / 2;
  query.centre = range.minimum + query.scale;
  for (std::uint32_t round = 1;; ++round) {
    TRY(Round counts, Ask(federation, plan, query));
    const SurvivalSums sums = counts.Split(plan);
    if (!(sums.rows[0] > 0)) {
      return Fail(ErrorCode::kNotEstimable, "there is no complete case",
                  "widen the eligibility rules, or leave features out that are often missing");
    }
    const glm::Moment moment =
        glm::MomentOf(sums.rows[0], sums.score_sum[0], sums.score_squares[0]);
    const double centre = query.centre + query.scale * moment.mean;
    const double variance = sums.rows[0] > 1 ? moment.variance : 0;
    const double scale = query.scale * std::sqrt(variance);
    if (!moment.lost_digits || round == glm::kMomentRounds) {
      const bool differ = scale > kResolvedInRange * (range.maximum - range.minimum);
      return Scores{std::move(counts), centre, scale, differ};
    }
    query.centre = centre;
    if (scale > 0) query.scale = scale;
  }
}

SurvivalEvaluation CountsOf(const SurvivalPlan& plan, Scores& scores) {
  const SurvivalSums sums = scores.counts.Split(plan);
  SurvivalEvaluation evaluation;
  evaluation.patients = static_cast<std::uint64_t>(sums.patients[0]);
  evaluation.sites = scores.counts.aggregate.sites;
  evaluation.mean = scores.centre;
  if (sums.rows[0] > 1) evaluation.deviation = scores.scale;
  evaluation.all.rows = sums.rows[0];
  evaluation.all.events = sums.events[0];
  std::size_t first = 1;
  for (const Subgroup& subgroup : plan.subgroups) {
    const std::size_t count = subgroup.levels.size();
    const std::vector<bool> left_out =
        LeftOut(sums.rows.subspan(first, count), sums.events.subspan(first, count),
                static_cast<double>(plan.minimum_count));
    std::vector<SurvivalLevel> levels;
    for (std::size_t i = 0; i < count; ++i) {
      SurvivalLevel level{subgroup.levels[i], left_out[i], {}};
      if (!left_out[i]) {
        level.measures.rows = sums.rows[first + i];
        level.measures.events = sums.events[first + i];
      }
      levels.push_back(std::move(level));
    }
    evaluation.subgroups.push_back(std::move(levels));
    first += count;
  }
  return evaluation;
}

/// A group that is shown, by its number in queries.
struct Shown {
  std::uint32_t group = 0;
  SurvivalMeasures* measures = nullptr;
};

/// All rows, then the levels that have events and are not left out.
std::vector<Shown> ShownOf(SurvivalEvaluation& evaluation) {
  std::vector<Shown> shown = {{0, &evaluation.all}};
  std::uint32_t group = 0;
  for (std::vector<SurvivalLevel>& subgroup : evaluation.subgroups) {
    for (SurvivalLevel& level : subgroup) {
      ++group;
      if (!level.left_out && level.measures.events > 0) shown.push_back({group, &level.measures});
    }
  }
  return shown;
}

/// Fills in concordances; those of `shown` for which a slope has an estimate.
Result<std::vector<Shown>> AddConcordance(Federation& federation,
                                          const SurvivalPlan& plan,
                                          const std::vector<Shown>& shown,
                                          SurvivalEvaluation& evaluation) {
  SurvivalQuery query;
  query.step = SurvivalStep::kPairs;
  for (const Shown& one : shown) query.groups.push_back(one.group);
  TRY(Round round, Ask(federation, plan, std::move(query)));
  const SurvivalSums sums = round.Split(plan);
  std::vector<Shown> sloped;
  for (std::size_t i = 0; i < shown.size(); ++i) {
    const std::span<const double> pairs = sums.pairs.subspan(3 * i, 3);
    const std::span<const double> spread = sums.spread.subspan(3 * i, 3);
    const cox::PairSums counted{pairs[0], pairs[1], pairs[2], spread[0], spread[1], spread[2]};
    shown[i].measures->concordance = ConcordanceMeasure(counted, plan.confidence);
    if (i == 0 && evaluation.all.concordance) evaluation.pairs = counted;
    if (sums.disorder[2 * i] > 0 && sums.disorder[2 * i + 1] > 0) sloped.push_back(shown[i]);
  }
  return sloped;
}

/// All Cox models as one: the sum of their deviances, with an information that is 0 between them,
/// so that each takes its own Newton steps.
class SlopeLikelihood final : public glm::SummedLikelihood {
 public:
  SlopeLikelihood(Federation& federation, const SurvivalPlan& plan, SurvivalQuery query)
      : federation_(federation), plan_(plan), query_(std::move(query)) {}

  Result<glm::Evaluation> At(const std::vector<double>& coefficients) override {
    query_.coefficients = coefficients;
    TRY(Round round, Ask(federation_, plan_, query_));
    const SurvivalSums sums = round.Split(plan_);
    glm::Evaluation evaluation;
    evaluation.rows = static_cast<std::uint64_t>(sums.rows[0]);
    evaluation.sites = round.aggregate.sites;
    evaluation.deviance = sums.deviance[0];
    evaluation.score.assign(sums.score.begin(), sums.score.end());
    evaluation.information = glm::Symmetric(coefficients.size());
    for (std::size_t i = 0; i < coefficients.size(); ++i) {
      evaluation.information.Set(i, i, sums.information[i]);
    }
    return evaluation;
  }

  bool IsLastStep(const glm::Evaluation&, double decrement) const override {
    return std::abs(decrement) <= cox::kDecrementConverged;
  }

  tl::unexpected<Error> NotIdentified(const glm::Dependence&) const override {
    return Fail(ErrorCode::kNotEstimable,
                "patients at risk at the events of a group hardly differ in their scores");
  }

 private:
  Federation& federation_;
  const SurvivalPlan& plan_;
  SurvivalQuery query_;
};

/// Fills in the slopes of `sloped`, or why there are none.
Status AddSlopes(Federation& federation,
                 const SurvivalPlan& plan,
                 const Scores& scores,
                 const std::vector<Shown>& sloped,
                 SurvivalEvaluation& evaluation) {
  SurvivalQuery query;
  query.step = SurvivalStep::kSlope;
  query.centre = scores.centre;
  query.scale = scores.scale;
  for (const Shown& one : sloped) query.groups.push_back(one.group);
  SlopeLikelihood likelihood(federation, plan, std::move(query));
  glm::NewtonOptions options;
  options.maximum_evaluations = kMostIterations;
  options.penalties.assign(sloped.size(), 0.0);
  options.units.assign(sloped.size(), 1.0);
  const Result<glm::Maximum> maximum = glm::Maximise(likelihood, options);
  if (!maximum) {
    if (maximum.error().code != ErrorCode::kNotEstimable) return tl::unexpected(maximum.error());
    evaluation.trouble = "Calibration slope: " + maximum.error().message + ".";
    return {};
  }
  evaluation.iterations = maximum->evaluations;
  evaluation.converged = maximum->converged;
  if (!maximum->separated.empty()) {
    evaluation.trouble =
        "Calibration slope: scores order all pairs alike somewhere, so it has no limit.";
    return {};
  }
  if (!maximum->converged) {
    evaluation.trouble = "Calibration slope: Newton's method did not come to an end in " +
                         glm::Counted(maximum->evaluations, "round", "rounds") + ".";
    return {};
  }
  for (std::size_t i = 0; i < sloped.size(); ++i) {
    sloped[i].measures->slope =
        WaldMeasure(maximum->coefficients[i] / scores.scale,
                    std::sqrt(maximum->inverse(i, i)) / scores.scale, plan.confidence);
  }
  return {};
}

/// Why all rows have no slope although they have pairs.
std::string NoSlope(const SurvivalEvaluation& evaluation, bool differ) {
  if (!differ) {
    return "All scores are alike, as far as can be told over their range: there is no slope.";
  }
  const bool ordered = evaluation.pairs->concordant > 0 || evaluation.pairs->discordant > 0;
  return ordered ? "At every event the patient who had it has the highest score of those at risk "
                   "at the site, or at every one the lowest: there is no slope."
                 : "At each site the patients at risk at its events have one score: there is no "
                   "slope.";
}

}  // namespace

std::uint32_t MostSurvivalRounds() { return glm::kMomentRounds + 1 + kMostIterations; }

Result<SurvivalEvaluation> RunSurvivalEvaluation(Federation& federation, const SurvivalPlan& plan) {
  TRY(Scores scores, AskCounts(federation, plan));
  SurvivalEvaluation evaluation = CountsOf(plan, scores);
  if (!(evaluation.all.events > 0)) {
    evaluation.trouble = "The event \"" + plan.event() +
                         "\" happened to nobody: there is no concordance and no slope.";
    return evaluation;
  }
  TRY(const std::vector<Shown> sloped,
      AddConcordance(federation, plan, ShownOf(evaluation), evaluation));
  if (!evaluation.pairs) {
    evaluation.trouble =
        "At no site are there two patients of whom it is known who had the event first: there is "
        "no concordance and no slope.";
    return evaluation;
  }
  // Where any group has a slope, all rows have.
  if (sloped.empty() || !scores.differ) {
    evaluation.trouble = NoSlope(evaluation, scores.differ);
    return evaluation;
  }
  TRY_STATUS(AddSlopes(federation, plan, scores, sloped, evaluation));
  return evaluation;
}

std::optional<Measure> ConcordanceMeasure(const cox::PairSums& pairs, double confidence) {
  if (!(pairs.concordant + pairs.discordant + pairs.tied > 0)) return {};
  const cox::Concordance concordance = cox::ConcordanceOf(pairs);
  if (!(concordance.std_error > 0)) return Measure{concordance.estimate, {}, {}, {}};
  Measure measure = WaldMeasure(concordance.estimate, concordance.std_error, confidence);
  measure.low = std::max(*measure.low, 0.0);
  measure.high = std::min(*measure.high, 1.0);
  return measure;
}

}  // namespace consilium::evaluate
