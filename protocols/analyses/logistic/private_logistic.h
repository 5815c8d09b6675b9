#pragma once

// Logistic regression under differential privacy: a fixed number of Newton steps on scores and
// information matrices of terms brought to -1 ... 1 by the contract's ranges, to which MakePrivate
// adds noise.

#include <memory>

#include "common/settings.h"
#include "protocols/analyses/glm/design.h"
#include "protocols/analysis.h"

namespace consilium {

/// `analysis` is the plan's table, for the places of errors.
Result<std::shared_ptr<const Analysis>> MakePrivateLogistic(const glm::Design& design,
                                                            const Settings& analysis);

}  // namespace consilium
