#include "protocols/privacy/loss_moments.h"

#include <algorithm>
#include <cmath>

namespace consilium {
namespace {

/// The x in [low, high] with the least f, for f that falls and then rises: golden section.
template <class F>
double Least(double low, double high, F f) {
  constexpr double kGolden = 0.6180339887498949;
  double left = high - kGolden * (high - low);
  double right = low + kGolden * (high - low);
  double at_left = f(left);
  double at_right = f(right);
  for (int i = 0; i < 60 && high - low > 1e-6; ++i) {
    if (at_left <= at_right) {
      high = right;
      right = left;
      at_right = at_left;
      left = high - kGolden * (high - low);
      at_left = f(left);
    } else {
      low = left;
      left = right;
      at_left = at_right;
      right = low + kGolden * (high - low);
      at_right = f(right);
    }
  }
  return at_left <= at_right ? left : right;
}

// Tilts from 1e-9 to 1e12, by their logarithm.
constexpr double kLogLeastTilt = -20.7;
constexpr double kLogMostTilt = 27.6;

}  // namespace

LossMoments::LossMoments(std::span<const GaussianRounds> rounds,
                         LossDirection direction,
                         double reach) {
  for (const GaussianRounds& part : rounds) {
    const StepLoss step(part.noise, part.rate, direction, reach);
    parts_.push_back(Part{static_cast<double>(part.rounds), step.Spread()});
  }
}

double LossMoments::Log(double theta) const {
  double total = 0;
  for (const Part& part : parts_) {
    const double ends = std::max(theta * part.losses.front().loss, theta * part.losses.back().loss);
    double sum = 0;
    for (const WeightedLoss& point : part.losses) {
      // As excess over 1: thousands of rounds of tiny losses must not drown in rounding.
      const double exponent = theta * point.loss;
      sum += point.weight * (ends < 1 ? std::expm1(exponent) : std::exp(exponent - ends));
    }
    total += part.rounds * (ends < 1 ? std::log1p(sum) : ends + std::log(sum));
  }
  return total;
}

double LossMoments::BestForTail(double surplus) const {
  return std::exp(Least(kLogLeastTilt, kLogMostTilt, [&](double log_theta) {
    const double theta = std::exp(log_theta);
    return (Log(theta) + surplus) / theta;
  }));
}

double LossMoments::BestForLoss(double epsilon) const {
  return std::exp(Least(kLogLeastTilt, kLogMostTilt, [&](double log_theta) {
    const double theta = std::exp(log_theta);
    return Log(theta) - theta * epsilon;
  }));
}

double LossMoments::rounds() const {
  double rounds = 0;
  for (const Part& part : parts_) rounds += part.rounds;
  return rounds;
}

double LossMoments::Mean() const {
  double mean = 0;
  for (const Part& part : parts_) {
    for (const WeightedLoss& point : part.losses) mean += part.rounds * point.weight * point.loss;
  }
  return mean;
}

double LossMoments::LowEnd(double theta, double surplus) const {
  const double log_moment = Log(theta);
  const auto end = [&](double log_tilt) {
    const double tilt = std::exp(log_tilt);
    return (log_moment - Log(theta - tilt) - surplus) / tilt;
  };
  return end(Least(kLogLeastTilt, kLogMostTilt, [&](double x) { return -end(x); }));
}

double LossMoments::HighEnd(double theta, double surplus) const {
  const double log_moment = Log(theta);
  const auto end = [&](double log_tilt) {
    const double tilt = std::exp(log_tilt);
    return (Log(theta + tilt) - log_moment + surplus) / tilt;
  };
  return end(Least(kLogLeastTilt, kLogMostTilt, end));
}

}  // namespace consilium
