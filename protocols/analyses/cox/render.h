#pragma once

// A Cox regression's fit as a JSON object at full precision and as a table for people.

#include "protocols/analyses/cox/fit.h"
#include "protocols/analyses/glm/tables.h"
#include "protocols/analysis.h"

namespace consilium::cox {

inline constexpr glm::Ratio kHazardRatio{"HR", "hazard_ratio"};

AnalysisResult Render(const CoxFit& fit, const CoxPlan& plan);

}  // namespace consilium::cox
