#pragma once

// Logistic regression: log odds of a yes/no outcome.

#include <memory>

#include "protocols/analyses/glm/family.h"

namespace consilium {

std::unique_ptr<glm::Family> MakeLogisticFamily();

}  // namespace consilium
