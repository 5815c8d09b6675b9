#pragma once

// A site's training in one round: from the round's parameters over batches of its rows to an
// update. Buffers are kept from site to site, so that thousands of virtual sites allocate nothing.

#include <cstdint>
#include <span>
#include <vector>

#include "protocols/analyses/train/cox_head.h"
#include "protocols/analyses/train/site_rows.h"

namespace consilium::train {

/// What one training did, beside the parameters that it left in the learner.
struct LearnedRound {
  LossSums first_pass;      ///< Of the rows of the first pass, each when it was met.
  std::uint64_t met = 0;    ///< How many these were.
  std::uint64_t steps = 0;  ///< Batches.
};

/// One thread's trainer for one round.
class Learner {
 public:
  /// The plan outlives it.
  Learner(const TrainPlan& plan, std::uint32_t round);

  /// What a model is drawn to while it learns: adds strength / 2 times the squared distance from
  /// `anchor` to the loss.
  struct Pull {
    std::span<const float> anchor;
    double strength = 0;
  };

  /// Trains from `start`; parameters() then has what came of it. `correction`, empty or as long, is
  /// added to each gradient.
  LearnedRound Learn(const SiteRows& rows,
                     std::span<const float> start,
                     std::span<const float> correction = {});
  LearnedRound Learn(const SiteRows& rows,
                     std::span<const float> start,
                     std::span<const float> correction,
                     const Pull& pull);
  std::span<const float> parameters() const { return parameters_.first(count_); }

  /// The losses of the rows that are learned from, or of those that are held out, at these
  /// parameters.
  LossSums EvaluateLearned(const SiteRows& rows, std::span<const float> parameters) {
    return Evaluate(rows, 0, rows.learned.size(), parameters);
  }
  LossSums EvaluateHeldOut(const SiteRows& rows, std::span<const float> parameters) {
    return Evaluate(rows, rows.first_held_out(), rows.held_out.size(), parameters);
  }
  /// The same where rows are compared with each other: with their pairs.
  CoxSums CompareLearned(const SiteRows& rows, std::span<const float> parameters) {
    return Compare(rows, 0, rows.learned.size(), parameters);
  }
  CoxSums CompareHeldOut(const SiteRows& rows, std::span<const float> parameters) {
    return Compare(rows, rows.first_held_out(), rows.held_out.size(), parameters);
  }

 private:
  LossSums Evaluate(const SiteRows& rows,
                    std::size_t first,
                    std::size_t count,
                    std::span<const float> parameters);
  CoxSums Compare(const SiteRows& rows,
                  std::size_t first,
                  std::size_t count,
                  std::span<const float> parameters);
  std::span<const std::uint32_t> Order(const SiteRows& rows, std::size_t epoch);
  void LearnBatch(const SiteRows& rows,
                  std::span<const std::uint32_t> batch,
                  std::size_t following,
                  LossSums& sums);
  void StepBy();
  void AddPenalties();
  void Prepare(const SiteRows& rows, std::size_t batch);
  bool StepsInPlace() const;

  const TrainPlan& plan_;
  const Kernel& kernel_;
  const std::uint32_t round_;
  const std::size_t count_;  ///< Parameters.
  FloatBuffer parameters_;
  FloatBuffer gradient_;
  FloatBuffer first_;  ///< Velocity, or Adam's first moment.
  FloatBuffer second_;
  FloatBuffer scratch_;
  Pull pull_;  ///< Of the training under way, as the next.
  std::span<const float> correction_;
  double decayed1_ = 1;  ///< beta1 to the number of steps taken.
  double decayed2_ = 1;
  /// The orders of rows of the passes so far: equal at sites with as many to learn from.
  std::vector<std::vector<std::uint32_t>> orders_;
  std::size_t ordered_rows_ = 0;
  std::vector<std::uint32_t> evaluated_;  ///< Rows as they lie.
  CoxHead cox_;                           ///< Where rows are compared with each other.
};

}  // namespace consilium::train
