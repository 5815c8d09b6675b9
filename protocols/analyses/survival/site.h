#pragma once

// The site's half of survival curves: counts on the grid, and the log-rank sums of its own times.

#include "common/result.h"
#include "protocols/analyses/survival/query.h"
#include "protocols/analysis.h"

namespace consilium::survival {

/// kDataQuality for a cohort that the contract does not promise.
Result<Contribution> AnswerQuery(const SurvivalQuery& query,
                                 const SurvivalPlan& plan,
                                 const CohortView& cohort);

}  // namespace consilium::survival
