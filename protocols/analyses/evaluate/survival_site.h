#pragma once

// The site's half of an evaluation of times to an event: its own patients compared with each other,
// in sums over its events.

#include <span>

#include "common/result.h"
#include "protocols/analyses/evaluate/survival_query.h"
#include "protocols/analysis.h"

namespace consilium::evaluate {

/// Overwrites `values`, which has the numbers of the query's slices. kDataQuality for a cohort that
/// the contract does not promise.
Status AnswerSurvivalQuery(const SurvivalQuery& query,
                           const SurvivalPlan& plan,
                           const CohortView& cohort,
                           std::span<double> values);

}  // namespace consilium::evaluate
