#pragma once

// Table 1: each variable's counts, moments and quantiles, by group, and how groups differ.

#include <memory>

#include "common/result.h"
#include "common/settings.h"
#include "protocols/analysis.h"
#include "protocols/contract.h"

namespace consilium::summary {

/// Plan keys: docs/analyses/summary.md.
Result<std::unique_ptr<Analysis>> MakeSummary(const Settings& settings, const Contract& contract);

}  // namespace consilium::summary
