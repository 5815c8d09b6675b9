#pragma once

// Meta-analysis: each site fits a regression to its own rows, and sums of the estimates and their
// weights give a common effect, fixed or random, and how much the sites differ.

#include <cstdint>
#include <memory>

#include "common/settings.h"
#include "protocols/analysis.h"

namespace consilium::meta {

/// Parses the [analysis] table. Fewer fits than `minimum_sites` give no estimate.
Result<std::unique_ptr<Analysis>> MakeMeta(const Settings& settings,
                                           const Contract& contract,
                                           std::uint32_t minimum_sites);

}  // namespace consilium::meta
