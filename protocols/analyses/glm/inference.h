#pragma once

// Standard errors, tests, intervals and the summary statistics of a converged fit.

#include <string>
#include <vector>

#include "protocols/analyses/glm/fit.h"

namespace consilium::glm {

/// One coefficient's line in a result. Of an exact fit all numbers but the estimate are none
/// (NaN).
struct Coefficient {
  std::string name;
  double estimate = 0;
  double std_error = 0;
  double statistic = 0;  ///< z; t for a linear model.
  double p_value = 0;
  double low = 0;
  double high = 0;
};

/// A linear model's own numbers, as R's summary.lm gives them. Of an exact fit F and its p value
/// are none (NaN).
struct LeastSquares {
  double sigma = 0;
  double r_squared = 0;
  double adjusted_r_squared = 0;
  double f_statistic = 0;
  double f_p_value = 0;
};

/// Wald's line with a normal statistic, the width in standard errors being NormalQuantile's.
Coefficient WaldLine(std::string name, double estimate, double std_error, double confidence);

/// The same with Student's t on df degrees of freedom.
Coefficient StudentLine(
    std::string name, double estimate, double std_error, double df, double confidence);

double ResidualDegrees(const Fit& fit);
std::vector<Coefficient> Infer(const Fit& fit,
                               const Design& design,
                               bool gaussian,
                               double confidence);
LeastSquares SummariseLeastSquares(const Fit& fit);
/// -2 log-likelihood + 2 parameters; a linear model's variance is one.
double Aic(const Fit& fit, bool gaussian);

}  // namespace consilium::glm
