#pragma once

// Linear regression under differential privacy: one sum of squares and products of terms and
// outcome, each brought to -1 ... 1 by the contract's ranges, to which MakePrivate adds noise.

#include <memory>

#include "common/settings.h"
#include "protocols/analyses/glm/design.h"
#include "protocols/analysis.h"

namespace consilium {

/// `analysis` is the plan's table, for the places of errors.
Result<std::shared_ptr<const Analysis>> MakePrivateLinear(const glm::Design& design,
                                                          const Settings& analysis);

}  // namespace consilium
