#include "protocols/analyses/survival/kaplan_meier.h"

#include <algorithm>
#include <cmath>

#include "protocols/analyses/distributions.h"

namespace consilium::survival {
namespace {

/// Differences from 1/2 below this are rounding.
constexpr double kExactlyHalf = 0x1p-26;

/// R's survfit_confint; `log_error` is the standard error of log S.
void SetLimits(double width, double log_error, LimitScale scale, CurvePoint& point) {
  const double s = point.survival;
  switch (scale) {
    case LimitScale::kPlain:
      point.low = std::max(s - width * log_error * s, 0.0);
      point.high = std::min(s + width * log_error * s, 1.0);
      return;
    case LimitScale::kLog:
      point.low = std::exp(std::log(s) - width * log_error);
      point.high = std::min(std::exp(std::log(s) + width * log_error), 1.0);
      return;
    case LimitScale::kLogLog: {
      if (s == 1) return;
      const double shift = width * log_error / std::log(s);
      const double centre = std::log(-std::log(s));
      point.low = std::exp(-std::exp(centre - shift));
      point.high = std::exp(-std::exp(centre + shift));
      return;
    }
  }
}

template <class Value>
std::optional<double> HalfTime(const std::vector<CurvePoint>& curve, const Value& value) {
  std::optional<std::size_t> exact;
  for (std::size_t i = 0; i < curve.size(); ++i) {
    const std::optional<double> s = value(curve[i]);
    if (!s) continue;
    if (!exact) {
      if (!(*s < 0.5 + kExactlyHalf)) continue;
      if (!(std::abs(*s - 0.5) < kExactlyHalf)) return curve[i].here.time;
      exact = i;
    } else if (*s < *value(curve[*exact])) {
      return (curve[*exact].here.time + curve[i].here.time) / 2;
    }
  }
  if (exact) return curve[*exact].here.time;
  return {};
}

}  // namespace

std::vector<CurvePoint> KaplanMeier(std::span<const AtTime> times,
                                    double confidence,
                                    LimitScale scale) {
  const double width = NormalQuantile(0.5 + confidence / 2);
  std::vector<CurvePoint> curve;
  double survival = 1;
  double variance = 0;  // Of log S.
  double hazard = 0;
  for (const AtTime& here : times) {
    survival *= (here.at_risk - here.events) / here.at_risk;
    variance += here.events / (here.at_risk * (here.at_risk - here.events));
    hazard += here.events / here.at_risk;
    CurvePoint point;
    point.here = here;
    point.survival = survival;
    point.cumulative_hazard = hazard;
    if (survival > 0) {
      point.std_error = survival * std::sqrt(variance);
      SetLimits(width, std::sqrt(variance), scale, point);
    }
    curve.push_back(point);
  }
  return curve;
}

Median MedianOf(const std::vector<CurvePoint>& curve) {
  return {HalfTime(curve, [](const CurvePoint& p) { return std::optional<double>(p.survival); }),
          HalfTime(curve, [](const CurvePoint& p) { return p.low; }),
          HalfTime(curve, [](const CurvePoint& p) { return p.high; })};
}

}  // namespace consilium::survival
