#pragma once

// The site's half: what the model says of each row, counted and summed in row order.

#include <span>

#include "common/result.h"
#include "protocols/analyses/evaluate/query.h"
#include "protocols/analysis.h"

namespace consilium::evaluate {

/// A prediction for one row.
struct Prediction {
  double log_odds = 0;
  double probability = 0;
  bool held = false;  ///< The log odds are those of a probability less near to 0 or 1.
};
/// Of a row of the cohort.
Prediction PredictionOf(const EvaluatePlan& plan, const double* row);

/// Overwrites `values`, which has the numbers of the query's slices. kDataQuality for a cohort that
/// the contract does not promise.
Status AnswerQuery(const EvaluateQuery& query,
                   const EvaluatePlan& plan,
                   const CohortView& cohort,
                   std::span<double> values);

}  // namespace consilium::evaluate
