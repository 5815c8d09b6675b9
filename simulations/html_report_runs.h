#pragma once

#include <string>

#include "simulations/campaign.h"

namespace consilium {

/// The report's part about more than one run: spread over seeds, and what a sweep changes.
std::string RunsSection(const Campaign& campaign);

}  // namespace consilium
