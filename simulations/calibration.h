#pragma once

// Whether predicted probabilities are what happens: by groups of rows, and by the two numbers that
// a calibration plot is summed up in (Cox 1958; Van Calster, McLernon, van Smeden, Wynants and
// Steyerberg 2019).

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "common/result.h"
#include "protocols/cohort.h"
#include "protocols/plan.h"
#include "simulations/comparison.h"

namespace consilium {

/// Limits of a 95 % interval.
struct Limits {
  double low = 0;
  double high = 0;
};

struct CalibrationGroup {
  std::uint64_t rows = 0;
  std::uint64_t events = 0;
  double predicted = 0;  ///< The mean probability of its rows.
  double observed() const { return static_cast<double>(events) / static_cast<double>(rows); }
};

/// With the limits of estimate +- 1.96 standard errors (Wald).
struct CalibrationNumber {
  double estimate = 0;
  Limits limits;
};

struct Calibration {
  /// By rising probability, as many rows in each as equal probabilities allow.
  std::vector<CalibrationGroup> groups;
  std::uint64_t rows = 0;
  std::uint64_t events = 0;
  double predicted = 0;  ///< The mean probability of all rows.
  /// a in logit(p) = a + predicted log odds: 0 where as many events happen as predicted, above
  /// where more do. Empty when all rows have one outcome.
  std::optional<CalibrationNumber> intercept;
  /// b in logit(p) = a + b predicted log odds: below 1 where predictions are too extreme. Empty,
  /// too, when the predictions do not vary, or separate the outcomes.
  std::optional<CalibrationNumber> slope;
};

/// Of as many predicted log odds as outcomes, 0 or 1; of none when both are empty.
Calibration Calibrate(std::span<const double> log_odds,
                      std::span<const double> outcomes,
                      std::size_t groups);

/// What a logistic model with these coefficients, in the plan's order with the intercept first,
/// says of each row of a cohort of the plan's.
Result<std::vector<double>> LogOddsOf(const Plan& plan,
                                      const std::vector<Coefficient>& coefficients,
                                      const CohortView& cohort);

/// A cohort's calibration under such a model.
Result<Calibration> CalibrationOf(const Plan& plan,
                                  const std::vector<Coefficient>& coefficients,
                                  const CohortView& cohort,
                                  std::size_t groups);

}  // namespace consilium
