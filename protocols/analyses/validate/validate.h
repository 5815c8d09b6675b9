#pragma once

// How good a regression is on rows that it has not seen: fitted on some rows of all sites and
// judged on the others, again and again, by sums over sites.

#include <cstdint>
#include <memory>

#include "common/settings.h"
#include "protocols/analysis.h"

namespace consilium::validate {

/// Parses the [analysis] table. What patients' folds hold out lies at `minimum_sites` sites, or is
/// not looked at.
Result<std::unique_ptr<Analysis>> MakeValidate(const Settings& settings,
                                               const Contract& contract,
                                               std::uint32_t minimum_sites);

}  // namespace consilium::validate
