#include "protocols/analyses/meta/pooling.h"

#include <algorithm>
#include <cmath>

#include "common/check.h"
#include "protocols/analyses/distributions.h"

namespace consilium::meta {

double FixedEffect(const FixedSums& sums) { return sums.weighted / sums.weights; }

double BetweenSites(double fits, const FixedSums& fixed, const SpreadSums& spread) {
  const double expected = fixed.weights * (1 - spread.squared_shares);
  const double excess = spread.spread - (fits - 1);
  // One site may have all the weight but for rounding: nothing is known of the others' spread.
  return excess > 0 && expected > 0 ? excess / expected : 0;
}

PooledCoefficient PoolCoefficient(const std::string& name,
                                  double fits,
                                  double unit,
                                  const FixedSums& fixed,
                                  const SpreadSums& spread,
                                  const RandomSums& random,
                                  double confidence) {
  CHECK(fits > 2);
  PooledCoefficient pooled;
  const double centre = FixedEffect(fixed);
  pooled.fixed = glm::WaldLine(name, centre * unit, unit / std::sqrt(fixed.weights), confidence);

  pooled.q = spread.spread;
  pooled.q_df = fits - 1;
  pooled.q_p_value = ChiSquaredUpper(pooled.q, pooled.q_df);
  pooled.h_squared = pooled.q / pooled.q_df;
  pooled.i_squared = pooled.q > pooled.q_df ? (pooled.q - pooled.q_df) / pooled.q : 0;
  const double between = BetweenSites(fits, fixed, spread);
  pooled.tau_squared = between * unit * unit;

  const double weights = random.shares * fixed.weights;
  const double shift = random.deviations / (random.shares * std::sqrt(fixed.weights));
  const double estimate = (centre + shift) * unit;
  pooled.random = glm::WaldLine(name, estimate, unit / std::sqrt(weights), confidence);
  const double about_estimate = random.spread - weights * shift * shift;
  if (about_estimate > 0) {
    const double error = unit * std::sqrt(about_estimate / (pooled.q_df * weights));
    pooled.hartung_knapp = glm::StudentLine(name, estimate, error, pooled.q_df, confidence);
  }
  const double reach =
      StudentQuantile(0.5 + confidence / 2, fits - 2) * unit * std::sqrt(between + 1 / weights);
  pooled.prediction_low = estimate - reach;
  pooled.prediction_high = estimate + reach;
  return pooled;
}

}  // namespace consilium::meta
