#pragma once

// The site's half: sums over its rows in row order, in plain scalar loops, so that the same cohort
// gives the same bits with every compiler.

#include "common/result.h"
#include "protocols/analyses/glm/query.h"

namespace consilium::glm {

/// A query with all that does not depend on the rows worked out, so that a simulation's many sites
/// share it and answering allocates nothing.
class GlmSiteQuery final : public PreparedQuery {
 public:
  /// Design and family must outlive it. The error is that of DescribeQuery.
  static Result<GlmSiteQuery> Make(GlmQuery query, const Design& design, const Family& family);

  std::size_t numbers() const { return numbers_; }
  using PreparedQuery::Answer;
  Status Answer(const CohortView& cohort, std::span<double> values) const override;

 private:
  GlmSiteQuery(GlmQuery query, const Design& design, const Family& family);

  GlmQuery query_;
  const Design& design_;
  const Family& family_;
  TermReader terms_;
  std::size_t outcome_sums_ = 0;
  std::size_t numbers_ = 0;
};

}  // namespace consilium::glm
