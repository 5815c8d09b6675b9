#pragma once

// Linear regression: ordinary least squares.

#include <memory>

#include "protocols/analyses/glm/family.h"

namespace consilium {

std::unique_ptr<glm::Family> MakeLinearFamily();

}  // namespace consilium
