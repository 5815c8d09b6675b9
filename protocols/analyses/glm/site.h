#pragma once

// The site's half: sums over its rows in row order, in plain scalar loops, so that the same cohort
// gives the same bits with every compiler.

#include <vector>

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
  /// How a term is read off a row and brought to the query's units.
  struct TermReader {
    std::size_t column = 0;
    bool of_category = false;
    double level = 0;
    double centre = 0;
    double scale = 1;
  };

  GlmSiteQuery(GlmQuery query, const Design& design, const Family& family);
  void ReadTerms(const double* row, std::span<double> terms) const;

  GlmQuery query_;
  const Design& design_;
  const Family& family_;
  std::vector<TermReader> terms_;
  std::size_t outcome_sums_ = 0;
  std::size_t numbers_ = 0;
};

}  // namespace consilium::glm
