#include "protocols/analyses/meta/site_model.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "protocols/analyses/cox/cox.h"
#include "protocols/analyses/cox/fit.h"
#include "protocols/analyses/cox/render.h"
#include "protocols/analyses/glm/fit.h"
#include "protocols/analyses/glm/regression.h"
#include "protocols/analyses/linear/linear.h"
#include "protocols/analyses/logistic/logistic.h"
#include "protocols/analyses/meta/own_rows.h"
#include "protocols/analyses/poisson/poisson.h"

namespace consilium::meta {
namespace {

/// Of the outcome's half range: residuals smaller than that are rounding.
constexpr double kSmallestResidual = 1e-6;

/// The smallest power of two that is no less than half the width.
double HalfWidthUnit(double minimum, double maximum) {
  int exponent = 0;
  const double fraction = std::frexp((maximum - minimum) / 2, &exponent);
  return std::ldexp(1.0, fraction == 0.5 ? exponent - 1 : exponent);
}

/// Of each term, for an outcome that counts in units of its own.
std::vector<double> TermUnits(const glm::Design& design, double outcome_unit) {
  std::vector<double> units;
  for (const glm::Term& term : design.terms) {
    units.push_back(outcome_unit / HalfWidthUnit(term.minimum, term.maximum));
  }
  return units;
}

std::vector<std::string> TermNames(const glm::Design& design) {
  std::vector<std::string> names;
  for (const glm::Term& term : design.terms) names.push_back(term.name);
  return names;
}

class GlmModel final : public SiteModel {
 public:
  static std::unique_ptr<SiteModel> Make(std::unique_ptr<Analysis> analysis,
                                         glm::RegressionPlan plan,
                                         std::unique_ptr<glm::Family> family) {
    const glm::Design& design = plan.design;
    const double unit =
        family->gaussian() ? HalfWidthUnit(design.outcome_minimum, design.outcome_maximum) : 1;
    std::vector<std::string> names = TermNames(design);
    names.insert(names.begin(), std::string(glm::kIntercept));
    std::vector<double> units = TermUnits(design, unit);
    units.insert(units.begin(), unit);
    const double most =
        LargestRowWeight(design, *family) * static_cast<double>(design.maximum_rows);
    return std::unique_ptr<SiteModel>(new GlmModel(std::move(analysis), std::move(plan),
                                                   std::move(family), std::move(names),
                                                   std::move(units), most));
  }

  const glm::Design& design() const override { return plan_.design; }
  glm::Ratio ratio() const override { return {family_->ratio_name(), family_->ratio_field()}; }

 private:
  GlmModel(std::unique_ptr<Analysis> analysis,
           glm::RegressionPlan plan,
           std::unique_ptr<glm::Family> family,
           std::vector<std::string> names,
           std::vector<double> units,
           double largest_weight)
      : SiteModel(std::move(analysis), std::move(names), std::move(units), largest_weight),
        plan_(std::move(plan)),
        family_(std::move(family)) {}

  /// A coefficient's weight is no more than its diagonal entry of the information, whatever the
  /// term's origin: rows add at most their weight each. At its maximum a Poisson likelihood's
  /// weights add up to the counts.
  static double LargestRowWeight(const glm::Design& design, const glm::Family& family) {
    if (family.gaussian()) return 1 / (kSmallestResidual * kSmallestResidual);
    return std::max(1.0, design.outcome_maximum);
  }

  Result<OwnEstimates> FitThrough(Federation& own_rows) const override {
    TRY(glm::Fit fit, glm::RunFit(own_rows, plan_.design, *family_, plan_.fit));
    return OwnEstimates{fit.converged && !fit.exact, fit.rows, std::move(fit.coefficients),
                        std::move(fit.covariance)};
  }

  glm::RegressionPlan plan_;
  std::unique_ptr<glm::Family> family_;
};

class CoxModel final : public SiteModel {
 public:
  static std::unique_ptr<SiteModel> Make(std::unique_ptr<Analysis> analysis, cox::CoxPlan plan) {
    std::vector<std::string> names = TermNames(plan.design);
    std::vector<double> units = TermUnits(plan.design, 1);
    return std::unique_ptr<SiteModel>(
        new CoxModel(std::move(analysis), std::move(plan), std::move(names), std::move(units)));
  }

  const glm::Design& design() const override { return plan_.design; }
  glm::Ratio ratio() const override { return cox::kHazardRatio; }

 private:
  /// Each event adds the variance of a term within its risk set: at most 1.
  CoxModel(std::unique_ptr<Analysis> analysis,
           cox::CoxPlan plan,
           std::vector<std::string> names,
           std::vector<double> units)
      : SiteModel(std::move(analysis),
                  std::move(names),
                  std::move(units),
                  static_cast<double>(plan.design.maximum_rows)),
        plan_(std::move(plan)) {}

  Result<OwnEstimates> FitThrough(Federation& own_rows) const override {
    TRY(cox::CoxFit fit, cox::RunCox(own_rows, plan_));
    return OwnEstimates{fit.converged, fit.rows, std::move(fit.coefficients),
                        std::move(fit.covariance)};
  }

  cox::CoxPlan plan_;
};

Result<std::unique_ptr<SiteModel>> MakeGlmModel(const Settings& settings,
                                                const Contract& contract,
                                                std::unique_ptr<glm::Family> (*make_family)()) {
  TRY(glm::RegressionPlan plan, glm::ParseRegression(settings, contract, *make_family()));
  std::unique_ptr<Analysis> analysis = glm::RegressionOf(plan, make_family());
  return GlmModel::Make(std::move(analysis), std::move(plan), make_family());
}

Result<std::unique_ptr<SiteModel>> MakeCoxModel(const Settings& settings,
                                                const Contract& contract) {
  TRY(cox::CoxPlan plan, cox::ParseCoxPlan(settings, contract));
  TRY(std::unique_ptr<Analysis> analysis, cox::MakeCox(settings, contract));
  return CoxModel::Make(std::move(analysis), std::move(plan));
}

}  // namespace

SiteModel::SiteModel(std::unique_ptr<Analysis> analysis,
                     std::vector<std::string> names,
                     std::vector<double> units,
                     double largest_weight)
    : analysis_(std::move(analysis)),
      names_(std::move(names)),
      units_(std::move(units)),
      largest_weight_(largest_weight) {}

std::optional<OwnFit> SiteModel::InUnits(const OwnEstimates& estimates) const {
  if (!estimates.converged || estimates.rows <= names_.size()) return std::nullopt;
  OwnFit fit;
  for (std::size_t j = 0; j < names_.size(); ++j) {
    const double estimate = estimates.coefficients[j] / units_[j];
    const double weight = units_[j] * units_[j] / estimates.covariance(j, j);
    // False for what is no number, too.
    if (!(weight > 0 && weight <= largest_weight_)) return std::nullopt;
    if (!(std::abs(estimate) * std::sqrt(weight) <= kLargestStatistic)) return std::nullopt;
    fit.estimates.push_back(estimate);
    fit.weights.push_back(weight);
  }
  return fit;
}

Result<std::optional<OwnFit>> SiteModel::Fit(const CohortView& cohort) const {
  TRY_STATUS(glm::CheckCohort(design(), cohort));
  OwnRows own_rows(*analysis_, cohort);
  try {
    const Result<OwnEstimates> estimates = FitThrough(own_rows);
    if (!estimates) return std::optional<OwnFit>();
    return InUnits(*estimates);
  } catch (const StudyInterrupted&) {
    // A search that ran off to where sums have no bound ended without an estimate.
    const Error& error = own_rows.error().value();
    if (error.code == ErrorCode::kInvalidArgument) return std::optional<OwnFit>();
    return tl::unexpected<Error>(error);
  }
}

Result<std::unique_ptr<SiteModel>> MakeSiteModel(const Settings& settings,
                                                 const Contract& contract) {
  TRY(const std::string model, settings.Choice("model", {"cox", "linear", "logistic", "poisson"}));
  if (settings.Has("ridge")) {
    return settings.FailAt("ridge",
                           "estimates that a penalty draws towards zero cannot be averaged",
                           "leave the key out");
  }
  if (model == "linear") return MakeGlmModel(settings, contract, &MakeLinearFamily);
  if (model == "logistic") return MakeGlmModel(settings, contract, &MakeLogisticFamily);
  if (model == "poisson") return MakeGlmModel(settings, contract, &MakePoissonFamily);
  return MakeCoxModel(settings, contract);
}

}  // namespace consilium::meta
