#pragma once

// What a fitted model says of a row, and rows that have nothing but outcomes and that: a
// calibration is a regression of outcomes on predictions.

#include <span>
#include <vector>

#include "protocols/analyses/glm/design.h"
#include "protocols/cohort.h"

namespace consilium::validate {

/// A linear predictor, and the range that the contract leaves it.
class Predictor {
 public:
  /// One slope a term, in its own units. The design must outlive it.
  Predictor(const glm::Design& design, double intercept, std::span<const double> slopes);

  /// Of a row with the design's columns.
  double Of(const double* row) const;
  double minimum() const { return minimum_; }
  double maximum() const { return maximum_; }

 private:
  const glm::Design& design_;
  double intercept_ = 0;
  std::vector<double> slopes_;
  double minimum_ = 0;
  double maximum_ = 0;
};

/// The same outcomes with the linear predictor as the only term.
glm::Design DesignOn(const Predictor& predictor, const glm::Design& design);
/// Rows of that design.
Cohort RowsOn(const Predictor& predictor, const glm::Design& on, const CohortView& rows);

}  // namespace consilium::validate
