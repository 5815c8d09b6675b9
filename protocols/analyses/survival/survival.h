#pragma once

// Survival curves by Kaplan and Meier on a grid of times, with log-rank tests, from counts.

#include <memory>

#include "common/settings.h"
#include "protocols/analysis.h"

namespace consilium::survival {

/// Parses the [analysis] table.
Result<std::unique_ptr<Analysis>> MakeSurvival(const Settings& settings, const Contract& contract);

}  // namespace consilium::survival
