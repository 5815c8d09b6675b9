#pragma once

// What the coordinator asks, its bytes, and the numbers that leave a site in answer to it.

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "common/result.h"
#include "protocols/analyses/train/settings.h"
#include "protocols/analysis.h"
#include "protocols/norm_check.h"

namespace consilium::train {

enum class Step : std::uint8_t {
  kMoments = 1,   ///< Means and squares of terms and outcome, scaled by the contract's ranges.
  kLearn = 2,     ///< A round of training.
  kEvaluate = 3,  ///< The loss alone, of the last model.
  kWeigh = 4      ///< RFA: the round's updates again, weighted by how near they are to the middle.
};

/// Terms and a numeric outcome enter training as (x - centre) / scale.
struct Scaling {
  std::vector<double> centres;  ///< One a term; none where each site has its own.
  std::vector<double> scales;
  double outcome_centre = 0;
  double outcome_scale = 1;
};

struct TrainQuery {
  Step step = Step::kMoments;
  std::uint32_t round = 0;  ///< Of training, from 1.
  Scaling scaling;
  /// Most rows that an update may count for: those of all sites in a round before; 0 in the first.
  /// Only a newcomer with more rows than all others counts for less than it has, for one round.
  std::uint64_t heaviest = 0;
  std::vector<float> parameters;
  /// SCAFFOLD: the mean of the sites' control variates. To weigh: the middle of the updates.
  std::vector<float> control;
};

Query EncodeQuery(const TrainQuery& query);
/// kInvalidArgument if these bytes are no query of this plan or hold a number that makes no sense.
Result<TrainQuery> DecodeQuery(const Query& query, const TrainPlan& plan);

/// By the contract's ranges: what kMoments asks with, and the scale of Standardisation::kRange.
Scaling RangeScaling(const TrainPlan& plan);

/// Most that a site's control variate may change in a round (L2 norm): twice what an update of the
/// length `clip` in one step would show as a gradient.
double LongestControlChange(const TrainPlan& plan);

/// Whether a round's update takes half a word for each parameter: a model is large and it is known
/// what an update may count for. Of other updates the sum is exact.
bool IsShort(const TrainQuery& query, const TrainPlan& plan);

/// Needs no parameters in the query.
std::vector<Slice> DescribeStep(const TrainQuery& query, const TrainPlan& plan);

/// Of DescribeStep's slices the one whose length sites show by sketches: a site's own update, times
/// its rows. None where the plan does not ask for it, or the step has no update.
std::optional<CheckedSlice> CheckedIn(const TrainQuery& query, const TrainPlan& plan);

/// The numbers of an answer or a sum by their names: spans into it, empty where the plan has none.
struct Numbers {
  std::span<double> rows;  ///< Learned from.
  std::span<double> patients;
  std::span<double> term_sums;
  std::span<double> term_squares;
  std::span<double> outcome_moments;
  std::span<double> own_loss;  ///< Of the sites' own models, on held-out rows.
  std::span<double> own_hits;
  /// Of a time to an event, instead of hits: pairs whose order the model has right, and all.
  std::span<double> pairs_in_order;
  std::span<double> pairs;
  std::span<double> held_out_pairs_in_order;
  std::span<double> held_out_pairs;
  std::span<double> own_pairs_in_order;  ///< Of the held-out pairs.
  std::span<double> events;              ///< Among the rows learned from.
  std::span<double> weight;
  std::span<double> clipped;
  std::span<double> loss_rows;  ///< That the training loss is of.
  std::span<double> loss;
  std::span<double> hits;
  std::span<double> held_out_rows;
  std::span<double> held_out_loss;
  std::span<double> held_out_hits;
  std::span<double> normaliser;
  std::span<double> update;
  std::span<double> control;
};
/// `values` has as many numbers as DescribeStep's slices for a query with this step.
Numbers Split(Step step, const TrainPlan& plan, std::span<double> values);

}  // namespace consilium::train
