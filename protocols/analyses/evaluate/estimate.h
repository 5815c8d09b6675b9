#pragma once

// The coordinator's half: one round of counts, then rounds that recalibrate.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/result.h"
#include "protocols/analyses/evaluate/curves.h"
#include "protocols/analyses/evaluate/measures.h"
#include "protocols/analyses/evaluate/recalibration.h"
#include "protocols/analyses/evaluate/settings.h"
#include "protocols/federation.h"

namespace consilium::evaluate {

/// Of all rows, or of a level of a subgroup. Nothing is where the rows do not tell.
struct GroupMeasures {
  double rows = 0;
  double events = 0;
  double predicted = 0;  ///< The mean probability.
  std::optional<Discrimination> discrimination;
  double brier = 0;
  double log_loss = 0;
  std::optional<Measure> observed_over_expected;
  std::optional<Measure> in_the_large;
};

struct LevelMeasures {
  std::string level;
  bool left_out = false;  ///< Too few rows, events or others to be shown.
  GroupMeasures measures;
};

struct Evaluation {
  std::uint64_t patients = 0;
  std::uint32_t sites = 0;
  GroupMeasures all;
  Measure brier;
  /// One less the Brier score over that of the share of events as everybody's prediction.
  std::optional<double> scaled_brier;
  Measure log_loss;
  double extreme = 0;  ///< Rows whose log odds were held.
  Recalibration recalibration;
  std::optional<Curves> curves;
  std::vector<std::vector<LevelMeasures>> subgroups;
};

/// The round of counts: the numbers of SplitCounts. kCorrupt for sums that cannot be.
Result<Aggregate> AskCounts(Federation& federation, const EvaluatePlan& plan);
/// What counts tell, which is all but calibration in the large, intercept and slope. kNotEstimable
/// without a row.
Result<Evaluation> EvaluateCounts(const EvaluatePlan& plan, Aggregate counts);
/// What counts do not tell, of an evaluation that has a curve.
Status AddCalibration(Federation& federation,
                      const EvaluatePlan& plan,
                      Aggregate counts,
                      Evaluation& evaluation);

/// All of it. kNotEstimable without a row; kCorrupt for sums that cannot be.
Result<Evaluation> RunEvaluation(Federation& federation, const EvaluatePlan& plan);

}  // namespace consilium::evaluate
