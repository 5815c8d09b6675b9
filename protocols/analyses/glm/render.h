#pragma once

// A fit as a JSON object at full precision and as a table for people.

#include "protocols/analyses/glm/fit.h"

namespace consilium::glm {

struct RenderOptions {
  double confidence = 0.95;
  double ridge = 0;
};

AnalysisResult Render(const Fit& fit,
                      const Design& design,
                      const Family& family,
                      const RenderOptions& options);

}  // namespace consilium::glm
