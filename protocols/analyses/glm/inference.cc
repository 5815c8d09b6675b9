#include "protocols/analyses/glm/inference.h"

#include <cmath>
#include <limits>
#include <utility>

#include "common/check.h"
#include "protocols/analyses/distributions.h"

namespace consilium::glm {

namespace {

void SetLimits(double width, Coefficient& line) {
  line.low = line.estimate - width * line.std_error;
  line.high = line.estimate + width * line.std_error;
}

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

Coefficient EstimateAlone(std::string name, double estimate) {
  return {std::move(name), estimate, kNone, kNone, kNone, kNone, kNone};
}

Coefficient WithStudent(Coefficient line, double df, double confidence) {
  line.p_value = StudentTwoSided(line.statistic, df);
  SetLimits(StudentQuantile(0.5 + confidence / 2, df), line);
  return line;
}

}  // namespace

Coefficient WaldLine(std::string name, double estimate, double std_error, double confidence) {
  Coefficient line;
  line.name = std::move(name);
  line.estimate = estimate;
  line.std_error = std_error;
  line.statistic = estimate / std_error;
  line.p_value = NormalTwoSided(line.statistic);
  SetLimits(NormalQuantile(0.5 + confidence / 2), line);
  return line;
}

Coefficient StudentLine(
    std::string name, double estimate, double std_error, double df, double confidence) {
  return WithStudent(WaldLine(std::move(name), estimate, std_error, confidence), df, confidence);
}

double ResidualDegrees(const Fit& fit) {
  return static_cast<double>(fit.rows) - static_cast<double>(fit.coefficients.size());
}

std::vector<Coefficient> Infer(const Fit& fit,
                               const Design& design,
                               bool gaussian,
                               double confidence) {
  CHECK(fit.converged);
  std::vector<Coefficient> result;
  for (std::size_t j = 0; j < fit.coefficients.size(); ++j) {
    const std::string name = j == 0 ? "(Intercept)" : design.terms[j - 1].name;
    if (fit.exact) {
      result.push_back(EstimateAlone(name, fit.coefficients[j]));
      continue;
    }
    const Coefficient line =
        WaldLine(name, fit.coefficients[j], std::sqrt(fit.covariance(j, j)), confidence);
    result.push_back(gaussian ? WithStudent(line, ResidualDegrees(fit), confidence) : line);
  }
  return result;
}

LeastSquares SummariseLeastSquares(const Fit& fit) {
  const double df = ResidualDegrees(fit);
  const double terms = static_cast<double>(fit.coefficients.size()) - 1;
  if (fit.exact) return {0, 1, 1, kNone, kNone};
  LeastSquares result;
  result.sigma = std::sqrt(fit.deviance / df);
  const double unexplained = fit.deviance / fit.null_deviance;
  result.r_squared = 1 - unexplained;
  result.adjusted_r_squared = 1 - unexplained * (df + terms) / df;
  result.f_statistic = result.r_squared / terms / (unexplained / df);
  result.f_p_value = FisherUpper(result.f_statistic, terms, df);
  return result;
}

double Aic(const Fit& fit, bool gaussian) {
  const double parameters = static_cast<double>(fit.coefficients.size()) + (gaussian ? 1 : 0);
  return -2 * fit.log_likelihood + 2 * parameters;
}

}  // namespace consilium::glm
