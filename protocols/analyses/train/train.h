#pragma once

// kind = "train": models that sites train on their own rows, round after round, and whose updates
// alone are summed.

#include <memory>

#include "common/settings.h"
#include "protocols/analysis.h"
#include "protocols/contract.h"

namespace consilium::train {

Result<std::unique_ptr<Analysis>> MakeTrain(const Settings& settings, const Contract& contract);

}  // namespace consilium::train
