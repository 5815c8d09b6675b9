#pragma once

// A fit as a JSON object at full precision and as a table for people.

#include <string>

#include "protocols/analyses/glm/fit.h"

namespace consilium::glm {

struct RenderOptions {
  double confidence = 0.95;
  double ridge = 0;
};

/// Why a fit has no estimate, and what to do: empty for one that converged.
std::string TroubleOf(const Fit& fit, const Design& design, const Family& family);

AnalysisResult Render(const Fit& fit,
                      const Design& design,
                      const Family& family,
                      const RenderOptions& options);

}  // namespace consilium::glm
