#pragma once

// The site's half: its rows in parts, and each part's answer as the model gives it.

#include <cstddef>
#include <span>
#include <utility>

#include "common/result.h"
#include "protocols/analyses/validate/query.h"
#include "protocols/analysis.h"

namespace consilium::validate {

/// A query that was read once.
class ValidateSiteQuery final : public PreparedQuery {
 public:
  /// The plan must outlive it.
  ValidateSiteQuery(ValidateQuery query, const ValidatePlan& plan);

  std::size_t numbers() const { return numbers_; }
  using PreparedQuery::Answer;
  /// A part without rows gives zeros.
  Status Answer(const CohortView& cohort, std::span<double> values) const override;

 private:
  const ValidatePlan& plan_;
  ValidateQuery query_;
  std::size_t numbers_ = 0;
};

}  // namespace consilium::validate
