#pragma once

// The plan of a meta-analysis: its keys and their checks.

#include <cstdint>
#include <memory>
#include <string_view>

#include "common/result.h"
#include "common/settings.h"
#include "protocols/analyses/meta/site_model.h"

namespace consilium::meta {

/// Which of its lines a result gives as the coefficients; it has all.
enum class Effects : std::uint8_t {
  kHartungKnapp,  ///< Random effects; the estimate's variance from the spread of the estimates.
  kRandom,        ///< Random effects; the variance from the weights.
  kFixed          ///< One effect for all sites.
};

std::string_view NameOf(Effects effects);  ///< "hartung-knapp"

struct MetaPlan {
  std::unique_ptr<SiteModel> model;
  Effects effects = Effects::kHartungKnapp;
  double confidence = 0.95;
  std::uint32_t minimum_fits = 3;  ///< With fewer fits no estimate leaves a site.
};

/// The [analysis] table. `minimum_sites` is the plan's: so many sites must have a fit. Errors carry
/// line and column.
Result<MetaPlan> ParseMetaPlan(const Settings& settings,
                               const Contract& contract,
                               std::uint32_t minimum_sites);

}  // namespace consilium::meta
