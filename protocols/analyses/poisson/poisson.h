#pragma once

// Poisson regression: log rate of a count.

#include <memory>

#include "protocols/analyses/glm/family.h"

namespace consilium {

std::unique_ptr<glm::Family> MakePoissonFamily();

}  // namespace consilium
