#include "protocols/analyses/glm/fit.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "protocols/analyses/glm/newton.h"
#include "protocols/analyses/glm/tables.h"

namespace consilium::glm {
namespace {

/// R's glm.control(epsilon = 1e-14): the step that takes less than this part off the deviance is
/// the last. Its error is that step squared; the covariance is, as in R, that from before the step.
constexpr double kDevianceConverged = 1e-14;
/// A term of the starting round is determined by the others when what is its own is below this part
/// of it.
constexpr double kCollinear = 1e-11;
/// A least-squares fit that leaves less than this of the variance is evaluated once more.
constexpr double kTinyResidual = 1e-6;

/// A residual sum of squares below these parts of the outcome's sums of squares is rounding. About
/// the mean: Newton's steps are good to 1e-10 of a standard deviation, so residuals below that are
/// its own. About zero: a double holds an outcome to 1e-16 of itself, and a linear predictor adds a
/// few such errors (R's summary.lm calls a fit "essentially perfect" at 1e-30, with the outcome as
/// it is; here it was also centred and scaled).
constexpr double kRoundingOfSpread = 1e-20;
constexpr double kRoundingOfSize = 1e-28;

/// The sums of a regression's Newton rounds.
class FederatedLikelihood final : public SummedLikelihood {
 public:
  FederatedLikelihood(Federation& federation,
                      const Design& design,
                      const Family& family,
                      GlmQuery query)
      : federation_(federation), design_(design), family_(family), query_(std::move(query)) {}

  const GlmQuery& query() const { return query_; }
  const CommonSums& common() const { return common_; }

  /// Right-hand side and matrix of the weighted least squares from the rows' own starting points.
  Result<Evaluation> Start() {
    query_.step = Step::kStart;
    return Ask();
  }

  Result<Evaluation> At(const std::vector<double>& coefficients) override {
    query_.step = Step::kNewton;
    query_.coefficients = coefficients;
    return Ask();
  }

  bool IsLastStep(const Evaluation& here, double decrement) const override {
    if (!family_.gaussian()) {
      return std::abs(decrement) <= kDevianceConverged * (here.deviance + 0.1);
    }
    // Least squares: the first step is exact.
    return here.deviance - decrement >= kTinyResidual * Total();
  }

  tl::unexpected<Error> NotIdentified(const Dependence& dependence) const override {
    return CollinearError(dependence, design_, 1);
  }

  /// Whether a linear fit with this deviance leaves nothing of the outcome but rounding.
  bool IsRounding(double deviance) const {
    return family_.gaussian() &&
           deviance <= std::max(kRoundingOfSpread * Total(), kRoundingOfSize * Size());
  }

 private:
  Result<Evaluation> Ask() {
    const std::size_t outcomes = family_.OutcomeSlices(1, 1).size();
    const std::size_t order = design_.terms.size() + 1;
    const Aggregate aggregate = federation_.Sum(EncodeQuery(query_));
    const std::size_t deviances = query_.step == Step::kNewton ? 1 : 0;
    TRY(common_,
        ReadCommon(aggregate, 2 + outcomes + deviances + order + TriangleSize(order), outcomes));
    Evaluation evaluation;
    evaluation.rows = common_.rows;
    evaluation.sites = common_.sites;
    const double* values = aggregate.values.data() + 2 + outcomes;
    if (deviances == 1) evaluation.deviance = *values++;
    ReadDerivatives(values, order, evaluation);
    return evaluation;
  }

  /// The outcome's sum of squares about its mean, in the query's unit.
  double Total() const {
    const std::vector<double>& sums = common_.sums.outcome;
    return sums[1] - sums[0] * sums[0] / common_.sums.rows;
  }

  /// The same about zero.
  double Size() const {
    const std::vector<double>& sums = common_.sums.outcome;
    const double centre = query_.outcome_centre / query_.outcome_scale;
    return sums[1] + 2 * centre * sums[0] + centre * centre * common_.sums.rows;
  }

  Federation& federation_;
  const Design& design_;
  const Family& family_;
  GlmQuery query_;
  CommonSums common_;  ///< Of the last round.
};

/// Weighted least squares from the rows' own starting points gives the first coefficients.
Result<std::vector<double>> FirstStep(FederatedLikelihood& likelihood,
                                      const std::vector<double>& penalties) {
  TRY(Evaluation start, likelihood.Start());
  for (std::size_t j = 0; j < penalties.size(); ++j) {
    start.information.Set(j, j, start.information(j, j) + penalties[j]);
  }
  const Cholesky factor(start.information, kCollinear);
  if (factor.singular()) return likelihood.NotIdentified(*factor.dependence());
  return factor.Solve(start.score);
}

/// left' inverse right
double Sandwich(const Symmetric& inverse,
                const std::vector<double>& left,
                const std::vector<double>& right) {
  double sum = 0;
  for (std::size_t i = 0; i < left.size(); ++i) {
    if (left[i] == 0) continue;
    double inner = 0;
    for (std::size_t j = 0; j < right.size(); ++j) inner += inverse(i, j) * right[j];
    sum += left[i] * inner;
  }
  return sum;
}

/// The estimate of the noise's variance; 1 where there is none to estimate.
Result<double> Dispersion(double deviance, const Family& family, const Fit& fit) {
  if (!family.gaussian()) return 1.0;
  const std::size_t order = fit.standardised.size();
  const double df = static_cast<double>(fit.rows) - static_cast<double>(order);
  if (df > 0) return deviance / df;
  return Fail(ErrorCode::kNotEstimable,
              "there are no more complete cases than coefficients (" + std::to_string(order) + ")",
              "use fewer features");
}

/// coefficients = T standardised, covariance = T inverse T' dispersion.
Status ToOwnUnits(const GlmQuery& query, const Maximum& maximum, const Family& family, Fit& fit) {
  const std::size_t order = fit.standardised.size();
  const std::vector<double>& centres = query.scaling.centres;
  const std::vector<double>& scales = query.scaling.scales;
  const double unit = query.outcome_scale;
  fit.coefficients.resize(order);
  double intercept = fit.standardised[0];
  for (std::size_t j = 1; j < order; ++j) {
    const double slope = fit.standardised[j] / scales[j - 1];
    fit.coefficients[j] = slope * unit;
    intercept -= slope * centres[j - 1];
  }
  fit.coefficients[0] = query.outcome_centre + unit * intercept;
  if (!fit.converged) return {};
  TRY(const double dispersion, Dispersion(maximum.deviance, family, fit));
  if (fit.exact) return {};
  std::vector<std::vector<double>> transform(order, std::vector<double>(order, 0.0));
  transform[0][0] = unit;
  for (std::size_t j = 1; j < order; ++j) {
    transform[j][j] = unit / scales[j - 1];
    transform[0][j] = -unit * centres[j - 1] / scales[j - 1];
  }
  fit.covariance = Symmetric(order);
  for (std::size_t i = 0; i < order; ++i) {
    for (std::size_t j = i; j < order; ++j) {
      fit.covariance.Set(i, j, dispersion * Sandwich(maximum.inverse, transform[i], transform[j]));
    }
  }
  return {};
}

Result<Fit> FitOf(Maximum maximum, const FederatedLikelihood& likelihood, const Family& family) {
  const GlmQuery& query = likelihood.query();
  const Sums& sums = likelihood.common().sums;
  Fit fit;
  fit.converged = maximum.converged;
  for (const std::size_t coefficient : maximum.separated) fit.separated.push_back(coefficient - 1);
  fit.iterations = maximum.evaluations;
  fit.rows = maximum.last.rows;
  fit.sites = maximum.last.sites;
  fit.patients = likelihood.common().patients;
  fit.means = query.scaling.centres;
  fit.deviations = query.scaling.scales;
  fit.standardised = maximum.coefficients;
  fit.exact = maximum.converged && likelihood.IsRounding(maximum.deviance);
  maximum.deviance = fit.exact ? 0.0 : std::max(0.0, maximum.deviance);
  const double unit = query.outcome_scale * query.outcome_scale;
  const Likelihood finished = family.Finish(maximum.deviance, sums);
  fit.deviance = maximum.deviance * unit;
  fit.null_deviance = finished.null_deviance * unit;
  fit.log_likelihood = finished.log_likelihood;
  if (family.gaussian()) fit.log_likelihood -= sums.rows * std::log(query.outcome_scale);
  TRY_STATUS(ToOwnUnits(query, maximum, family, fit));
  return fit;
}

}  // namespace

std::vector<double> MovementUnits(const Design& design, const Scaling& scaling) {
  std::vector<double> units;
  for (std::size_t j = 0; j < design.terms.size(); ++j) {
    units.push_back(design.terms[j].indicator ? scaling.scales[j] : 1.0);
  }
  return units;
}

tl::unexpected<Error> CollinearError(const Dependence& dependence,
                                     const Design& design,
                                     std::size_t first) {
  if (dependence.column < first) {
    return Fail(ErrorCode::kNotEstimable, "the sums hold no information about the intercept");
  }
  std::vector<std::string> others;
  for (const std::size_t column : dependence.on) {
    if (column >= first) others.push_back(design.terms[column - first].name);
  }
  const std::string name = "\"" + design.terms[dependence.column - first].name + "\"";
  return Fail(ErrorCode::kNotEstimable,
              "the term " + name + " is determined by " +
                  (others.empty() ? std::string("the intercept") : Quoted(others)) +
                  ": their effects cannot be told apart",
              "leave one of these terms out of the features, or add a ridge penalty");
}

Result<Fit> RunFit(Federation& federation,
                   const Design& design,
                   const Family& family,
                   const FitOptions& options) {
  TRY(GlmQuery query, Standardise(federation, design, family));
  FederatedLikelihood likelihood(federation, design, family, std::move(query));
  NewtonOptions newton;
  newton.maximum_evaluations = options.maximum_iterations;
  newton.penalties.assign(design.terms.size() + 1, options.ridge);
  newton.penalties[0] = 0;
  if (!family.gaussian()) {
    newton.units = MovementUnits(design, likelihood.query().scaling);
    newton.units.insert(newton.units.begin(), 0.0);
    TRY(newton.first_step, FirstStep(likelihood, newton.penalties));
    --newton.maximum_evaluations;
  }
  TRY(Maximum maximum, Maximise(likelihood, newton));
  if (!family.gaussian()) ++maximum.evaluations;
  return FitOf(std::move(maximum), likelihood, family);
}

}  // namespace consilium::glm
