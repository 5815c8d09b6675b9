#pragma once

// The site's half: its rows in parts, and each part's answer by the regression's or the
// evaluation's own site.

#include <optional>
#include <span>
#include <vector>

#include "common/result.h"
#include "protocols/analyses/glm/site.h"
#include "protocols/analyses/validate/query.h"
#include "protocols/analysis.h"

namespace consilium::validate {

/// A query that was read once.
class ValidateSiteQuery final : public PreparedQuery {
 public:
  /// The plan must outlive it. The error is that of DescribeQuery.
  static Result<ValidateSiteQuery> Make(ValidateQuery query, const ValidatePlan& plan);

  std::size_t numbers() const { return numbers_; }
  using PreparedQuery::Answer;
  /// A part without rows gives zeros.
  Status Answer(const CohortView& cohort, std::span<double> values) const override;

 private:
  /// One question, with all that does not depend on the rows worked out.
  struct Prepared {
    Item item;
    std::optional<glm::GlmSiteQuery> fit;
    std::size_t numbers = 0;
  };

  explicit ValidateSiteQuery(const ValidatePlan& plan) : plan_(plan) {}
  Status AnswerItem(const Prepared& prepared,
                    const CohortView& part,
                    std::span<double> values) const;

  const ValidatePlan& plan_;
  Step step_ = Step::kSizes;
  std::vector<Prepared> items_;
  std::size_t numbers_ = 0;
};

}  // namespace consilium::validate
