#pragma once

// A federation of one site, inside that site: what any analysis finds in these rows alone. The
// sums stay here.

#include <optional>

#include "common/result.h"
#include "protocols/analysis.h"

namespace consilium::meta {

class OwnRows final : public Federation {
 public:
  /// Analysis and cohort must outlive it.
  OwnRows(const Analysis& analysis, const CohortView& cohort)
      : analysis_(analysis), cohort_(cohort) {}

  /// Bit for bit the sum of a study of this one site, through the same integers. Throws
  /// StudyInterrupted when the rows give no answer: error() then says why.
  Aggregate Sum(const Query& query) override;

  const std::optional<Error>& error() const { return error_; }

 private:
  Result<Aggregate> Ask(const Query& query) const;

  const Analysis& analysis_;
  const CohortView& cohort_;
  std::optional<Error> error_;
};

}  // namespace consilium::meta
