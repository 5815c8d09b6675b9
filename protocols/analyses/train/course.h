#pragma once

// The coordinator's half: the rounds of training, a deterministic function of the sums.

#include <optional>
#include <string>
#include <vector>

#include "protocols/analyses/train/query.h"
#include "protocols/federation.h"

namespace consilium::train {

/// What one round found; losses are means over the rows of all sites.
struct CurvePoint {
  std::uint32_t round = 0;  ///< Losses are of the model before this round's update.
  std::uint32_t sites = 0;
  double rows = 0;
  std::optional<double> loss;
  std::optional<double> accuracy;
  std::optional<double> held_out_loss;
  std::optional<double> held_out_accuracy;
  std::optional<double> own_loss;  ///< Ditto: of the sites' own models, on held-out rows.
  std::optional<double> own_accuracy;
  /// Of a time to an event: Harrell's concordance, of pairs of rows of one site.
  std::optional<double> concordance;
  std::optional<double> held_out_concordance;
  std::optional<double> own_concordance;
  std::optional<double> clipped_share;  ///< Of sites; none in a round without an update.
  std::optional<double> update_length;  ///< L2 norm of the mean update.
  std::optional<double> noise_length;   ///< With noise: what is expected of its part of that.
};

struct Trained {
  Scaling scaling;  ///< Of the model's inputs and outcome.
  std::vector<float> parameters;
  std::vector<CurvePoint> curve;
  std::uint32_t rounds = 0;      ///< Of training that were run.
  std::uint32_t best_round = 0;  ///< After which the released parameters were reached.
  bool stopped_early = false;
  std::uint64_t patients = 0;
  std::uint64_t rows = 0;  ///< Learned from; 0 where nobody may know.
  std::uint64_t held_out_rows = 0;
  std::uint64_t events = 0;  ///< Of these, with a time to an event; 0 where nobody may know.
  std::uint32_t sites = 0;   ///< In the last sum.
};

/// Where no sum has to be asked for it.
Scaling ScalingWithoutASum(const TrainPlan& plan);
/// kNotEstimable where the model diverged.
Status RequireFinite(const TrainQuery& query);

Result<Trained> RunCourse(Federation& federation, const TrainPlan& plan);

}  // namespace consilium::train
