#pragma once

// Cox's proportional hazards regression (Cox 1972), stratified by site: each site has a baseline
// hazard of its own, which nobody else learns, and the coefficients are common.

#include <memory>

#include "common/settings.h"
#include "protocols/analysis.h"

namespace consilium::cox {

/// Parses the [analysis] table.
Result<std::unique_ptr<Analysis>> MakeCox(const Settings& settings, const Contract& contract);

}  // namespace consilium::cox
