#pragma once

// The result as JSON and as the table that clinicians print first.

#include "protocols/analyses/summary/statistics.h"
#include "protocols/analysis.h"

namespace consilium::summary {

AnalysisResult Render(const Summary& summary, const SummaryPlan& plan);

}  // namespace consilium::summary
