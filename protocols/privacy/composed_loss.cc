#include "protocols/privacy/composed_loss.h"

#include <algorithm>
#include <cmath>
#include <complex>
#include <limits>

#include "common/check.h"
#include "protocols/privacy/fourier.h"

namespace consilium {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
/// Points of the lattice in the window: as many as it takes for its cells to add no more than this
/// to delta, relatively, within these limits.
constexpr double kLatticeTolerance = 1e-4;
constexpr int kLeastLog2Points = 18;
constexpr int kMostLog2Points = 20;
/// Losses are not told apart much below this.
constexpr double kLeastWindow = 1e-9;
/// How many windows from zero there may be one: so far, lattice points are numbers of 53 bits.
constexpr double kMostWindows = 1e9;
/// What is left out above the window is e^-23 = 1e-10 of delta; what wraps into it, from either
/// end, e^-27 = 2e-12 of the tilted mass.
constexpr double kAboveSurplus = 23;
constexpr double kWrappedSurplus = 27;
/// The tilt across the window is at most e^this: more only moves the errors about.
constexpr double kMostTilt = 2000;
/// Rounding of about this a round in the tilted masses, and how large it may come out beside delta
/// (by its logarithm, 1e-6) for a weaker tilt to be taken.
constexpr double kRoundingOfRound = 5e-15;
constexpr double kLogTolerance = -13.8;
/// With rounding that many times delta (by its logarithm) there is no bound worth its time.
constexpr double kHopeless = 5;
/// Decays of delta that the window reaches below the estimate of epsilon.
constexpr double kMargin = 12;

/// The Euclidean norm of the weights that masses on a lattice of this width have in delta, by their
/// distance t above epsilon: (1 - e^-t) e^(-theta t). The sum of their squares is at most their
/// integral over the width, and their largest, below 1 / (1 + theta), once more.
double ErrorWeights(double theta, double width) {
  const double integral = 1 / (width * theta * (2 * theta + 1) * (2 * theta + 2));
  return std::sqrt(integral + 1 / ((1 + theta) * (1 + theta)));
}

/// z^n by squaring: n - 1 products at most deep, each correct to sqrt(5) units (Brent, Percival,
/// Zimmermann, "Error Bounds on Complex Floating-Point Multiplication", 2007).
std::complex<double> Power(std::complex<double> base, std::uint64_t n) {
  double real = 1;
  double imaginary = 0;
  double a = base.real();
  double b = base.imag();
  for (; n > 0; n /= 2) {
    if (n % 2 == 1) {
      const double next = real * a - imaginary * b;
      imaginary = real * b + imaginary * a;
      real = next;
    }
    const double next = a * a - b * b;
    b = 2 * a * b;
    a = next;
  }
  return {real, imaginary};
}

}  // namespace

/// One kind of rounds: its lattice masses times e^(theta loss), made to sum to one.
struct ComposedLoss::Tilted {
  std::vector<std::int64_t> place;
  std::vector<double> mass;
  double rounds = 0;
  double log_moment = 0;       ///< ln of what they summed to.
  double log_tail_moment = 0;  ///< The same with tail_theta_.
  double norm = 0;             ///< Euclidean, after.
};

ComposedLoss::Tilted ComposedLoss::Tilt(const LossAtoms& atoms) const {
  Tilted tilted;
  // Logarithms first: a tilted mass may matter though the mass itself is next to nothing.
  double largest = -kInfinity;
  double largest_tail = -kInfinity;
  for (std::size_t i = 0; i < atoms.size(); ++i) {
    const double log_mass = std::log(atoms.mass(i));
    tilted.place.push_back(atoms.place(i));
    tilted.mass.push_back(log_mass + theta_ * atoms.LossAt(i));
    largest = std::max(largest, tilted.mass[i]);
    largest_tail = std::max(largest_tail, log_mass + tail_theta_ * atoms.LossAt(i));
  }
  double sum = 0;
  double tail_sum = 0;
  for (std::size_t i = 0; i < atoms.size(); ++i) {
    double& mass = tilted.mass[i];
    tail_sum += std::exp(mass + (tail_theta_ - theta_) * atoms.LossAt(i) - largest_tail);
    mass = std::exp(mass - largest);
    sum += mass;
  }
  double squares = 0;
  for (double& mass : tilted.mass) {
    mass /= sum;
    squares += mass * mass;
  }
  tilted.log_moment = largest + std::log(sum);
  tilted.log_tail_moment = largest_tail + std::log(tail_sum);
  tilted.norm = std::sqrt(squares);
  return tilted;
}

ComposedLoss::ComposedLoss(std::span<const GaussianRounds> rounds,
                           LossDirection direction,
                           double reach,
                           const LossMoments& moments,
                           const LossFocus& focus) {
  ChooseWindow(moments, focus);
  if (!has_bound_) return;
  std::vector<Tilted> parts;
  const double end = LossOf(static_cast<double>(points_));
  double highest = 0;
  double log_tail = -tail_theta_ * end;
  for (const GaussianRounds& part : rounds) {
    const StepLoss step(part.noise, part.rate, direction, reach);
    const LossAtoms atoms = step.Discretise(width_, points_);
    parts.push_back(Tilt(atoms));
    const auto count = static_cast<double>(part.rounds);
    parts.back().rounds = count;
    log_moment_ += count * parts.back().log_moment;
    log_tail += count * parts.back().log_tail_moment;
    highest += count * std::max(atoms.LossAt(0), atoms.LossAt(atoms.size() - 1));
    left_out_ += count * atoms.infinite();
    relative_error_ += 2 * count * StepLoss::kMassError;
    const double range = std::max(std::abs(step.LowestLoss()), std::abs(step.HighestLoss()));
    loss_error_ += count * StepLoss::kLossError * std::min(1 + range, 1e4 * range);
  }
  // Masses are tilted and tilted back by exponentials of numbers of these sizes.
  relative_error_ +=
      0x1p-50 * (std::abs(log_moment_) + theta_ * std::max(std::abs(LossOf(0)), std::abs(end)));
  if (highest >= end) left_out_ += std::exp(log_tail);
  Convolve(rounds, parts);
}

// The best tilt of the Chernoff bound puts half of the loss above the answer, and for sampled
// rounds perhaps a part very far above. A weaker one needs a narrower window and so has a finer
// lattice; it is good enough as long as the rounding that it leaves is small beside delta.
void ComposedLoss::ChooseWindow(const LossMoments& moments, const LossFocus& focus) {
  const double surplus = kAboveSurplus - focus.log_delta;
  tail_theta_ = moments.BestForTail(surplus);
  const double tail = (moments.Log(tail_theta_) + surplus) / tail_theta_;
  // Where losses are bounded, the best tilt has no end.
  const double best = std::min(focus.theta, kMostTilt / (tail - moments.Mean()));
  double low = 0;
  double top = 0;
  for (int tenths = 10; tenths > 0; --tenths) {
    const double theta = best * tenths / 10;
    const double theta_low =
        std::min(moments.LowEnd(theta, kWrappedSurplus), focus.epsilon - kMargin / best);
    const double theta_top = std::max(tail, moments.HighEnd(theta, kWrappedSurplus));
    const double rounding = kRoundingOfRound * (moments.rounds() + 1) *
                            ErrorWeights(theta, (theta_top - theta_low) / 0x1p18);
    const double log_rounding = moments.Log(theta) - theta * focus.epsilon + std::log(rounding);
    if (tenths == 10 && log_rounding > focus.log_delta + kHopeless) return;
    if (tenths < 10 && log_rounding > focus.log_delta + kLogTolerance) break;
    if (tenths < 10 && theta_top - theta_low >= top - low) continue;
    theta_ = theta;
    low = theta_low;
    top = theta_top;
  }
  top = std::max(top, low + kLeastWindow);
  // Moments of absurdly many or noiseless rounds are no numbers, or have no digits left.
  has_bound_ = theta_ > 0 && std::isfinite(theta_) && std::abs(low) < kMostWindows * (top - low) &&
               std::isfinite(top);
  if (!has_bound_) return;
  tail_theta_ = std::min(tail_theta_, 10 * kMostTilt / (top - low));
  // A cell's two atoms, in place of all its losses, add theta (theta + 1) width^2 / 12 a round to
  // the logarithm of the moment, on average.
  const double width = (top - low) / 0x1p18;
  double excess = moments.rounds() * best * (best + 1) * width * width / 12;
  log2_points_ = kLeastLog2Points;
  for (; excess > kLatticeTolerance && log2_points_ < kMostLog2Points; excess /= 4) ++log2_points_;
  points_ = std::int64_t{1} << log2_points_;
  width_ = (top - low) / static_cast<double>(points_ - 8);
  first_ = static_cast<std::int64_t>(std::floor(low / width_)) - 1;
}

void ComposedLoss::Convolve(std::span<const GaussianRounds> rounds,
                            const std::vector<Tilted>& parts) {
  const Fourier fourier(log2_points_);
  std::vector<std::complex<double>> product(static_cast<std::size_t>(points_), 1.0);
  const double transform = fourier.RelativeError();
  double growth = 0;
  error_ = transform;  // Of the way back: the sum's norm is at most 1.
  for (std::size_t p = 0; p < parts.size(); ++p) {
    const Tilted& part = parts[p];
    std::vector<std::complex<double>> spectrum(product.size());
    for (std::size_t i = 0; i < part.mass.size(); ++i) {
      const std::int64_t place = part.place[i] % points_;
      spectrum[static_cast<std::size_t>(place < 0 ? place + points_ : place)] += part.mass[i];
    }
    fourier.Forward(spectrum);
    for (std::size_t k = 0; k < product.size(); ++k) {
      product[k] *= Power(spectrum[k], rounds[p].rounds);
    }
    // Exact spectra are at most 1 in size, so that errors of factors add up: of each of them the
    // transform's, and one of the products in the power. They may have grown by as much.
    const double each = transform + 0x1p-51;
    const double spread = std::sqrt(static_cast<double>(points_)) * part.norm;
    error_ += (part.rounds + 1) * each * part.norm;
    growth += (part.rounds + 1) * (transform * spread + 0x1p-51);
  }
  error_ *= std::exp(growth);
  fourier.Inverse(product);
  std::vector<double> tilted_mass(product.size());
  const std::int64_t shift = (first_ % points_ + points_) % points_;
  for (std::int64_t i = 0; i < points_; ++i) {
    tilted_mass[static_cast<std::size_t>(i)] =
        product[static_cast<std::size_t>((shift + i) % points_)].real();
  }
  Accumulate(tilted_mass);
}

// With masses m at points w apart, delta at a point is the sum over points above it, n away, of
// (1 - e^(-n w)) m. From the top down, in positive terms only.
void ComposedLoss::Accumulate(const std::vector<double>& tilted_mass) {
  const double decay = std::exp(-width_);
  const double gap = -std::expm1(-width_);
  above_.assign(tilted_mass.size(), 0.0);
  decayed_.assign(tilted_mass.size(), 0.0);
  double above = 0;
  double decayed = 0;
  for (std::size_t i = tilted_mass.size(); i-- > 0;) {
    above += gap * decayed;
    double mass = 0;
    if (tilted_mass[i] > 0) {
      mass = std::exp(log_moment_ - theta_ * LossOf(static_cast<double>(i)) +
                      std::log(tilted_mass[i]));
    }
    decayed = mass + decay * decayed;
    above_[i] = above;
    decayed_[i] = decayed;
  }
}

double ComposedLoss::DeltaAt(double epsilon) const {
  if (!has_bound_) return 1;
  const double from = epsilon - loss_error_;
  const double position = from / width_ - static_cast<double>(first_);
  if (!(position >= 0)) return 1;  // Below the window, where its masses are no bound.
  double delta = 0;
  if (position < static_cast<double>(points_ - 1)) {
    const auto next = static_cast<std::size_t>(position) + 1;
    const double gap = LossOf(static_cast<double>(next)) - from;
    delta = above_[next] - std::expm1(-std::max(gap, 0.0)) * decayed_[next];
  }
  const double rounding =
      std::exp(log_moment_ - theta_ * from) * ErrorWeights(theta_, width_) * error_;
  delta = (delta * (1 + 0x1p-30) + left_out_ + rounding) * std::exp(relative_error_);
  return delta < 1 ? delta : 1;
}

double ComposedLoss::EpsilonAt(double delta) const {
  if (!has_bound_) return kInfinity;
  double low = std::max(0.0, LossOf(0) + loss_error_ + width_);
  double high = LossOf(static_cast<double>(points_));
  if (DeltaAt(low) <= delta) return low;
  if (DeltaAt(high) > delta) return kInfinity;
  for (int i = 0; i < 200 && high - low > 1e-12 * high; ++i) {
    const double middle = low + (high - low) / 2;
    (DeltaAt(middle) <= delta ? high : low) = middle;
  }
  return high;
}

}  // namespace consilium
