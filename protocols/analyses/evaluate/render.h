#pragma once

// An evaluation as a JSON object at full precision and as a table for people.

#include "protocols/analyses/evaluate/estimate.h"
#include "protocols/analysis.h"

namespace consilium::evaluate {

AnalysisResult Render(const Evaluation& evaluation, const EvaluatePlan& plan);

}  // namespace consilium::evaluate
