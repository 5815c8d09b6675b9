#pragma once

// The site's half: one query, answered for any number of cohorts.

#include <memory>
#include <mutex>
#include <vector>

#include "common/ids.h"
#include "common/result.h"
#include "protocols/analyses/train/local.h"
#include "protocols/analyses/train/query.h"
#include "protocols/analyses/train/state.h"
#include "protocols/analysis.h"
#include "protocols/external_trainer.h"

namespace consilium::train {

/// A site's rows as they were converted on the scale with this digest.
struct KeptRows final : public SiteScratch {
  Digest scaling;
  SiteRows rows;
};

class TrainSiteQuery final : public PreparedQuery {
 public:
  /// Plan and trainer, which is null where there is none, outlive it.
  TrainSiteQuery(const TrainPlan& plan, TrainQuery query, const ExternalTrainer* trainer = nullptr);

  std::size_t numbers() const { return numbers_; }
  Status Answer(const CohortView& cohort, std::span<double> values) const override;
  Status Answer(const CohortView& cohort,
                SiteMemory& memory,
                std::span<double> values) const override;
  /// The cohort on the query's scale, which the memory keeps.
  Result<const SiteRows*> RowsOf(const CohortView& cohort, SiteMemory& memory) const;

 private:
  class LentLearner;

  Status AnswerMoments(const CohortView& cohort, std::span<double> values) const;
  Status AnswerRows(const SiteRows& rows,
                    std::uint64_t patients,
                    SiteMemory& memory,
                    std::span<double> values) const;
  void AddLosses(const SiteRows& rows,
                 std::span<const float> model,
                 const SiteState& state,
                 Learner& learner,
                 const Numbers& numbers) const;
  Status Learn(const SiteRows& rows,
               std::span<const float> model,
               Learner& learner,
               SiteState& state,
               const Numbers& numbers) const;
  Status AnswerByTrainer(const SiteRows& rows, SiteMemory& memory, const Numbers& numbers) const;
  Status LearnOwn(const SiteRows& rows, Learner& learner, SiteState& state) const;
  Status Diverged() const;
  void Remember(std::span<const float> trained, const Numbers& numbers, SiteState& state) const;
  void Weigh(const CohortView& cohort, const SiteState& state, std::span<double> values) const;
  std::vector<float> Personalised(const SiteState& state) const;
  Status AddUpdate(const LearnedRound& learned,
                   std::span<const float> trained,
                   const Numbers& numbers) const;
  void AddControl(const LearnedRound& learned,
                  std::span<const float> trained,
                  SiteState& state,
                  const Numbers& numbers) const;
  const TrainPlan& plan_;
  const TrainQuery query_;
  const ExternalTrainer* const trainer_;
  const Digest scaling_;
  std::size_t numbers_ = 0;
  /// Those that no thread uses now; a thread makes one when there is none.
  mutable std::mutex mutex_;
  mutable std::vector<std::unique_ptr<Learner>> idle_;
};

}  // namespace consilium::train
