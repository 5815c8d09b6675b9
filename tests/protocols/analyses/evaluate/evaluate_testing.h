#pragma once

// What an evaluation is held against: the same measures row by row, written anew in long doubles.

#include <cmath>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/protocols/analyses/regression_testing.h"

namespace consilium::testing {

/// Rows in one place: what was predicted, as log odds and probability, and what happened.
struct PooledRows {
  std::vector<long double> log_odds;
  std::vector<long double> probability;
  std::vector<bool> event;
};

struct PooledNumber {
  long double estimate = 0;
  long double std_error = 0;
};

/// Over all pairs of an event and another row, ties counting half.
inline long double PooledAuc(const PooledRows& rows) {
  long double won = 0;
  long double pairs = 0;
  for (std::size_t i = 0; i < rows.event.size(); ++i) {
    for (std::size_t j = 0; j < rows.event.size(); ++j) {
      if (!rows.event[i] || rows.event[j]) continue;
      pairs += 1;
      won += rows.log_odds[i] > rows.log_odds[j]    ? 1.0L
             : rows.log_odds[i] == rows.log_odds[j] ? 0.5L
                                                    : 0.0L;
    }
  }
  return won / pairs;
}

inline PooledNumber PooledMean(const std::vector<long double>& numbers) {
  const auto n = static_cast<long double>(numbers.size());
  long double sum = 0;
  for (const long double number : numbers) sum += number;
  long double squares = 0;
  for (const long double number : numbers) squares += (number - sum / n) * (number - sum / n);
  return {sum / n, std::sqrt(squares / (n - 1) / n)};
}

inline PooledNumber PooledBrier(const PooledRows& rows) {
  std::vector<long double> squares;
  for (std::size_t i = 0; i < rows.event.size(); ++i) {
    const long double away = rows.probability[i] - (rows.event[i] ? 1.0L : 0.0L);
    squares.push_back(away * away);
  }
  return PooledMean(squares);
}

inline PooledNumber PooledLogLoss(const PooledRows& rows) {
  std::vector<long double> losses;
  for (std::size_t i = 0; i < rows.event.size(); ++i) {
    const long double towards = rows.event[i] ? rows.log_odds[i] : -rows.log_odds[i];
    losses.push_back(std::log1p(std::exp(-towards)));
  }
  return PooledMean(losses);
}

/// Score and information of logit P = a + b x at a point.
struct PooledDerivatives {
  long double u = 0, v = 0, aa = 0, ab = 0, bb = 0;

  PooledDerivatives(const PooledRows& rows, long double a, long double b) {
    for (std::size_t i = 0; i < rows.event.size(); ++i) {
      const long double x = rows.log_odds[i];
      const long double p = 1 / (1 + std::exp(-(a + b * x)));
      const long double away = (rows.event[i] ? 1.0L : 0.0L) - p;
      u += away;
      v += away * x;
      aa += p * (1 - p);
      ab += p * (1 - p) * x;
      bb += p * (1 - p) * x * x;
    }
  }
};

/// a of logit P = a + x, by bisection: nothing in common with Newton's method.
inline PooledNumber PooledInTheLarge(const PooledRows& rows) {
  long double low = -50;
  long double high = 50;
  for (int i = 0; i < 200; ++i) {
    const long double middle = (low + high) / 2;
    (PooledDerivatives(rows, middle, 1).u > 0 ? low : high) = middle;
  }
  return {low, 1 / std::sqrt(PooledDerivatives(rows, low, 1).aa)};
}

struct PooledLine {
  PooledNumber intercept;
  PooledNumber slope;
};

/// a and b of logit P = a + b x, by so many Newton steps from the intercept alone.
inline PooledLine PooledSlope(const PooledRows& rows) {
  long double a = PooledInTheLarge(rows).estimate;
  long double b = 1;
  for (int step = 0; step < 60; ++step) {
    const PooledDerivatives at(rows, a, b);
    const long double determinant = at.aa * at.bb - at.ab * at.ab;
    // Halved, so that no step goes too far.
    const long double factor = step < 20 ? 0.5L : 1.0L;
    a += factor * (at.bb * at.u - at.ab * at.v) / determinant;
    b += factor * (at.aa * at.v - at.ab * at.u) / determinant;
  }
  const PooledDerivatives at(rows, a, b);
  const long double determinant = at.aa * at.bb - at.ab * at.ab;
  return {{a, std::sqrt(at.bb / determinant)}, {b, std::sqrt(at.aa / determinant)}};
}

inline void ExpectMeasure(const Json& measure,
                          const PooledNumber& expected,
                          double tolerance,
                          const std::string& what) {
  ASSERT_TRUE(measure.is_object()) << what;
  ExpectClose(measure["estimate"], static_cast<double>(expected.estimate), tolerance, what);
  ExpectClose(measure["std_error"], static_cast<double>(expected.std_error), tolerance,
              what + " standard error");
}

/// Everything that an evaluation says of all rows: the AUC to its own bound, the rest to 1e-8,
/// which is what the project promises; 1e-10 for plain sums.
inline void ExpectEqualsPooled(const Json& result, const PooledRows& rows) {
  EXPECT_EQ(result["rows"], rows.event.size());
  const double auc = result["auc"]["estimate"];
  EXPECT_LE(std::abs(auc - static_cast<double>(PooledAuc(rows))),
            result["auc"]["bin_error"].get<double>() + 1e-14);
  ExpectMeasure(result["brier"], PooledBrier(rows), 1e-10, "Brier score");
  ExpectMeasure(result["log_loss"], PooledLogLoss(rows), 1e-10, "log-loss");
  ExpectMeasure(result["calibration_in_the_large"], PooledInTheLarge(rows), 1e-8, "in the large");
  const PooledLine line = PooledSlope(rows);
  ExpectMeasure(result["calibration_intercept"], line.intercept, 1e-8, "intercept");
  ExpectMeasure(result["calibration_slope"], line.slope, 1e-8, "slope");
}

}  // namespace consilium::testing
