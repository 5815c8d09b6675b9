#include "protocols/analyses/distributions.h"

#include <algorithm>
#include <cmath>

#include <boost/math/distributions/chi_squared.hpp>
#include <boost/math/distributions/fisher_f.hpp>
#include <boost/math/distributions/normal.hpp>
#include <boost/math/distributions/students_t.hpp>
#include <boost/math/special_functions/gamma.hpp>

#include "common/check.h"

namespace consilium {
namespace {

namespace policies = boost::math::policies;

// Out-of-range arguments give NaN or infinity, which callers render as "not known": no exceptions.
using Quiet = policies::policy<policies::domain_error<policies::ignore_error>,
                               policies::pole_error<policies::ignore_error>,
                               policies::overflow_error<policies::ignore_error>,
                               policies::underflow_error<policies::ignore_error>,
                               policies::evaluation_error<policies::ignore_error>>;
using Normal = boost::math::normal_distribution<double, Quiet>;
using Student = boost::math::students_t_distribution<double, Quiet>;
using ChiSquared = boost::math::chi_squared_distribution<double, Quiet>;
using Fisher = boost::math::fisher_f_distribution<double, Quiet>;

}  // namespace

double NormalTwoSided(double z) {
  return 2 * boost::math::cdf(boost::math::complement(Normal(), std::abs(z)));
}

double NormalQuantile(double probability) { return boost::math::quantile(Normal(), probability); }

double StudentTwoSided(double t, double df) {
  return 2 * boost::math::cdf(boost::math::complement(Student(df), std::abs(t)));
}

double StudentQuantile(double probability, double df) {
  return boost::math::quantile(Student(df), probability);
}

double FisherUpper(double f, double df1, double df2) {
  return boost::math::cdf(boost::math::complement(Fisher(df1, df2), f));
}

double ChiSquaredUpper(double x, double df) {
  return boost::math::cdf(boost::math::complement(ChiSquared(df), x));
}

double LogFactorial(double n) { return n < 2 ? 0.0 : boost::math::lgamma(n + 1, Quiet()); }

ShareLimits WilsonLimits(double events, double rows, double confidence) {
  CHECK(rows > 0 && events <= rows);
  const double z = NormalQuantile(0.5 + confidence / 2);
  const double share = events / rows;
  const double scale = 1 + z * z / rows;
  const double centre = (share + z * z / (2 * rows)) / scale;
  const double half = z / scale * std::sqrt(share * (1 - share) / rows + z * z / (4 * rows * rows));
  return {events == 0 ? 0 : std::max(0.0, centre - half),
          events == rows ? 1 : std::min(1.0, centre + half)};
}

}  // namespace consilium
