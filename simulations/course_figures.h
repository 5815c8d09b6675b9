#pragma once

// How losses and metrics went on over the rounds of many runs.

#include <string>

#include "simulations/campaign.h"

namespace consilium {

/// A plot a measure that the rounds have: of each combination a line, the mean over its seeds, in a
/// band from the smallest to the largest of them. A run that ended earlier counts with its last
/// value. Empty when no combination came to a second round.
std::string CourseFigures(const Campaign& campaign);

}  // namespace consilium
