#pragma once

// Survival curves as a JSON object at full precision and as a table for people.

#include "protocols/analyses/survival/estimate.h"
#include "protocols/analysis.h"

namespace consilium::survival {

AnalysisResult Render(const SurvivalEstimate& estimate, const SurvivalPlan& plan);

}  // namespace consilium::survival
