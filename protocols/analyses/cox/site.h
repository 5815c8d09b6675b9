#pragma once

// The site's half of a Cox regression. Times and baseline hazards stay here: what leaves are sums
// over this site's events.

#include "common/result.h"
#include "protocols/analyses/cox/query.h"
#include "protocols/analysis.h"

namespace consilium::cox {

/// kDataQuality for a cohort that the contract does not promise, kInvalidArgument for a query
/// without a bound.
Result<Contribution> AnswerQuery(const CoxQuery& query,
                                 const CoxPlan& plan,
                                 const CohortView& cohort);

}  // namespace consilium::cox
