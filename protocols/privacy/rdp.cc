#include "protocols/privacy/rdp.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "common/check.h"
#include "protocols/analyses/distributions.h"

namespace consilium {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
/// Relative error of the sums below for the roundings of their additions and functions, with room.
constexpr double kRounding = 1e-12;

std::vector<double> MakeOrders() {
  std::vector<double> orders;
  for (int tenths = 11; tenths < 110; ++tenths) orders.push_back(tenths / 10.0);
  for (int whole = 11; whole < 64; ++whole) orders.push_back(whole);
  for (const double large : {128.0, 256.0, 512.0, 1024.0}) orders.push_back(large);
  return orders;
}

/// A sum of positive terms, each given by its logarithm.
class LogSum {
 public:
  void Add(double log_term) {
    if (log_term == -kInfinity) return;
    if (log_term > largest_) {
      sum_ = sum_ * std::exp(largest_ - log_term) + 1;
      largest_ = log_term;
    } else {
      sum_ += std::exp(log_term - largest_);
    }
  }
  /// No number if a term was none: never the logarithm of nothing for want of one.
  double log() const { return sum_ == 0 ? -kInfinity : largest_ + std::log(sum_); }

 private:
  double largest_ = -kInfinity;
  double sum_ = 0;
};

/// ln(e^x - 1) for x > 0.
double LogExpm1(double x) {
  return x > 30 ? x + std::log1p(-std::exp(-x)) : std::log(std::expm1(x));
}
/// ln(1 + e^x).
double LogPlus1(double x) {
  return x > 30 ? x + std::log1p(std::exp(-x)) : std::log1p(std::exp(x));
}

/// Upper bound of what rounding takes off ln(A - 1). Terms are exponentials of sums of these sizes;
/// what is large in a sum costs digits even where the others take it back.
double RoundingOfLog(double noise, double rate, double order) {
  const double sizes = order * (std::log(order) - std::log(rate) - std::log1p(-rate)) +
                       order * order / (2 * noise * noise);
  return kRounding + 0x1p-50 * sizes;
}

/// ln(A - 1) for a whole order: the binomial sum of A less that of 1, term by term, so that a tiny
/// rate costs no digits. All terms are positive.
double LogExcessOfWhole(double noise, double rate, int order) {
  LogSum sum;
  const double log_all = LogFactorial(order);
  for (int i = 2; i <= order; ++i) {
    const double log_weight = log_all - LogFactorial(i) - LogFactorial(order - i) +
                              i * std::log(rate) + (order - i) * std::log1p(-rate);
    sum.Add(log_weight + LogExpm1((static_cast<double>(i) * i - i) / (2 * noise * noise)));
  }
  return sum.log();
}

/// ln((1 + v)^a - 1 - a v) for v > -1, a > 1: positive, by Bernoulli's inequality. `log_ratio` is
/// ln(1 + v).
double LogBernoulliGap(double v, double log_ratio, double a) {
  if (std::abs(v) < 0.05) {
    double term = a * (a - 1) / 2 * v * v;
    double sum = 0;
    for (int k = 2; k < 60 && std::abs(term) > 1e-18 * sum; ++k) {
      sum += term;
      term *= (a - k) / (k + 1) * v;
    }
    return std::log(sum);
  }
  if (a * log_ratio < 30) return std::log(std::expm1(a * log_ratio) - a * v);
  // v overflows before its logarithm does; there it does not matter any more.
  const double rest = a * log_ratio < 700 ? (1 + a * v) * std::exp(-a * log_ratio) : 0;
  return a * log_ratio + std::log1p(-rest);
}

/// ln(A - 1) for any order: A - 1 = E[(1 + v)^order - 1 - order v], v = L - 1 = q (e^u - 1) with
/// u = (2 x - 1) / (2 z^2), x normal with deviation z, since E[v] = 0. The series of section 3.3
/// cancels for small rates; this integrand is positive.
///
/// The trapezoid rule on an analytic integrand errs by exp(-2 pi a / h), a the half-width of its
/// strip (Trefethen, Weideman, "The Exponentially Convergent Trapezoidal Rule", SIAM Review 56,
/// 2014, integrals over the real line): here pi z^2, to the branch point where L = 0, so that
/// h = min(z, z^2) / 4 leaves e^-70.
double LogExcess(double noise, double rate, double order) {
  const double step = std::min(noise, noise * noise) / 4;
  const double first = -14 * noise;
  const auto nodes = static_cast<int>((order + 14 * noise - first) / step) + 1;
  const double variance = noise * noise;
  LogSum sum;
  for (int i = 0; i <= nodes; ++i) {
    const double x = first + i * step;
    const double u = (2 * x - 1) / (2 * variance);
    const double v = u < 600 ? rate * std::expm1(u) : kInfinity;
    const double log_ratio =
        u < 30 ? std::log1p(v) : u + std::log(rate + (1 - rate) * std::exp(-u));
    if (v == 0) continue;
    sum.Add(LogBernoulliGap(v, log_ratio, order) - x * x / (2 * variance));
  }
  return sum.log() + std::log(step / noise) - 0.5 * std::log(2 * std::acos(-1.0));
}

/// Bound at an order between two whole ones: (order - 1) times the divergence is convex in it.
template <class AtWhole>
double Interpolated(double order, AtWhole at_whole) {
  const double below = std::floor(order);
  if (below == order) return at_whole(order);
  const double share = order - below;
  const double low = below == 1 ? 0 : (below - 1) * at_whole(below);
  return ((1 - share) * low + share * below * at_whole(below + 1)) / (order - 1);
}

}  // namespace

std::span<const double> RdpOrders() {
  static const std::vector<double> kOrders = MakeOrders();
  return kOrders;
}

double SampledGaussianRdp(double noise, double rate, double order) {
  CHECK(order > 1);
  if (rate == 1) return order / (2 * noise * noise);
  const bool whole = std::floor(order) == order;
  const double log_excess = whole ? LogExcessOfWhole(noise, rate, static_cast<int>(order))
                                  : LogExcess(noise, rate, order);
  return LogPlus1(log_excess + RoundingOfLog(noise, rate, order)) / (order - 1);
}

RdpCurve::RdpCurve() : divergences_(RdpOrders().size(), 0.0) {}

Status RdpCurve::Add(const GaussianRounds& rounds) {
  TRY_STATUS(CheckRounds(rounds));
  const auto count = static_cast<double>(rounds.rounds);
  for (std::size_t i = 0; i < divergences_.size(); ++i) {
    divergences_[i] += count * SampledGaussianRdp(rounds.noise, rounds.rate, RdpOrders()[i]);
  }
  return {};
}

Status RdpCurve::Add(const SharedRounds& rounds) {
  TRY_STATUS(CheckSharedRounds(rounds));
  const auto count = static_cast<double>(rounds.rounds);
  const double distance = ShareSumDistance(rounds.share.value(), rounds.shares) *
                          static_cast<double>(rounds.dimensions);
  const auto at_whole = [&](double order) {
    return SampledGaussianRdp(rounds.NoiseMultiplier(), rounds.rate, order);
  };
  for (std::size_t i = 0; i < divergences_.size(); ++i) {
    const double order = RdpOrders()[i];
    // Without sampling is worse than with it, and may still have the better bound.
    double divergence = SharedGaussianRdp(rounds, order);
    if (rounds.rate < 1) {
      divergence = std::min(
          divergence, Interpolated(order, at_whole) + distance * (2 * order - 1) / (order - 1));
    }
    divergences_[i] += count * divergence;
  }
  return {};
}

Result<RdpEpsilon> RdpCurve::EpsilonFor(double delta) const {
  TRY_STATUS(CheckDelta(delta));
  RdpEpsilon best{kInfinity, 0};
  for (std::size_t i = 0; i < divergences_.size(); ++i) {
    const double order = RdpOrders()[i];
    const double divergence = divergences_[i];
    double epsilon = divergence + std::log1p(-1 / order) - std::log(delta * order) / (order - 1);
    if (delta * delta + std::expm1(-divergence) > 0) epsilon = 0;
    if (epsilon < 0) epsilon = 0;
    // An order whose divergence is no number gives no bound.
    if (epsilon < best.epsilon) best = RdpEpsilon{epsilon, order};
  }
  return best;
}

Result<double> RdpCurve::DeltaFor(double epsilon) const {
  TRY_STATUS(CheckEpsilon(epsilon));
  double best = 0;  // The logarithm of 1.
  for (std::size_t i = 0; i < divergences_.size(); ++i) {
    const double order = RdpOrders()[i];
    const double divergence = divergences_[i];
    best = std::min(best, 0.5 * std::log(-std::expm1(-divergence)));
    best = std::min(
        best, (order - 1) * (divergence - epsilon + std::log1p(-1 / order)) - std::log(order));
  }
  if (best == -kInfinity) return 0;  // Nothing was spent.
  return std::max(std::exp(best), std::numeric_limits<double>::min());
}

}  // namespace consilium
