#pragma once

// An Analysis made of a design, a family and options: what logistic, linear and poisson share.

#include <memory>
#include <vector>

#include "common/settings.h"
#include "protocols/analyses/glm/design.h"
#include "protocols/analyses/glm/family.h"
#include "protocols/analyses/glm/fit.h"
#include "protocols/analyses/glm/render.h"
#include "protocols/analysis.h"

namespace consilium::glm {

/// The keys "ridge" and "maximum_iterations".
Result<FitOptions> ParseFitOptions(const Settings& settings);
/// The key "confidence".
Result<double> ParseConfidence(const Settings& settings);
/// MakeDesign with at most kMaxTerms terms; errors are at the key "features".
Result<Design> ParseDesign(const Settings& settings,
                           const Contract& contract,
                           const std::vector<ContractColumn>& outcomes);

/// The [analysis] table of a regression.
struct RegressionPlan {
  Design design;
  FitOptions fit;
  RenderOptions render;
};

/// Of a plan that was parsed for this family.
std::unique_ptr<Analysis> RegressionOf(RegressionPlan plan, std::unique_ptr<Family> family);

/// Errors carry line and column.
Result<RegressionPlan> ParseRegression(const Settings& settings,
                                       const Contract& contract,
                                       const Family& family);

/// Parses the [analysis] table of a regression of this family.
Result<std::unique_ptr<Analysis>> MakeRegression(const Settings& settings,
                                                 const Contract& contract,
                                                 std::unique_ptr<Family> family);

}  // namespace consilium::glm
