#pragma once

// How good given predictions of a yes/no outcome are: discrimination, calibration and net benefit,
// by sums over sites. Those of a time to an event are survival_evaluate.h's.

#include <memory>

#include "common/settings.h"
#include "protocols/analysis.h"

namespace consilium::evaluate {

/// Parses the [analysis] table, of either kind of outcome.
Result<std::unique_ptr<Analysis>> MakeEvaluate(const Settings& settings, const Contract& contract);

}  // namespace consilium::evaluate
