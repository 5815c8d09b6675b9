#pragma once

// Training under differential privacy, the site's half: what one unit changes in an answer is
// bounded, whatever a site or a patient has, and nothing is answered that has no such bound.
//
// Unit site: McMahan, Ramage, Talwar, Zhang, "Learning Differentially Private Recurrent Language
// Models" (ICLR 2018), with equal weights: a site trains as without noise, and its update, at most
// `clip` long, is summed.
//
// Unit patient: Abadi et al., "Deep Learning with Differential Privacy" (CCS 2016), with all rows
// as the batch and all sites' rows under one noise: each row's gradient, at most `clip` long, is
// summed. One such sum is a step.

#include <cstdint>
#include <span>
#include <vector>

#include "common/result.h"
#include "common/settings.h"
#include "protocols/analyses/train/site.h"

namespace consilium::train {

/// Whether training by this plan can be bounded for the unit; otherwise an error at the key of the
/// [analysis] table that is in the way.
Status CheckPrivate(const TrainPlan& plan, PrivacyUnit unit, const Settings& analysis);

/// What leaves a site in each round.
std::vector<Slice> DescribePrivate(const TrainPlan& plan, PrivacyUnit unit);

/// Such an answer or sum, by names.
struct PrivateNumbers {
  std::span<double> rows;  ///< None with the site as unit.
  std::span<double> sum;   ///< Of updates, or of gradients.
};
PrivateNumbers SplitPrivate(const TrainPlan& plan, PrivacyUnit unit, std::span<double> values);

/// A query of these rounds: kInvalidArgument for others.
Result<TrainQuery> DecodePrivateQuery(const Query& query, const TrainPlan& plan);

/// Adds each row's gradient at the parameters, shortened to plan.clip if it is longer, to `sum`: a
/// row more or less changes it by exactly that. A gradient that is not finite counts as none.
void AddClippedGradients(const TrainPlan& plan,
                         const SiteRows& rows,
                         std::span<const float> parameters,
                         std::span<double> sum);

class PrivateSiteQuery final : public PreparedQuery {
 public:
  /// Plan and trainer, which is null where there is none, outlive it.
  PrivateSiteQuery(const TrainPlan& plan,
                   PrivacyUnit unit,
                   TrainQuery query,
                   const ExternalTrainer* trainer);

  std::size_t numbers() const { return numbers_; }
  Status Answer(const CohortView& cohort, std::span<double> values) const override;
  Status Answer(const CohortView& cohort,
                SiteMemory& memory,
                std::span<double> values) const override;

 private:
  Status AnswerUpdate(const CohortView& cohort, SiteMemory& memory, std::span<double> update) const;

  const TrainPlan& plan_;
  const PrivacyUnit unit_;
  const std::vector<float> parameters_;
  const TrainSiteQuery unbounded_;  ///< The same round without noise.
  const std::size_t numbers_;
};

}  // namespace consilium::train
