#pragma once

// A Cox regression's fit as a JSON object at full precision and as a table for people.

#include "protocols/analyses/cox/fit.h"
#include "protocols/analysis.h"

namespace consilium::cox {

AnalysisResult Render(const CoxFit& fit, const CoxPlan& plan);

}  // namespace consilium::cox
