#include "protocols/analyses/validate/glm_model.h"

#include <cmath>
#include <utility>

#include "protocols/analyses/glm/fit.h"
#include "protocols/analyses/glm/query.h"
#include "protocols/analyses/glm/render.h"
#include "protocols/analyses/glm/tables.h"

namespace consilium::validate {

GlmModel::GlmModel(glm::RegressionPlan plan,
                   std::unique_ptr<glm::Family> (*make_family)(),
                   Layout layout)
    : Model(glm::RegressionOf(plan, make_family()), std::move(layout)),
      plan_(std::move(plan)),
      family_(make_family()) {}

std::vector<std::string> GlmModel::Names() const {
  std::vector<std::string> names = {std::string(glm::kIntercept)};
  for (const glm::Term& term : design().terms) names.push_back(term.name);
  return names;
}

std::vector<Query> GlmModel::FitSamples() const {
  glm::GlmQuery query = glm::FirstQuery(design(), *family_);
  std::vector<Query> samples = {glm::EncodeQuery(query)};
  if (!family_->gaussian()) {
    query.step = glm::Step::kStart;
    samples.push_back(glm::EncodeQuery(query));
  }
  query.step = glm::Step::kNewton;
  query.coefficients.assign(1 + design().terms.size(), 0.0);
  samples.push_back(glm::EncodeQuery(query));
  return samples;
}

Result<Fitted> GlmModel::Fit(Federation& federation) const {
  TRY(const glm::Fit fit, glm::RunFit(federation, design(), *family_, plan_.fit));
  Fitted fitted;
  fitted.coefficients = fit.coefficients;
  fitted.trouble = glm::TroubleOf(fit, design(), *family_);
  if (family_->gaussian()) {
    // The intercept is not penalised, so the fit goes through the means.
    fitted.outcome_mean = fit.coefficients[0];
    for (std::size_t j = 0; j < fit.means.size(); ++j) {
      fitted.outcome_mean += fit.coefficients[j + 1] * fit.means[j];
    }
    fitted.outcome_deviation = std::sqrt(fit.null_deviance / static_cast<double>(fit.rows - 1));
  }
  fitted.render = [this, fit] { return glm::Render(fit, design(), *family_, plan_.render); };
  return fitted;
}

}  // namespace consilium::validate
