#pragma once

// What the coordinator asks, its bytes, and the numbers that leave a site in answer to it.

#include <cstdint>
#include <span>
#include <vector>

#include "common/result.h"
#include "protocols/analyses/evaluate/settings.h"
#include "protocols/analysis.h"

namespace consilium::evaluate {

enum class Step : std::uint8_t {
  kCounts = 1,      ///< How predictions lie, and how far they are from outcomes.
  kRecalibrate = 2  ///< Deviance and derivatives of logistic models on the predicted log odds.
};

/// Recalibration is by several models at once, none of which knows of the others. With x the
/// predicted log odds:
///   all rows:      logit P(event) = x + c[0]
///   all rows:      logit P(event) = x + c[1] + c[2] x        if there is a slope
///   each level:    logit P(event) = x + c[1 or 3, ...]       of its rows
struct EvaluateQuery {
  Step step = Step::kCounts;
  bool slope = false;
  /// Recalibrated levels, rising, numbered through all subgroups from 0.
  std::vector<std::uint32_t> levels;
  std::vector<double> coefficients;

  /// Coefficients before those of levels.
  std::size_t first_level() const { return slope ? 3 : 1; }
  std::size_t order() const { return first_level() + levels.size(); }
  /// Entries of the information that are not 0 by design: the slope's model has three.
  std::size_t weights() const { return (slope ? 4 : 1) + levels.size(); }
};

Query EncodeQuery(const EvaluateQuery& query);
/// kInvalidArgument if these bytes are no query of this plan or hold a number that makes no sense.
Result<EvaluateQuery> DecodeQuery(const Query& query, const EvaluatePlan& plan);

/// kInvalidArgument if a bound is too large to be kept.
Result<std::vector<Slice>> DescribeQuery(const EvaluateQuery& query, const EvaluatePlan& plan);

/// The numbers of a counting answer or sum by their names. Groups are all rows, then each level.
struct Counts {
  std::span<double> patients;        ///< 1
  std::span<double> rows;            ///< One a group.
  std::span<double> events;          ///< One a group.
  std::span<double> predicted;       ///< One a group: probabilities.
  std::span<double> squares;         ///< One a group: (probability - outcome)^2.
  std::span<double> losses;          ///< One a group: -log of the probability of what happened.
  std::span<double> fourth_powers;   ///< 1: (probability - outcome)^4.
  std::span<double> squared_losses;  ///< 1
  std::span<double> extreme;         ///< 1: rows whose log odds were held.
  std::span<double> event_scores;    ///< groups x score bins
  std::span<double> other_scores;    ///< groups x score bins
  std::span<double> bin_events;      ///< One a bin of probability.
  std::span<double> bin_others;
  std::span<double> bin_predicted;

  std::span<const double> EventScores(std::size_t group, const EvaluatePlan& plan) const {
    return event_scores.subspan(group * plan.score_bins, plan.score_bins);
  }
  std::span<const double> OtherScores(std::size_t group, const EvaluatePlan& plan) const {
    return other_scores.subspan(group * plan.score_bins, plan.score_bins);
  }
};
Counts SplitCounts(const EvaluatePlan& plan, std::span<double> values);

/// Of a recalibrating one.
struct Derivatives {
  std::span<double> patients;  ///< 1
  std::span<double> rows;      ///< 1
  std::span<double> deviance;  ///< 1
  std::span<double> score;     ///< query.order()
  /// query.weights(): of c[0]; of c[1] c[1], c[1] c[2], c[2] c[2]; of each level.
  std::span<double> weights;
};
Derivatives SplitDerivatives(const EvaluateQuery& query, std::span<double> values);

}  // namespace consilium::evaluate
