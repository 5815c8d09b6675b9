#include "protocols/privacy/solve.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <string>

#include "common/check.h"
#include "protocols/privacy/pld.h"
#include "protocols/privacy/rdp.h"

namespace consilium {
namespace {

constexpr double kNoiseTolerance = 1e-6;

Status CheckTarget(const PrivacyTarget& target) {
  TRY_STATUS(CheckEpsilon(target.epsilon));
  return CheckDelta(target.delta);
}

/// How far epsilon is from its target, by the logarithm; not above 0 when it is met.
template <class RoundsAt>
class Excess {
 public:
  Excess(Accountant accountant, const PrivacyTarget& target, RoundsAt rounds_at)
      : accountant_(accountant), target_(target), rounds_at_(rounds_at) {}

  Result<double> operator()(double x) {
    const auto known = known_.find(x);
    if (known != known_.end()) return known->second;
    TRY(const double epsilon, EpsilonOf(accountant_, rounds_at_(x), target_.delta));
    return known_[x] = Above(epsilon);
  }

 private:
  double Above(double epsilon) const {
    // Logarithms need a floor, below which only the sign is left: that decides what is enough.
    constexpr double kFloor = 1e-9;
    const bool met = epsilon <= target_.epsilon;
    if (epsilon <= kFloor && target_.epsilon <= kFloor) return met ? -1 : 1;
    const double apart = std::log(std::max(epsilon, kFloor) / std::max(target_.epsilon, kFloor));
    return apart + (met ? -1e-12 : 1e-12);  // Never 0, where a step would stand still.
  }

  Accountant accountant_;
  PrivacyTarget target_;
  RoundsAt rounds_at_;
  std::map<double, double> known_;  ///< Each takes its time.
};

/// Two arguments around the edge of what is private enough.
struct Bracket {
  double good = 0;
  double bad = 0;
};

/// Draws the bracket together until `narrow` says it is: regula falsi by Illinois (Dowell, Jarratt
/// 1971), with a bisection whenever it gains little. Arguments are logarithms.
template <class F, class Narrow>
Result<double> Edge(Bracket bracket, F& excess, Narrow narrow) {
  TRY(double at_good, excess(bracket.good));
  TRY(double at_bad, excess(bracket.bad));
  int same_side = 0;
  for (int i = 0; i < 200 && !narrow(bracket); ++i) {
    const double span = bracket.bad - bracket.good;
    double share = at_good / (at_good - at_bad);
    if (i % 4 == 3) share = 0.5;
    const double middle = bracket.good + std::clamp(share, 1e-3, 1 - 1e-3) * span;
    TRY(const double at_middle, excess(middle));
    if (at_middle <= 0) {
      bracket.good = middle;
      at_good = at_middle;
      if (same_side > 0) at_bad /= 2;
      same_side = 1;
    } else {
      bracket.bad = middle;
      at_bad = at_middle;
      if (same_side < 0) at_good /= 2;
      same_side = -1;
    }
  }
  return bracket.good;
}

/// From an argument, by ever larger steps within the limits, to a bracket. `toward_good` is the
/// sign of the direction in which privacy grows. Ends on a limit if the edge lies beyond.
template <class F>
Result<Bracket> Enclose(
    double start, double step, double toward_good, double low, double high, F& excess) {
  start = std::clamp(start, low, high);
  TRY(const double at_start, excess(start));
  const bool is_good = at_start <= 0;
  const double direction = is_good ? -toward_good : toward_good;
  Bracket bracket{start, start};
  double& moving = is_good ? bracket.bad : bracket.good;
  double& standing = is_good ? bracket.good : bracket.bad;
  for (;;) {
    const double next = std::clamp(moving + direction * step, low, high);
    if (next == moving) return bracket;  // At the limit: both ends are on one side.
    moving = next;
    TRY(const double at_next, excess(moving));
    if ((at_next <= 0) != is_good) return bracket;
    standing = moving;
    step *= 2;
  }
}

}  // namespace

Result<double> EpsilonOf(Accountant accountant, const GaussianRounds& rounds, double delta) {
  if (accountant == Accountant::kPld) return PldEpsilon({&rounds, 1}, delta);
  RdpCurve curve;
  TRY_STATUS(curve.Add(rounds));
  TRY(const RdpEpsilon bound, curve.EpsilonFor(delta));
  return bound.epsilon;
}

Result<double> DeltaOf(Accountant accountant, const GaussianRounds& rounds, double epsilon) {
  if (accountant == Accountant::kPld) return PldDelta({&rounds, 1}, epsilon);
  RdpCurve curve;
  TRY_STATUS(curve.Add(rounds));
  return curve.DeltaFor(epsilon);
}

Result<double> NoiseFor(Accountant accountant,
                        const PrivacyTarget& target,
                        double rate,
                        std::uint64_t rounds) {
  TRY_STATUS(CheckTarget(target));
  TRY_STATUS(CheckRounds(GaussianRounds{1, rate, rounds}));
  double start = 1;
  double step = 1;
  if (accountant == Accountant::kPld) {  // A little less noise than the quick accountant asks for.
    const Result<double> quick = NoiseFor(Accountant::kRdp, target, rate, rounds);
    if (quick) {
      start = *quick;
      step = 0.06;
    }
  }
  const auto noise_of = [](double log_noise) {
    return std::clamp(std::exp(log_noise), kLeastNoise, kMostNoise);
  };
  Excess excess(accountant, target, [&](double log_noise) {
    return GaussianRounds{noise_of(log_noise), rate, rounds};
  });
  const double low = std::log(kLeastNoise);
  const double high = std::log(kMostNoise);
  TRY(const Bracket bracket, Enclose(std::log(start), step, 1, low, high, excess));
  TRY(const double at_good, excess(bracket.good));
  if (at_good > 0) {
    return Fail(ErrorCode::kNotEstimable, "no noise is enough for so small an epsilon and delta",
                "Ask for fewer rounds, or for a larger epsilon.");
  }
  TRY(const double log_noise,
      Edge(bracket, excess, [](const Bracket& b) { return b.good - b.bad < kNoiseTolerance / 2; }));
  return noise_of(log_noise);  // The very number that was found to be enough.
}

Result<std::uint64_t> RoundsFor(Accountant accountant,
                                const PrivacyTarget& target,
                                double noise,
                                double rate) {
  TRY_STATUS(CheckTarget(target));
  TRY_STATUS(CheckRounds(GaussianRounds{noise, rate, 1}));
  const auto whole = [](double log_rounds) {
    const double rounds = std::floor(std::exp(log_rounds) * (1 + 1e-12));
    return std::clamp<std::uint64_t>(static_cast<std::uint64_t>(rounds), 1, kMostRounds);
  };
  double start = 1;
  double step = 1;
  if (accountant == Accountant::kPld) {
    const Result<std::uint64_t> quick = RoundsFor(Accountant::kRdp, target, noise, rate);
    if (quick) {
      start = static_cast<double>(*quick);
      step = 0.2;
    }
  }
  Excess excess(accountant, target, [&](double log_rounds) {
    return GaussianRounds{noise, rate, whole(log_rounds)};
  });
  const double high = std::log(static_cast<double>(kMostRounds));
  TRY(const Bracket bracket, Enclose(std::log(start), step, -1, 0, high, excess));
  TRY(const double at_good, excess(bracket.good));
  if (at_good > 0) {
    return Fail(ErrorCode::kNotEstimable, "already one round spends more than epsilon",
                "Add more noise, or ask for a larger epsilon.");
  }
  TRY(const double log_rounds,
      Edge(bracket, excess, [&](const Bracket& b) { return whole(b.bad) - whole(b.good) <= 1; }));
  return whole(log_rounds);
}

}  // namespace consilium
