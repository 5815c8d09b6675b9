#pragma once

// What is put into gaps, from sums over all hospitals.

#include <cstdint>
#include <span>
#include <vector>

#include "common/result.h"
#include "protocols/analyses/imputation/imputation.h"
#include "protocols/federation.h"

namespace consilium::imputation {

/// What leaves a site: rows, then of each column how many have a value and, for a mean, their sum
/// in half ranges about the middle of the range; for others, how many there are of each bin.
std::vector<Slice> LearningSlices(const std::vector<ImputedColumn>& columns,
                                  std::uint64_t maximum_rows);
/// Overwrites `values`, which has the numbers of these slices.
Status AnswerLearning(const std::vector<ImputedColumn>& columns,
                      const CohortView& cohort,
                      std::span<double> values);

struct Learned {
  std::vector<double> values;          ///< One a column.
  std::vector<std::uint64_t> missing;  ///< Rows of all sites without it.
};
/// kNotEstimable naming a column that no site has a value of; kCorrupt for sums that cannot be.
Result<Learned> LearnFrom(const std::vector<ImputedColumn>& columns, const Aggregate& aggregate);

}  // namespace consilium::imputation
