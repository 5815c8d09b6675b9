#pragma once

// A site's half: counts and sums over its own rows.

#include <span>

#include "protocols/analyses/summary/query.h"

namespace consilium::summary {

/// Overwrites `values`, the numbers of the query's slices. kDataQuality for a cohort that does not
/// meet the contract; the message never holds a value.
Status Answer(const SummaryPlan& plan,
              const SummaryQuery& query,
              const CohortView& cohort,
              std::span<double> values);

}  // namespace consilium::summary
