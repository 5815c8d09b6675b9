#include "protocols/analyses/train/cox_site.h"

#include <algorithm>

namespace consilium::train {

void AddComparisons(const TrainPlan& plan,
                    const SiteRows& rows,
                    std::span<const float> model,
                    std::span<const float> own,
                    Learner& learner,
                    const Numbers& numbers) {
  const auto learned = static_cast<std::ptrdiff_t>(rows.learned.size());
  const CoxSums training = learner.CompareLearned(rows, model);
  numbers.loss_rows[0] = static_cast<double>(learned);
  numbers.loss[0] = training.loss;
  numbers.events[0] =
      static_cast<double>(std::count(rows.targets.begin(), rows.targets.begin() + learned, 1.0F));
  numbers.pairs_in_order[0] = training.pairs.in_order;
  numbers.pairs[0] = training.pairs.all;
  if (!plan.Validates()) return;
  const CoxSums held_out = learner.CompareHeldOut(rows, model);
  numbers.held_out_rows[0] = static_cast<double>(rows.held_out.size());
  numbers.held_out_loss[0] = held_out.loss;
  numbers.held_out_pairs_in_order[0] = held_out.pairs.in_order;
  numbers.held_out_pairs[0] = held_out.pairs.all;
  if (!plan.HasOwnModels()) return;
  const CoxSums its = own.empty() ? held_out : learner.CompareHeldOut(rows, own);
  numbers.own_loss[0] = its.loss;
  numbers.own_pairs_in_order[0] = its.pairs.in_order;
}

}  // namespace consilium::train
