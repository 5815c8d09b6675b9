#pragma once

// What the coordinator asks of times to an event, its bytes, and the numbers that leave a site in
// answer to it.

#include <cstdint>
#include <span>
#include <vector>

#include "common/result.h"
#include "protocols/analyses/evaluate/survival_settings.h"
#include "protocols/analysis.h"

namespace consilium::evaluate {

enum class SurvivalStep : std::uint8_t {
  kCounts = 1,  ///< Rows and events of each group, and how scores lie.
  kPairs = 2,   ///< Pairs of patients of one site, for the concordance.
  kSlope = 3    ///< Deviance and derivatives of Cox models on the score alone, one a group.
};

/// Groups are numbered as the plan has them: 0 is all rows, then each level.
struct SurvivalQuery {
  SurvivalStep step = SurvivalStep::kCounts;
  /// Scores enter sums of counts and slopes as (score - centre) / scale.
  double centre = 0;
  double scale = 1;
  std::vector<std::uint32_t> groups;  ///< Rising; none for counts, which are of all.
  std::vector<double> coefficients;   ///< For slopes, one a group: of the scaled score.
};

Query EncodeSurvivalQuery(const SurvivalQuery& query);
/// kInvalidArgument if these bytes are no query of this plan or hold a number that makes no sense.
Result<SurvivalQuery> DecodeSurvivalQuery(const Query& query, const SurvivalPlan& plan);

/// kInvalidArgument if a bound is too large to be kept.
Result<std::vector<Slice>> DescribeSurvivalQuery(const SurvivalQuery& query,
                                                 const SurvivalPlan& plan);

/// The numbers of an answer or a sum by their names; those that the step does not have are empty.
struct SurvivalSums {
  std::span<double> patients;  ///< 1
  std::span<double> rows;      ///< Of counts one a group of the plan, otherwise of all.
  std::span<double> events;    ///< The same.

  std::span<double> score_sum;      ///< Counts: 1
  std::span<double> score_squares;  ///< Counts: 1

  /// Pairs: three a group of the query, concordant, discordant, tied.
  std::span<double> pairs;
  /// Pairs: three a group, sums over patients of squares, products and counts (cox::PairSums).
  std::span<double> spread;
  /// Pairs: two a group, events at which somebody at risk has a higher score, and a lower one. Only
  /// with both has the slope an estimate.
  std::span<double> disorder;

  std::span<double> deviance;     ///< Slope: 1, of all models together.
  std::span<double> score;        ///< Slope: one a group of the query.
  std::span<double> information;  ///< Slope: one a group of the query.
};
SurvivalSums SplitSurvivalSums(const SurvivalQuery& query,
                               const SurvivalPlan& plan,
                               std::span<double> values);

}  // namespace consilium::evaluate
