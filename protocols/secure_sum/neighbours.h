#pragma once

// Whom a site deals shares to and draws masks with. Chosen by the site itself, after the
// participants are fixed: a coordinator that chose could surround a victim with colluders (after
// Bell et al., CCS 2020, section 3).

#include <vector>

#include "common/random.h"
#include "protocols/messages.h"

namespace consilium {

/// thresholds.neighbours of the other participants, ascending: every set of that size is as
/// likely. All of them in the complete graph.
std::vector<SiteId> ChooseNeighbours(const RoundStart& start, SiteId self, RandomSource& random);

}  // namespace consilium
