#pragma once

// The way from a site's data to a study's cohort, for the site's own eyes.

#include <cstddef>
#include <string>

#include "protocols/cohort.h"

namespace consilium {

/// A chart in plain text of how many patients each step removed, in order; rows where there are
/// not as many of them.
std::string FlowChart(const CohortFlow& flow, std::size_t width);

}  // namespace consilium
