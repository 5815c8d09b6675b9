#pragma once

// An evaluation of times to an event as a JSON object at full precision and as a table for people.

#include "protocols/analyses/evaluate/survival_estimate.h"
#include "protocols/analysis.h"

namespace consilium::evaluate {

AnalysisResult RenderSurvival(const SurvivalEvaluation& evaluation, const SurvivalPlan& plan);

}  // namespace consilium::evaluate
