#pragma once

// A Cox regression's fit as a JSON object at full precision and as a table for people.

#include <string>

#include "protocols/analyses/cox/fit.h"
#include "protocols/analyses/glm/tables.h"
#include "protocols/analysis.h"

namespace consilium::cox {

inline constexpr glm::Ratio kHazardRatio{"HR", "hazard_ratio"};

/// Why a fit has no estimate, and what to do: empty for one that converged.
std::string TroubleOf(const CoxFit& fit, const CoxPlan& plan);

AnalysisResult Render(const CoxFit& fit, const CoxPlan& plan);

}  // namespace consilium::cox
