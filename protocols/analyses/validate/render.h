#pragma once

// A validation as JSON at full precision and as a table for people.

#include "protocols/analyses/validate/estimate.h"
#include "protocols/analysis.h"

namespace consilium::validate {

AnalysisResult Render(const Validation& validation, const ValidatePlan& plan);

}  // namespace consilium::validate
