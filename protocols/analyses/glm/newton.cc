#include "protocols/analyses/glm/newton.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "protocols/analyses/glm/slices.h"

namespace consilium::glm {
namespace {

/// Steps on the standardised scale below this are the last one whatever they do to the deviance.
constexpr double kStepConverged = 1e-10;
/// Steps that no longer shrink and are below this move by rounding alone.
constexpr double kRoundingFloor = 1e-6;
/// A coefficient is determined by the others when what is its own is below this part of it.
constexpr double kCollinear = 1e-11;
/// A rise of the deviance below this part of it is rounding.
constexpr double kRise = 1e-11;
/// Separation: the deviance has settled (Newton's decrement, in units of deviance) ...
constexpr double kSettled = 1e-4;
/// ... yet coefficients move by this much, and by no less than half as much as in the round before.
constexpr double kStillMoving = 0.05;
constexpr double kNotShrinking = 0.5;
/// Those that move by this part of the fastest are named.
constexpr double kMovesAlong = 0.1;

double LargestMagnitude(const std::vector<double>& values) {
  double largest = 0;
  for (const double value : values) largest = std::max(largest, std::abs(value));
  return largest;
}

class Newton {
 public:
  Newton(SummedLikelihood& likelihood, const NewtonOptions& options)
      : likelihood_(likelihood), options_(options) {
    found_.point.assign(options.penalties.size(), 0.0);
    step_ = previous_ = options.first_step;
  }

  Result<Maximum> Run() {
    while (found_.evaluations < options_.maximum_evaluations && !found_.converged &&
           found_.separated.empty()) {
      std::vector<double> point = found_.point;
      for (std::size_t j = 0; j < step_.size(); ++j) point[j] += step_[j];
      TRY(Evaluation evaluation, likelihood_.At(point));
      ++found_.evaluations;
      if (RoseFrom(evaluation, point)) {
        for (double& move : step_) move /= 2;
        continue;
      }
      found_.point = std::move(point);
      found_.last = std::move(evaluation);
      accepted_ = true;
      TRY_STATUS(Advance());
    }
    if (!accepted_) {
      return Fail(ErrorCode::kCorrupt, "no evaluation of the likelihood was accepted");
    }
    return Finish();
  }

 private:
  double Penalty(const std::vector<double>& point) const {
    double sum = 0;
    for (std::size_t j = 0; j < point.size(); ++j) {
      sum += options_.penalties[j] * point[j] * point[j];
    }
    return sum;
  }

  /// Whether the penalised deviance got worse. Sums over other sites or rows cannot be compared.
  bool RoseFrom(const Evaluation& evaluation, const std::vector<double>& point) const {
    if (!accepted_ || step_.empty()) return false;
    const Evaluation& before = found_.last;
    if (before.rows != evaluation.rows || before.sites != evaluation.sites) return false;
    if (LargestMagnitude(step_) <= kStepConverged) return false;
    const double old_value = before.deviance + Penalty(found_.point);
    const double new_value = evaluation.deviance + Penalty(point);
    return !(new_value <= old_value + kRise * (1 + std::abs(old_value)));
  }

  /// Computes the next step from the accepted evaluation, and whether this is the end.
  Status Advance() {
    std::vector<double> gradient = found_.last.score;
    Symmetric hessian = found_.last.information;
    for (std::size_t j = 0; j < gradient.size(); ++j) {
      gradient[j] -= options_.penalties[j] * found_.point[j];
      hessian.Set(j, j, hessian(j, j) + options_.penalties[j]);
    }
    const Cholesky factor(hessian, kCollinear);
    if (factor.singular()) {
      // The first evaluation shows collinear terms. Later, weights that went to nothing do the same
      // to terms that separate.
      if (previous_.empty() || options_.units.empty()) {
        return likelihood_.NotIdentified(*factor.dependence());
      }
      found_.separated = MovingTerms(previous_);
      return {};
    }
    step_ = factor.Solve(gradient);
    decrement_ = 0;
    for (std::size_t j = 0; j < step_.size(); ++j) decrement_ += gradient[j] * step_[j];
    found_.converged = HasConverged();
    if (!found_.converged && Separates()) found_.separated = MovingTerms(step_);
    previous_ = step_;
    if (found_.converged) found_.inverse = factor.Inverse();
    return {};
  }

  bool HasConverged() const {
    const double largest = LargestMagnitude(step_);
    if (largest <= kStepConverged) return true;
    if (likelihood_.IsLastStep(found_.last, decrement_)) return true;
    return !previous_.empty() && largest < kRoundingFloor &&
           largest > kNotShrinking * LargestMagnitude(previous_);
  }

  std::vector<double> Movements(const std::vector<double>& step) const {
    std::vector<double> movements;
    for (std::size_t j = 0; j < step.size(); ++j) {
      const double unit = options_.units[j];
      movements.push_back(unit > 0 ? std::abs(step[j]) / unit : 0.0);
    }
    return movements;
  }

  bool Separates() const {
    if (previous_.empty() || options_.units.empty() || decrement_ > kSettled) return false;
    const double now = LargestMagnitude(Movements(step_));
    return now >= kStillMoving && now >= kNotShrinking * LargestMagnitude(Movements(previous_));
  }

  std::vector<std::size_t> MovingTerms(const std::vector<double>& step) const {
    const std::vector<double> movements = Movements(step);
    const double largest = LargestMagnitude(movements);
    std::vector<std::size_t> terms;
    for (std::size_t j = 0; j < movements.size(); ++j) {
      if (options_.units[j] > 0 && movements[j] >= kMovesAlong * largest) terms.push_back(j);
    }
    return terms;
  }

  Maximum Finish() {
    found_.coefficients = found_.point;
    found_.deviance = found_.last.deviance;
    if (found_.converged) {
      const double value = found_.deviance + Penalty(found_.point) - decrement_;
      for (std::size_t j = 0; j < step_.size(); ++j) found_.coefficients[j] += step_[j];
      found_.deviance = value - Penalty(found_.coefficients);
    }
    return std::move(found_);
  }

  SummedLikelihood& likelihood_;
  const NewtonOptions& options_;
  Maximum found_;
  bool accepted_ = false;         ///< Whether found_ holds an evaluation.
  std::vector<double> step_;      ///< From found_.point.
  std::vector<double> previous_;  ///< The full step before that.
  double decrement_ = 0;          ///< What the full step should take off the penalised deviance.
};

}  // namespace

void ReadDerivatives(const double* values, std::size_t order, Evaluation& evaluation) {
  evaluation.score.assign(values, values + order);
  values += order;
  evaluation.information = FromTriangle({values, TriangleSize(order)}, order);
}

Result<Maximum> Maximise(SummedLikelihood& likelihood, const NewtonOptions& options) {
  return Newton(likelihood, options).Run();
}

}  // namespace consilium::glm
