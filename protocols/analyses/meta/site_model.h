#pragma once

// The regression that each site of a meta-analysis fits to its own rows.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/result.h"
#include "common/settings.h"
#include "protocols/analyses/glm/cholesky.h"
#include "protocols/analyses/glm/design.h"
#include "protocols/analyses/glm/tables.h"
#include "protocols/analysis.h"

namespace consilium::meta {

/// A site's own estimates, in the model's units: weight = 1 / standard error^2.
struct OwnFit {
  std::vector<double> estimates;
  std::vector<double> weights;
};

/// What a fit of one site's rows came to, in the terms' own units.
struct OwnEstimates {
  bool converged = false;  ///< Not where a linear fit is exact: it has no standard errors.
  std::uint64_t rows = 0;
  std::vector<double> coefficients;
  glm::Symmetric covariance;  ///< Only when converged.
};

/// An estimate of more than so many standard errors belongs to outcomes that are explained without
/// error, not to patients: the fit counts as none.
inline constexpr double kLargestStatistic = 1e9;

class SiteModel {
 public:
  virtual ~SiteModel() = default;

  /// The same regression of rows that lie in one place; also says what a site's own fit asks of it.
  const Analysis& analysis() const { return *analysis_; }
  virtual const glm::Design& design() const = 0;
  /// What exp(coefficient) is called.
  virtual glm::Ratio ratio() const = 0;
  /// Names of the coefficients, in order.
  const std::vector<std::string>& names() const { return names_; }
  /// Own units of one model unit of each coefficient: a power of two, so that nothing is rounded. A
  /// model unit changes the outcome, as far as the contract lets it vary, over about half of the
  /// term's range.
  const std::vector<double>& units() const { return units_; }
  /// No weight is larger, in the model's units; a fit with a larger one counts as none.
  double largest_weight() const { return largest_weight_; }

  /// Nothing where these rows alone have no estimate of every coefficient: separation, a term that
  /// is constant or determined by others, no more rows than coefficients, no convergence. The
  /// error is kDataQuality or kInvalidArgument, for rows that are not what the contract promises.
  Result<std::optional<OwnFit>> Fit(const CohortView& cohort) const;

 protected:
  SiteModel(std::unique_ptr<Analysis> analysis,
            std::vector<std::string> names,
            std::vector<double> units,
            double largest_weight);

 private:
  virtual Result<OwnEstimates> FitThrough(Federation& own_rows) const = 0;
  std::optional<OwnFit> InUnits(const OwnEstimates& estimates) const;

  std::unique_ptr<Analysis> analysis_;
  std::vector<std::string> names_;
  std::vector<double> units_;
  double largest_weight_ = 0;
};

/// By the key "model" and that kind's own keys, but for a penalty. Asks for every key of the table
/// that the caller has not asked for: others are errors.
Result<std::unique_ptr<SiteModel>> MakeSiteModel(const Settings& settings,
                                                 const Contract& contract);

}  // namespace consilium::meta
