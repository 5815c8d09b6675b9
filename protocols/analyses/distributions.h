#pragma once

// The distributions that inference needs. Tails are computed as tails, never as 1 minus a cdf, so a
// p value of 1e-130 keeps its digits.

namespace consilium {

double NormalTwoSided(double z);              ///< P(|Z| >= |z|).
double NormalQuantile(double probability);    ///< 0 < probability < 1.
double StudentTwoSided(double t, double df);  ///< P(|T| >= |t|), df > 0.
double StudentQuantile(double probability, double df);
double FisherUpper(double f, double df1, double df2);  ///< P(F >= f).
double ChiSquaredUpper(double x, double df);           ///< P(X >= x).
struct ShareLimits {
  double low = 0;
  double high = 1;
};
/// Limits of a share of `events` in `rows` > 0 (Wilson 1927): within 0 and 1, also where no row or
/// every row has the event.
ShareLimits WilsonLimits(double events, double rows, double confidence);
/// log(n!) for a whole n >= 0; without the global sign that std::lgamma writes.
double LogFactorial(double n);

}  // namespace consilium
