#pragma once

// The site's half of a meta-analysis: its own fit, and what of it a query asks for.

#include <optional>
#include <span>

#include "common/result.h"
#include "protocols/analyses/meta/query.h"
#include "protocols/analysis.h"

namespace consilium::meta {

/// Overwrites `values`, which has the numbers of the query's slices. A site without a fit gives
/// zeros for everything that would be of it.
void AnswerFrom(const MetaQuery& query,
                const std::optional<OwnFit>& fit,
                const CohortView& cohort,
                std::span<double> values);

/// A query that was read once. A site's memory keeps its fit, which is the same in every round.
class MetaSiteQuery final : public PreparedQuery {
 public:
  /// The plan must outlive it.
  MetaSiteQuery(MetaQuery query, const MetaPlan& plan);

  std::size_t numbers() const { return numbers_; }
  Status Answer(const CohortView& cohort, std::span<double> values) const override;
  Status Answer(const CohortView& cohort,
                SiteMemory& memory,
                std::span<double> values) const override;

 private:
  MetaQuery query_;
  const MetaPlan& plan_;
  std::size_t numbers_ = 0;
};

}  // namespace consilium::meta
