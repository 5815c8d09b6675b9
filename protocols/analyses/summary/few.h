#pragma once

// What of a summary is not released: numbers of few people, and what would give them back.

#include "protocols/analyses/summary/settings.h"
#include "protocols/analyses/summary/statistics.h"

namespace consilium::summary {

/// Applies protocols/small_cells.h with the plan's minimum_count to each table of counts with its
/// totals: groups, values a group, levels by groups. A count that is not shown becomes NaN, a group
/// of few values loses its moments and quartiles, bins are laid together, quartiles need as many
/// people on either side, and a variable of which anything is hidden has no test: with the totals
/// its statistic would tell the count. Groups that are hidden are one group as far as totals tell.
/// Numbers of missing values are not protected, and a count is held apart from what the group's
/// rows leave of it: no group has more values than rows. With noise nothing is hidden.
void HideFew(const SummaryPlan& plan, Summary& summary);

}  // namespace consilium::summary
