#include "simulations/calibration.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "common/check.h"
#include "protocols/analyses/distributions.h"
#include "protocols/analyses/glm/design.h"
#include "simulations/draws.h"
#include "simulations/generator.h"

namespace consilium {
namespace {

/// Log odds beyond this are probabilities of 0 or 1 to the last digit.
constexpr double kLargestLogOdds = 700;

double Probability(double log_odds) {
  return PortableLogistic(std::clamp(log_odds, -kLargestLogOdds, kLargestLogOdds));
}

double Quantile975() { return NormalQuantile(0.975); }

CalibrationNumber WaldOf(double estimate, double variance) {
  const double half = Quantile975() * std::sqrt(variance);
  return {estimate, {estimate - half, estimate + half}};
}

/// Score and information of logit(p) = a + b x at (a, b).
struct Newton {
  double score_a = 0;
  double score_b = 0;
  double aa = 0;
  double ab = 0;
  double bb = 0;

  Newton(std::span<const double> x, std::span<const double> y, double a, double b) {
    for (std::size_t i = 0; i < x.size(); ++i) {
      const double p = Probability(a + b * x[i]);
      const double weight = p * (1 - p);
      score_a += y[i] - p;
      score_b += (y[i] - p) * x[i];
      aa += weight;
      ab += weight * x[i];
      bb += weight * x[i] * x[i];
    }
  }
  double determinant() const { return aa * bb - ab * ab; }
};

constexpr int kMostSteps = 50;
constexpr double kConverged = 1e-10;
/// Steps are cut to this: the likelihood is flat far from its maximum.
constexpr double kLongestStep = 2;

std::optional<CalibrationNumber> InterceptOf(std::span<const double> x, std::span<const double> y) {
  double a = 0;
  for (int step = 0; step < kMostSteps; ++step) {
    const Newton at(x, y, a, 1);
    if (!(at.aa > 0)) return {};
    const double change = std::clamp(at.score_a / at.aa, -kLongestStep, kLongestStep);
    a += change;
    if (std::abs(change) < kConverged) return WaldOf(a, 1 / at.aa);
  }
  return {};
}

std::optional<CalibrationNumber> SlopeOf(std::span<const double> x, std::span<const double> y) {
  double a = 0;
  double b = 1;
  for (int step = 0; step < kMostSteps; ++step) {
    const Newton at(x, y, a, b);
    const double determinant = at.determinant();
    // Relative to its terms: predictions that do not vary, or that separate the outcomes.
    if (!(determinant > 1e-12 * at.aa * at.bb)) return {};
    const double change_a = (at.bb * at.score_a - at.ab * at.score_b) / determinant;
    const double change_b = (at.aa * at.score_b - at.ab * at.score_a) / determinant;
    const double longest = std::max(std::abs(change_a), std::abs(change_b));
    const double factor = longest > kLongestStep ? kLongestStep / longest : 1;
    a += factor * change_a;
    b += factor * change_b;
    if (longest < kConverged) return WaldOf(b, at.aa / determinant);
  }
  return {};
}

std::vector<CalibrationGroup> GroupsOf(std::span<const double> log_odds,
                                       std::span<const double> outcomes,
                                       std::size_t groups) {
  std::vector<std::size_t> order(log_odds.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return log_odds[a] != log_odds[b] ? log_odds[a] < log_odds[b] : a < b;
  });
  std::vector<CalibrationGroup> made;
  CalibrationGroup group;
  for (std::size_t k = 0; k < order.size(); ++k) {
    const std::size_t row = order[k];
    ++group.rows;
    group.events += outcomes[row] > 0.5 ? 1U : 0U;
    group.predicted += Probability(log_odds[row]);
    const bool last = k + 1 == order.size();
    const bool full = (k + 1) * groups >= (made.size() + 1) * order.size();
    // Equal predictions stay together.
    if (!last && (!full || log_odds[order[k + 1]] == log_odds[row])) continue;
    group.predicted /= static_cast<double>(group.rows);
    made.push_back(group);
    group = {};
  }
  return made;
}

}  // namespace

Calibration Calibrate(std::span<const double> log_odds,
                      std::span<const double> outcomes,
                      std::size_t groups) {
  CHECK(log_odds.size() == outcomes.size() && groups > 0);
  Calibration calibration;
  calibration.groups = GroupsOf(log_odds, outcomes, groups);
  for (const CalibrationGroup& group : calibration.groups) {
    calibration.rows += group.rows;
    calibration.events += group.events;
    calibration.predicted += group.predicted * static_cast<double>(group.rows);
  }
  if (calibration.rows == 0) return calibration;
  calibration.predicted /= static_cast<double>(calibration.rows);
  if (calibration.events == 0 || calibration.events == calibration.rows) return calibration;
  calibration.intercept = InterceptOf(log_odds, outcomes);
  calibration.slope = SlopeOf(log_odds, outcomes);
  return calibration;
}

Result<std::vector<double>> LogOddsOf(const Plan& plan,
                                      const std::vector<Coefficient>& coefficients,
                                      const CohortView& cohort) {
  TRY(const glm::Design design, DesignOf(plan));
  if (coefficients.size() != design.terms.size() + 1) {
    return Fail(ErrorCode::kInvalidArgument, "these coefficients are not of the plan's terms");
  }
  std::vector<double> log_odds(static_cast<std::size_t>(cohort.values.rows()),
                               coefficients.front().estimate);
  for (std::size_t i = 0; i < log_odds.size(); ++i) {
    for (std::size_t j = 0; j < design.terms.size(); ++j) {
      const glm::Term& term = design.terms[j];
      const double value =
          cohort.values(static_cast<Eigen::Index>(i), static_cast<Eigen::Index>(term.feature + 1));
      log_odds[i] +=
          coefficients[j + 1].estimate * glm::TermOf(term.of_category, term.level, value);
    }
  }
  return log_odds;
}

Result<Calibration> CalibrationOf(const Plan& plan,
                                  const std::vector<Coefficient>& coefficients,
                                  const CohortView& cohort,
                                  std::size_t groups) {
  TRY(const std::vector<double> log_odds, LogOddsOf(plan, coefficients, cohort));
  std::vector<double> outcomes(log_odds.size());
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    outcomes[i] = cohort.values(static_cast<Eigen::Index>(i), 0);
  }
  return Calibrate(log_odds, outcomes, groups);
}

}  // namespace consilium
