#pragma once

// report.html: an experiment's outcome on one page, for people. Holds nothing that depends on the
// machine, the time or the number of threads.

#include <string>

#include "simulations/campaign.h"

namespace consilium {

std::string HtmlReport(const Campaign& campaign);

}  // namespace consilium
