#pragma once

#include <cstdint>
#include <string>

#include "protocols/analysis.h"
#include "protocols/plan.h"

namespace consilium {

/// result.json: the fields every analysis shares (study, title, kind, sites, patients, rounds,
/// converged) and then the analysis's own, at full precision.
std::string ResultDocument(const Plan& plan, const AnalysisResult& result, std::uint32_t rounds);

}  // namespace consilium
