#include "protocols/privacy/privacy_loss.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "common/check.h"

namespace consilium {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

struct GaussNode {
  double position;  ///< On [-1, 1].
  double weight;
};
// Gauss-Legendre, Abramowitz and Stegun, table 25.4.
constexpr GaussNode kThreeNodes[] = {{-0.774596669241483377, 0.555555555555555556},
                                     {0.0, 0.888888888888888889},
                                     {0.774596669241483377, 0.555555555555555556}};
constexpr GaussNode kEightNodes[] = {
    {-0.960289856497536232, 0.101228536290376259}, {-0.796666477413626740, 0.222381034453374471},
    {-0.525532409916328986, 0.313706645877887287}, {-0.183434642495649805, 0.362683783378361983},
    {0.183434642495649805, 0.362683783378361983},  {0.525532409916328986, 0.313706645877887287},
    {0.796666477413626740, 0.222381034453374471},  {0.960289856497536232, 0.101228536290376259}};

double NormalDensity(double x) { return std::exp(-x * x / 2) / std::sqrt(2 * std::numbers::pi); }

}  // namespace

StepLoss::StepLoss(double noise, double rate, LossDirection direction, double reach)
    : noise_(noise),
      rate_(rate),
      direction_(direction),
      lowest_(-reach * noise),
      highest_(1 + reach * noise) {
  CHECK(noise > 0 && rate > 0 && rate <= 1 && reach >= 6 && reach <= 40);
}

// ln(1 - q + q e^u), u = (2 x - 1) / (2 z^2): the normal densities' ratio.
double StepLoss::Ratio(double x) const {
  const double u = (2 * x - 1) / (2 * noise_ * noise_);
  if (rate_ == 1) return u;
  if (u >= 30) return u + std::log(rate_ + (1 - rate_) * std::exp(-u));
  const double v = rate_ * std::expm1(u);
  // Far below, 1 + v would have few digits; there 1 - q is exact.
  return v > -0.5 ? std::log1p(v) : std::log((1 - rate_) + rate_ * std::exp(u));
}

double StepLoss::Outcome(double ratio) const {
  double u = ratio;
  if (rate_ < 1 && ratio < 30) {
    const double excess = std::expm1(ratio);
    if (excess <= -rate_) return -kInfinity;
    // As in Ratio: far below, by what is left of 1 - q rather than what is gone of 1.
    u = excess > -0.5 ? std::log1p(excess / rate_)
                      : std::log(std::max(std::exp(ratio) - (1 - rate_), 0.0) / rate_);
  } else if (rate_ < 1) {
    u = ratio - std::log(rate_) + std::log1p(-(1 - rate_) * std::exp(-ratio));
  }
  return noise_ * noise_ * u + 0.5;
}

double StepLoss::Density(double x) const {
  const double without = NormalDensity(x / noise_);
  if (direction_ == LossDirection::kAdd) return without / noise_;
  return ((1 - rate_) * without + rate_ * NormalDensity((x - 1) / noise_)) / noise_;
}

double StepLoss::Beyond(double x, bool above) const {
  const double sign = above ? 1 : -1;
  const auto tail = [&](double mean) {
    return 0.5 * std::erfc(sign * (x - mean) / (noise_ * std::numbers::sqrt2));
  };
  return direction_ == LossDirection::kAdd ? tail(0) : (1 - rate_) * tail(0) + rate_ * tail(1);
}

double StepLoss::LowestLoss() const {
  return direction_ == LossDirection::kRemove ? Ratio(lowest_) : -Ratio(highest_);
}

double StepLoss::HighestLoss() const {
  return direction_ == LossDirection::kRemove ? Ratio(highest_) : -Ratio(lowest_);
}

std::vector<WeightedLoss> StepLoss::Spread() const {
  const double sign = direction_ == LossDirection::kRemove ? 1 : -1;
  const auto steps = static_cast<int>((highest_ - lowest_) / noise_ * 32) + 1;
  const double step = (highest_ - lowest_) / steps;
  std::vector<WeightedLoss> spread;
  spread.reserve(static_cast<std::size_t>(steps) + 1);
  for (int i = 0; i <= steps; ++i) {
    const double x = lowest_ + i * step;
    spread.push_back(WeightedLoss{sign * Ratio(x), step * Density(x)});
  }
  return spread;
}

/// Outcomes from one to another whose ratios are `ratio` to `ratio + width`.
struct StepLoss::Cell {
  double from = 0;
  double to = 0;
  double ratio = 0;
  double width = 0;
};

// The cell's outcomes have losses low + t, 0 <= t <= width. An atom p at the low end and r at the
// high one keep its probability under both data sets if p + r = P and p + r e^-width = E[e^-t].
void StepLoss::Split(const Cell& cell, double& at_low, double& at_high) const {
  const auto [from, to, ratio, width] = cell;
  const double scale = -1 / std::expm1(-width);
  const bool remove = direction_ == LossDirection::kRemove;
  // The density bends over z, the ratio over pi z^2 (the distance to where it would be 0).
  const double bend = noise_ * std::min(1.0, noise_);
  const auto panels = static_cast<int>((to - from) / (bend / 8)) + 1;
  const double half = (to - from) / panels / 2;
  // A derivative brings in at most this much. The remainder of Gauss-Legendre, relative to the
  // mass, is then 4e-5 of its 6th power with three nodes, and 2e-18 of its 16th with eight: 1e-14
  // at a reach of 24, the widest that is asked for.
  const double roughness =
      half * (2 / bend + std::max(std::abs(from), std::abs(to)) / (noise_ * noise_));
  const bool smooth = roughness < 0.01;
  const GaussNode* nodes = smooth ? std::begin(kThreeNodes) : std::begin(kEightNodes);
  const GaussNode* end = smooth ? std::end(kThreeNodes) : std::end(kEightNodes);
  for (int panel = 0; panel < panels; ++panel) {
    const double centre = from + half * (2 * panel + 1);
    for (const GaussNode* node = nodes; node != end; ++node) {
      const double x = centre + half * node->position;
      const double mass = half * node->weight * Density(x);
      const double above = std::clamp(Ratio(x) - ratio, 0.0, width);
      const double t = remove ? above : width - above;
      const double share = -std::expm1(-t) * scale;
      at_high += mass * share;
      at_low += mass * (1 - share);
    }
  }
}

LossAtoms StepLoss::Discretise(double width, std::int64_t narrow) const {
  CHECK(width > 0 && narrow >= 1);
  const auto bottom = static_cast<std::int64_t>(std::floor(Ratio(lowest_) / width));
  const auto top =
      std::max(static_cast<std::int64_t>(std::ceil(Ratio(highest_) / width)), bottom + 1);
  const bool remove = direction_ == LossDirection::kRemove;
  LossAtoms atoms(width);
  const auto start_at = [&](std::int64_t place) {
    atoms.atoms_.push_back(LossAtoms::Atom{remove ? place : -place, 0.0});
  };
  start_at(bottom);
  double from = lowest_;
  for (std::int64_t place = bottom; place < top;) {
    // Cells may be wide far out, by 2e-4 of how far; and without the patient where ratios are high,
    // which is rare and harmless, if they add as little to the variance as a narrow one in the
    // middle.
    const double rare = remove ? 1.0 : std::max(Beyond(from, true), 1e-16);
    const auto wide = std::max(std::max<std::int64_t>(std::abs(place) - narrow, 0) >> 12,
                               static_cast<std::int64_t>(std::sqrt(0.1 / rare)));
    const auto step = std::min(top - place, 1 + wide);
    Cell cell{from, highest_, static_cast<double>(place) * width,
              static_cast<double>(step) * width};
    place += step;
    if (place < top) cell.to = std::clamp(Outcome(cell.ratio + cell.width), from, highest_);
    start_at(place);
    double& near = atoms.atoms_[atoms.size() - 2].mass;
    double& far = atoms.atoms_[atoms.size() - 1].mass;
    if (cell.to > from) Split(cell, remove ? near : far, remove ? far : near);
    from = cell.to;
    CHECK(atoms.size() < std::size_t{1} << 26);
  }
  // Losses too low to matter count as the upper end of the lowest cell, which is above them.
  const double below_all = remove ? Beyond(lowest_, false) : Beyond(highest_, true);
  const double above_all = remove ? Beyond(highest_, true) : Beyond(lowest_, false);
  atoms.atoms_[remove ? 1 : atoms.size() - 2].mass += below_all;
  atoms.infinite_ = above_all * (1 + kMassError);
  return atoms;
}

}  // namespace consilium
