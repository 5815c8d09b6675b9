#pragma once

// The privacy loss of one round: the logarithm of how much likelier its result is with one patient
// than without, as a random variable.
//
// For the Gaussian mechanism on a Poisson sample of rate q, with noise multiplier z, the worst pair
// is one-dimensional (Zhu, Dong, Wang, "Optimal Accounting of Differential Privacy via
// Characteristic Function", AISTATS 2022, Theorem 11): N(0, z^2) without the patient, and
// (1 - q) N(0, z^2) + q N(1, z^2) with. Neither direction is always the worse one once sampled.

#include <cstdint>
#include <vector>

namespace consilium {

/// Which of two neighbouring data sets the result comes from.
enum class LossDirection {
  kRemove,  ///< From the one with the patient.
  kAdd      ///< From the one without.
};

/// A loss and its probability.
struct WeightedLoss {
  double loss = 0;
  double weight = 0;
};

/// A loss on a lattice, and its probability of being beyond all.
class LossAtoms {
 public:
  explicit LossAtoms(double width) : width_(width) {}
  std::size_t size() const { return atoms_.size(); }
  std::int64_t place(std::size_t i) const { return atoms_[i].place; }
  double mass(std::size_t i) const { return atoms_[i].mass; }
  double LossAt(std::size_t i) const { return static_cast<double>(atoms_[i].place) * width_; }
  double infinite() const { return infinite_; }

 private:
  friend class StepLoss;
  struct Atom {
    std::int64_t place = 0;  ///< The loss, in widths.
    double mass = 0;
  };
  double width_;
  std::vector<Atom> atoms_;  ///< Neighbours on the lattice, rising or falling.
  double infinite_ = 0;
};

class StepLoss {
 public:
  /// `reach`: outcomes further than this many deviations out are not looked at one by one; they
  /// count as the worst that they may be. 6 to 40; noise and rate as CheckRounds allows.
  StepLoss(double noise, double rate, LossDirection direction, double reach);

  /// Outcomes spread evenly, for moments of the loss to about 12 digits. Not an upper bound.
  std::vector<WeightedLoss> Spread() const;

  /// The smallest lattice distribution that is never better than the loss: of each cell its two
  /// ends take its mass under both data sets. So delta(epsilon) is exact at lattice points, and
  /// between them on the chord in e^epsilon, which lies above it, convex as it is (Doroshenko,
  /// Ghazi, Kamath, Kumar, Manurangsi, "Connect the Dots: Tighter Discrete Approximations of
  /// Privacy Loss Distributions", PoPETs 2022). Compositions inherit it (Zhu, Dong, Wang, Theorem
  /// 10). Outcomes out of reach: to the upper end of the lowest cell, or to `infinite`.
  /// Masses are correct to kMassError relative; losses to kLossError * min(1 + |loss|, 1e4 range),
  /// range being the largest |loss| within reach.
  /// `width` > 0, of the lattice. Cells further than `narrow` >= 1 widths from 0 may be wider.
  LossAtoms Discretise(double width, std::int64_t narrow) const;
  static constexpr double kMassError = 0x1p-40;
  static constexpr double kLossError = 0x1p-48;

  double LowestLoss() const;  ///< Within reach.
  double HighestLoss() const;

 private:
  double Ratio(double x) const;  ///< ln of the likelihood ratio at x, with over without. Rises.
  double Outcome(double ratio) const;         ///< The x of a ratio; -infinity below all.
  double Density(double x) const;             ///< Of the data set that the result comes from.
  double Beyond(double x, bool above) const;  ///< The same's probability on that side of x.
  struct Cell;
  void Split(const Cell& cell, double& at_low, double& at_high) const;

  double noise_;
  double rate_;
  LossDirection direction_;
  double lowest_;  ///< Outcomes within reach.
  double highest_;
};

}  // namespace consilium
