#include "protocols/analyses/glm/fit.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>
#include <utility>

#include "protocols/analyses/glm/moments.h"

namespace consilium::glm {
namespace {

/// R's glm.control(epsilon = 1e-14): the step that takes less than this part off the deviance is
/// the last. Its error is that step squared; the covariance is, as in R, that from before the step.
constexpr double kDevianceConverged = 1e-14;
/// Steps on the standardised scale below this are the last one whatever they do to the deviance.
constexpr double kStepConverged = 1e-10;
/// Steps that no longer shrink and are below this move by rounding alone.
constexpr double kRoundingFloor = 1e-6;
/// A term is determined by the others when what is its own is below this part of it.
constexpr double kCollinear = 1e-11;
/// A rise of the deviance below this part of it is rounding.
constexpr double kRise = 1e-11;
/// Separation: the deviance has settled (Newton's decrement, in units of deviance) ...
constexpr double kSettled = 1e-4;
/// ... yet coefficients move by this much, and by no less than half as much as in the round before.
constexpr double kStillMoving = 0.05;
constexpr double kNotShrinking = 0.5;
/// A least-squares fit that leaves less than this of the variance is evaluated once more.
constexpr double kTinyResidual = 1e-6;

/// A round's sums. In the starting round there is no deviance, and `score` holds the right-hand
/// side.
struct Evaluation {
  CommonSums common;
  double deviance = 0;
  std::vector<double> score;
  Symmetric information;
};

Result<Evaluation> Evaluate(Federation& federation, const GlmQuery& query, const Family& family) {
  const std::size_t outcomes = family.OutcomeSlices(1, 1).size();
  const std::size_t order = query.centres.size() + 1;
  const Aggregate aggregate = federation.Sum(EncodeQuery(query));
  const std::size_t deviances = query.step == Step::kNewton ? 1 : 0;
  Evaluation evaluation;
  TRY(evaluation.common,
      ReadCommon(aggregate, 2 + outcomes + deviances + order + TriangleSize(order), outcomes));
  const double* values = aggregate.values.data() + 2 + outcomes;
  if (deviances == 1) evaluation.deviance = *values++;
  evaluation.score.assign(values, values + order);
  values += order;
  evaluation.information = Symmetric(order);
  for (std::size_t i = 0; i < order; ++i) {
    for (std::size_t j = i; j < order; ++j) evaluation.information.Set(i, j, *values++);
  }
  return evaluation;
}

double LargestMagnitude(const std::vector<double>& values) {
  double largest = 0;
  for (const double value : values) largest = std::max(largest, std::abs(value));
  return largest;
}

std::string Quoted(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "\"" : ", \"") + name + "\"";
  return text;
}

tl::unexpected<Error> CollinearError(const Dependence& dependence, const Design& design) {
  if (dependence.column == 0) {
    return Fail(ErrorCode::kNotEstimable, "the sums hold no information about the intercept");
  }
  std::vector<std::string> others;
  for (const std::size_t column : dependence.on) {
    if (column > 0) others.push_back(design.terms[column - 1].name);
  }
  const std::string name = "\"" + design.terms[dependence.column - 1].name + "\"";
  return Fail(ErrorCode::kNotEstimable,
              "the term " + name + " is determined by " +
                  (others.empty() ? std::string("the intercept") : Quoted(others)) +
                  ": their effects cannot be told apart",
              "leave one of these terms out of the features, or add a ridge penalty");
}

/// Newton's method with step halving, one round an evaluation.
class Newton {
 public:
  Newton(Federation& federation,
         const Design& design,
         const Family& family,
         const FitOptions& options,
         GlmQuery query)
      : federation_(federation),
        design_(design),
        family_(family),
        options_(options),
        query_(std::move(query)),
        point_(query_.centres.size() + 1, 0.0) {}

  Result<Fit> Run() {
    Fit fit;
    if (!family_.gaussian()) TRY_STATUS(Begin(fit));
    query_.step = Step::kNewton;
    while (fit.iterations < options_.maximum_iterations && !fit.converged &&
           fit.separated.empty()) {
      query_.coefficients = point_;
      for (std::size_t j = 0; j < step_.size(); ++j) query_.coefficients[j] += step_[j];
      TRY(Evaluation evaluation, Evaluate(federation_, query_, family_));
      ++fit.iterations;
      if (RoseFrom(evaluation)) {
        for (double& move : step_) move /= 2;
        continue;
      }
      point_ = query_.coefficients;
      accepted_ = std::move(evaluation);
      TRY_STATUS(Advance(fit));
    }
    if (!accepted_)
      return Fail(ErrorCode::kCorrupt, "no evaluation of the likelihood was accepted");
    return Finish(std::move(fit));
  }

 private:
  /// Weighted least squares from the rows' own starting points gives the first coefficients.
  Status Begin(Fit& fit) {
    query_.step = Step::kStart;
    TRY(Evaluation start, Evaluate(federation_, query_, family_));
    ++fit.iterations;
    for (std::size_t j = 1; j < start.score.size(); ++j) {
      start.information.Set(j, j, start.information(j, j) + options_.ridge);
    }
    const Cholesky factor(start.information, kCollinear);
    if (factor.singular()) return CollinearError(*factor.dependence(), design_);
    step_ = factor.Solve(start.score);
    previous_ = step_;
    return {};
  }

  double Penalty(const std::vector<double>& point) const {
    double sum = 0;
    for (std::size_t j = 1; j < point.size(); ++j) sum += point[j] * point[j];
    return options_.ridge * sum;
  }

  /// Whether the penalised deviance got worse. Sums over other sites or rows cannot be compared.
  bool RoseFrom(const Evaluation& evaluation) const {
    if (!accepted_ || step_.empty()) return false;
    const CommonSums& before = accepted_->common;
    if (before.rows != evaluation.common.rows || before.sites != evaluation.common.sites) {
      return false;
    }
    if (LargestMagnitude(step_) <= kStepConverged) return false;
    const double old_value = accepted_->deviance + Penalty(point_);
    const double new_value = evaluation.deviance + Penalty(query_.coefficients);
    return !(new_value <= old_value + kRise * (1 + std::abs(old_value)));
  }

  /// Computes the next step from the accepted evaluation, and whether this is the end.
  Status Advance(Fit& fit) {
    std::vector<double> gradient = accepted_->score;
    hessian_ = accepted_->information;
    for (std::size_t j = 1; j < gradient.size(); ++j) {
      gradient[j] -= options_.ridge * point_[j];
      hessian_.Set(j, j, hessian_(j, j) + options_.ridge);
    }
    const Cholesky factor(hessian_, kCollinear);
    if (factor.singular()) {
      // The first evaluation weighs rows alike, so it shows collinear terms. Later, weights that
      // went to nothing do the same to terms that separate.
      if (previous_.empty()) return CollinearError(*factor.dependence(), design_);
      fit.separated = MovingTerms(previous_);
      return {};
    }
    step_ = factor.Solve(gradient);
    decrement_ = 0;
    for (std::size_t j = 0; j < step_.size(); ++j) decrement_ += gradient[j] * step_[j];
    fit.converged = HasConverged();
    if (!fit.converged && Separates()) fit.separated = MovingTerms(step_);
    previous_ = step_;
    if (fit.converged) inverse_ = factor.Inverse();
    return {};
  }

  bool HasConverged() const {
    const double largest = LargestMagnitude(step_);
    if (largest <= kStepConverged) return true;
    if (!family_.gaussian() &&
        std::abs(decrement_) <= kDevianceConverged * (accepted_->deviance + 0.1)) {
      return true;
    }
    if (family_.gaussian() && accepted_->deviance - decrement_ >= kTinyResidual * Total()) {
      return true;  // Least squares: the first step is exact.
    }
    return !previous_.empty() && largest < kRoundingFloor &&
           largest > kNotShrinking * LargestMagnitude(previous_);
  }

  /// The outcome's sum of squares about its mean, in the query's unit.
  double Total() const {
    const std::vector<double>& sums = accepted_->common.sums.outcome;
    return sums[1] - sums[0] * sums[0] / accepted_->common.sums.rows;
  }

  /// Steps in the unit in which they change the linear predictor: indicators by their jump from 0
  /// to 1, other terms by a standard deviation.
  std::vector<double> Movements(const std::vector<double>& step) const {
    std::vector<double> movements;
    for (std::size_t j = 0; j < design_.terms.size(); ++j) {
      const double unit = design_.terms[j].indicator ? query_.scales[j] : 1.0;
      movements.push_back(std::abs(step[j + 1]) / unit);
    }
    return movements;
  }

  bool Separates() const {
    if (previous_.empty() || decrement_ > kSettled || family_.gaussian()) return false;
    const double now = LargestMagnitude(Movements(step_));
    return now >= kStillMoving && now >= kNotShrinking * LargestMagnitude(Movements(previous_));
  }

  std::vector<std::size_t> MovingTerms(const std::vector<double>& step) const {
    const std::vector<double> movements = Movements(step);
    const double largest = LargestMagnitude(movements);
    std::vector<std::size_t> terms;
    for (std::size_t j = 0; j < movements.size(); ++j) {
      if (movements[j] >= 0.1 * largest) terms.push_back(j);
    }
    return terms;
  }

  Result<Fit> Finish(Fit fit) {
    fit.rows = accepted_->common.rows;
    fit.patients = accepted_->common.patients;
    fit.sites = accepted_->common.sites;
    fit.means = query_.centres;
    fit.deviations = query_.scales;
    fit.standardised = point_;
    double deviance = accepted_->deviance;
    if (fit.converged) {
      const double value = deviance + Penalty(point_) - decrement_;
      for (std::size_t j = 0; j < step_.size(); ++j) fit.standardised[j] += step_[j];
      deviance = std::max(0.0, value - Penalty(fit.standardised));
    }
    const double unit = query_.outcome_scale * query_.outcome_scale;
    const Likelihood likelihood = family_.Finish(deviance, accepted_->common.sums);
    fit.deviance = deviance * unit;
    fit.null_deviance = likelihood.null_deviance * unit;
    fit.log_likelihood = likelihood.log_likelihood;
    if (family_.gaussian()) {
      fit.log_likelihood -= accepted_->common.sums.rows * std::log(query_.outcome_scale);
    }
    TRY_STATUS(ToOwnUnits(deviance, fit));
    return fit;
  }

  /// coefficients = T standardised, covariance = T inverse(hessian) T' dispersion.
  Status ToOwnUnits(double deviance, Fit& fit) const {
    const std::size_t order = point_.size();
    const double unit = query_.outcome_scale;
    fit.coefficients.resize(order);
    double intercept = fit.standardised[0];
    for (std::size_t j = 1; j < order; ++j) {
      const double slope = fit.standardised[j] / query_.scales[j - 1];
      fit.coefficients[j] = slope * unit;
      intercept -= slope * query_.centres[j - 1];
    }
    fit.coefficients[0] = query_.outcome_centre + unit * intercept;
    if (!fit.converged) return {};
    double dispersion = 1;
    if (family_.gaussian()) {
      const double df = static_cast<double>(fit.rows) - static_cast<double>(order);
      if (df <= 0) {
        return Fail(
            ErrorCode::kNotEstimable,
            "there are no more complete cases than coefficients (" + std::to_string(order) + ")",
            "use fewer features");
      }
      dispersion = deviance / df;
    }
    std::vector<std::vector<double>> transform(order, std::vector<double>(order, 0.0));
    transform[0][0] = unit;
    for (std::size_t j = 1; j < order; ++j) {
      transform[j][j] = unit / query_.scales[j - 1];
      transform[0][j] = -unit * query_.centres[j - 1] / query_.scales[j - 1];
    }
    fit.covariance = Symmetric(order);
    for (std::size_t i = 0; i < order; ++i) {
      for (std::size_t j = i; j < order; ++j) {
        fit.covariance.Set(i, j, dispersion * Sandwich(transform[i], transform[j]));
      }
    }
    return {};
  }

  double Sandwich(const std::vector<double>& left, const std::vector<double>& right) const {
    double sum = 0;
    for (std::size_t i = 0; i < left.size(); ++i) {
      if (left[i] == 0) continue;
      double inner = 0;
      for (std::size_t j = 0; j < right.size(); ++j) inner += inverse_(i, j) * right[j];
      sum += left[i] * inner;
    }
    return sum;
  }

  Federation& federation_;
  const Design& design_;
  const Family& family_;
  const FitOptions& options_;
  GlmQuery query_;
  std::vector<double> point_;     ///< Where the accepted evaluation was made.
  std::vector<double> step_;      ///< From there.
  std::vector<double> previous_;  ///< The full step before that.
  double decrement_ = 0;          ///< What the full step should take off the penalised deviance.
  std::optional<Evaluation> accepted_;
  Symmetric hessian_;
  Symmetric inverse_;
};

}  // namespace

Result<Fit> RunFit(Federation& federation,
                   const Design& design,
                   const Family& family,
                   const FitOptions& options) {
  TRY(GlmQuery query, Standardise(federation, design, family));
  return Newton(federation, design, family, options, std::move(query)).Run();
}

}  // namespace consilium::glm
