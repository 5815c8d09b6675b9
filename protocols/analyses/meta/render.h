#pragma once

// A meta-analysis as a JSON object at full precision and as tables for people.

#include "protocols/analyses/meta/combine.h"
#include "protocols/analysis.h"

namespace consilium::meta {

/// The line that the plan takes for the coefficient: Hartung and Knapp's falls back on the random
/// effect's where there is none.
const glm::Coefficient& LineOf(const PooledCoefficient& pooled, Effects effects);

AnalysisResult Render(const MetaResult& result, const MetaPlan& plan);

}  // namespace consilium::meta
