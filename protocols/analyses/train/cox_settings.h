#pragma once

// The outcome of a trained model: a column, or an event and its time.

#include <vector>

#include "common/result.h"
#include "common/settings.h"
#include "protocols/analyses/train/settings.h"

namespace consilium::train {

/// One column, or two of a time to an event: what model = "cox" learns, and "mlp" where the plan
/// names them.
Result<std::vector<ContractColumn>> ParseOutcomes(const Settings& settings,
                                                  const Contract& contract,
                                                  ModelKind model);

}  // namespace consilium::train
