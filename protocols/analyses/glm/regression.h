#pragma once

// An Analysis made of a design, a family and options: what logistic, linear and poisson share.

#include <memory>

#include "common/settings.h"
#include "protocols/analyses/glm/family.h"
#include "protocols/analysis.h"

namespace consilium::glm {

/// Parses the [analysis] table of a regression of this family.
Result<std::unique_ptr<Analysis>> MakeRegression(const Settings& settings,
                                                 const Contract& contract,
                                                 std::unique_ptr<Family> family);

}  // namespace consilium::glm
