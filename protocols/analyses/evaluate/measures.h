#pragma once

// How well predictions separate and match outcomes, from counts and sums.

#include <cstddef>
#include <optional>
#include <span>

namespace consilium::evaluate {

/// A number with its standard error and limits, where it has them.
struct Measure {
  double estimate = 0;
  std::optional<double> std_error;
  std::optional<double> low;
  std::optional<double> high;
};

/// estimate +- z std_error (Wald).
Measure WaldMeasure(double estimate, double std_error, double confidence);
/// A mean of `rows` numbers from their sum and sum of squares; without a standard error for fewer
/// than two.
Measure MeanMeasure(double rows, double sum, double squares, double confidence);

/// The area under the ROC curve.
struct Discrimination {
  Measure auc;
  /// The AUC of the predictions themselves is within this of the estimate: half of the pairs of an
  /// event and another row in one bin, over all pairs.
  double bin_error = 0;
  /// An event lies below another row and an event above one, each in another bin: predictions do
  /// not separate outcomes, so that a recalibration's slope exists (Albert and Anderson 1984).
  bool overlaps = false;
};

/// From histograms of the same bins in rising order: the Mann-Whitney statistic with ties counted
/// half, its standard error that of DeLong, DeLong and Clarke-Pearson (1988), both exact for the
/// binned predictions; limits by Wald, cut at 0 and 1. No standard error where one side has one
/// row; nothing where it has none.
std::optional<Discrimination> Discriminate(std::span<const double> events,
                                           std::span<const double> others,
                                           double confidence);

/// Observed events over expected ones, the limits symmetric for its logarithm, whose standard error
/// is sqrt((1 - events / rows) / events) (Debray et al. 2017); `std_error` is the ratio's. Nothing
/// where no event was observed.
std::optional<Measure> ObservedOverExpected(double rows,
                                            double events,
                                            double expected,
                                            double confidence);

}  // namespace consilium::evaluate
