#pragma once

// The validated Cox regression, stratified by site.

#include <memory>

#include "protocols/analyses/validate/model.h"

namespace consilium::validate {

/// Parses the regression's own keys.
Result<std::unique_ptr<Model>> MakeCoxModel(const Settings& settings, const Contract& contract);

}  // namespace consilium::validate
