#pragma once

// How good given scores are that say who has an event earlier: concordance and calibration slope,
// by sums over sites, each site's patients compared with each other only.

#include <memory>

#include "common/settings.h"
#include "protocols/analysis.h"

namespace consilium::evaluate {

/// Parses the [analysis] table.
Result<std::unique_ptr<Analysis>> MakeSurvivalEvaluate(const Settings& settings,
                                                       const Contract& contract);

}  // namespace consilium::evaluate
