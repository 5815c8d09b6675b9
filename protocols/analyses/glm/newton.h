#pragma once

// Newton's method with step halving on a likelihood whose value and derivatives are sums over
// sites: one round an evaluation. It says when there is no maximum to go to.

#include <cstdint>
#include <vector>

#include "common/result.h"
#include "protocols/analyses/glm/cholesky.h"

namespace consilium::glm {

/// What a round's sums say at a point, for p coefficients.
struct Evaluation {
  std::uint64_t rows = 0;  ///< With `sites`: only sums over the same can be compared.
  std::uint32_t sites = 0;
  double deviance = 0;        ///< -2 log-likelihood, up to a constant.
  std::vector<double> score;  ///< p: the log-likelihood's first derivatives.
  Symmetric information;      ///< p x p: its negative second derivatives.
};

/// Reads score and the upper triangle of the information, as ScoreSlice and InformationSlice
/// describe them.
void ReadDerivatives(const double* values, std::size_t order, Evaluation& evaluation);

class SummedLikelihood {
 public:
  virtual ~SummedLikelihood() = default;
  /// Asks all sites.
  virtual Result<Evaluation> At(const std::vector<double>& coefficients) = 0;
  /// Whether the full step from `here`, which should take `decrement` off the penalised deviance,
  /// is so small that no evaluation need follow it.
  virtual bool IsLastStep(const Evaluation& here, double decrement) const = 0;
  /// The error when the information at the first point is singular.
  virtual tl::unexpected<Error> NotIdentified(const Dependence& dependence) const = 0;
};

struct NewtonOptions {
  std::uint32_t maximum_evaluations = 25;  ///< Halved steps included.
  /// Each coefficient's part of the penalty, penalty / 2 x coefficient^2; one entry a coefficient.
  std::vector<double> penalties;
  /// Where a likelihood may have no maximum: each coefficient's unit, in which a step of 1 changes
  /// the linear predictor as much as usual differences between patients; 0 for one that follows
  /// the others. Empty where there always is one.
  std::vector<double> units;
  /// The first step from zero, when it is known from something else than an evaluation at zero.
  std::vector<double> first_step;
};

/// Where the search ended.
struct Maximum {
  bool converged = false;
  std::vector<std::size_t> separated;  ///< Coefficients that run off; converged is false.
  std::uint32_t evaluations = 0;
  Evaluation last;                   ///< At `point`.
  std::vector<double> point;         ///< Where the last accepted evaluation was made.
  std::vector<double> coefficients;  ///< Converged: one more step from there. Otherwise the same.
  double deviance = 0;               ///< At `coefficients`, without the penalty.
  Symmetric inverse;  ///< Of the penalised information at `point`; only when converged.
};

/// Errors are those of At and NotIdentified; kCorrupt when no sum could be used.
Result<Maximum> Maximise(SummedLikelihood& likelihood, const NewtonOptions& options);

}  // namespace consilium::glm
