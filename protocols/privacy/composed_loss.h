#pragma once

// The sum of the losses of many rounds, in one direction.

#include <cstdint>
#include <span>
#include <vector>

#include "protocols/privacy/gaussian_rounds.h"
#include "protocols/privacy/loss_moments.h"
#include "protocols/privacy/privacy_loss.h"

namespace consilium {

/// What to compute the sum for.
struct LossFocus {
  double theta = 1;      ///< The best tilt of the Chernoff bound.
  double epsilon = 0;    ///< About where it is. Far below gets no bound.
  double log_delta = 0;  ///< ln of about the delta that matters, at most 0.
};

class ComposedLoss {
 public:
  ComposedLoss(std::span<const GaussianRounds> rounds,
               LossDirection direction,
               double reach,
               const LossMoments& moments,
               const LossFocus& focus);

  /// Upper bound of delta, in [0, 1]; falls with epsilon.
  double DeltaAt(double epsilon) const;
  /// Upper bound of the least epsilon >= 0 with at most this delta; infinite if there is none.
  double EpsilonAt(double delta) const;

 private:
  struct Tilted;
  void ChooseWindow(const LossMoments& moments, const LossFocus& focus);
  Tilted Tilt(const LossAtoms& atoms) const;
  void Convolve(std::span<const GaussianRounds> rounds, const std::vector<Tilted>& parts);
  void Accumulate(const std::vector<double>& tilted_mass);
  double LossOf(double index) const { return (static_cast<double>(first_) + index) * width_; }

  bool has_bound_ = false;
  double theta_ = 0;
  double tail_theta_ = 0;
  double width_ = 0;  ///< Of the lattice.
  int log2_points_ = 0;
  std::int64_t points_ = 0;      ///< In the window.
  std::int64_t first_ = 0;       ///< The window's first lattice point.
  double log_moment_ = 0;        ///< ln E[e^(theta loss)] of the lattice sum.
  double error_ = 0;             ///< Of the tilted masses, Euclidean norm.
  double relative_error_ = 0;    ///< Of all masses.
  double left_out_ = 0;          ///< Probability without a place in the window.
  double loss_error_ = 0;        ///< How far rounding may have moved the sum.
  std::vector<double> above_;    ///< Delta at each lattice point, but for the errors.
  std::vector<double> decayed_;  ///< Sum over losses l from there on of mass * e^(point - l).
};

}  // namespace consilium
