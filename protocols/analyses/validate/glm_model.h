#pragma once

// What the validated logistic, linear and Poisson regressions share: their fit.

#include <memory>
#include <string>
#include <vector>

#include "protocols/analyses/glm/regression.h"
#include "protocols/analyses/validate/model.h"

namespace consilium::validate {

class GlmModel : public Model {
 public:
  const glm::Design& design() const override { return plan_.design; }
  double confidence() const override { return plan_.render.confidence; }
  std::vector<std::string> Names() const override;
  Result<Fitted> Fit(Federation& federation) const override;

 protected:
  GlmModel(glm::RegressionPlan plan, std::unique_ptr<glm::Family> (*make_family)(), Layout layout);

  const glm::Family& family() const { return *family_; }
  std::vector<Query> FitSamples() const;

 private:
  glm::RegressionPlan plan_;
  std::unique_ptr<glm::Family> family_;
};

/// Parses the keys of the regression behind "model".
Result<std::unique_ptr<Model>> MakeLogisticModel(const Settings& settings,
                                                 const Contract& contract);
Result<std::unique_ptr<Model>> MakeLinearModel(const Settings& settings, const Contract& contract);
Result<std::unique_ptr<Model>> MakePoissonModel(const Settings& settings, const Contract& contract);

}  // namespace consilium::validate
