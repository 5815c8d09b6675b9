#include "protocols/analyses/evaluate/estimate.h"

#include <algorithm>
#include <utility>

#include "protocols/analyses/evaluate/query.h"
#include "protocols/analyses/glm/slices.h"

namespace consilium::evaluate {
namespace {

GroupMeasures MeasureGroup(const EvaluatePlan& plan, const Counts& counts, std::size_t group) {
  GroupMeasures measures;
  measures.rows = counts.rows[group];
  measures.events = counts.events[group];
  if (!(measures.rows > 0)) return measures;
  measures.predicted = counts.predicted[group] / measures.rows;
  measures.discrimination = Discriminate(counts.EventScores(group, plan),
                                         counts.OtherScores(group, plan), plan.confidence);
  measures.brier = counts.squares[group] / measures.rows;
  measures.log_loss = counts.losses[group] / measures.rows;
  measures.observed_over_expected = ObservedOverExpected(measures.rows, measures.events,
                                                         counts.predicted[group], plan.confidence);
  return measures;
}

std::vector<std::vector<LevelMeasures>> MeasureSubgroups(const EvaluatePlan& plan,
                                                         const Counts& counts) {
  std::vector<std::vector<LevelMeasures>> result;
  std::size_t first = 1;
  for (const Subgroup& subgroup : plan.subgroups) {
    const std::size_t count = subgroup.levels.size();
    const std::vector<bool> left_out =
        LeftOut(counts.rows.subspan(first, count), counts.events.subspan(first, count),
                static_cast<double>(plan.minimum_count));
    std::vector<LevelMeasures> levels;
    for (std::size_t i = 0; i < count; ++i) {
      LevelMeasures level{subgroup.levels[i], left_out[i], {}};
      if (!left_out[i]) level.measures = MeasureGroup(plan, counts, first + i);
      levels.push_back(std::move(level));
    }
    result.push_back(std::move(levels));
    first += count;
  }
  return result;
}

/// Through all subgroups, in the order in which queries number levels.
std::vector<LevelMeasures*> AllLevels(Evaluation& evaluation) {
  std::vector<LevelMeasures*> levels;
  for (std::vector<LevelMeasures>& subgroup : evaluation.subgroups) {
    for (LevelMeasures& level : subgroup) levels.push_back(&level);
  }
  return levels;
}

void FillMeans(const EvaluatePlan& plan, const Counts& counts, Evaluation& evaluation) {
  const double rows = counts.rows[0];
  evaluation.brier = MeanMeasure(rows, counts.squares[0], counts.fourth_powers[0], plan.confidence);
  evaluation.log_loss =
      MeanMeasure(rows, counts.losses[0], counts.squared_losses[0], plan.confidence);
  const double share = counts.events[0] / rows;
  if (share > 0 && share < 1) {
    evaluation.scaled_brier = 1 - evaluation.brier.estimate / (share * (1 - share));
  }
  evaluation.extreme = counts.extreme[0];
}

}  // namespace

Result<Aggregate> AskCounts(Federation& federation, const EvaluatePlan& plan) {
  const EvaluateQuery query;
  TRY(const std::vector<Slice> slices, DescribeQuery(query, plan));
  Aggregate aggregate = federation.Sum(EncodeQuery(query));
  if (aggregate.values.size() != NumbersIn(slices)) {
    return Fail(ErrorCode::kCorrupt, "a sum does not have the length of what was asked for");
  }
  const Counts counts = SplitCounts(plan, aggregate.values);
  const auto is_count = [](double count) { return count >= 0; };
  for (const std::span<double> part :
       {counts.patients, counts.rows, counts.events, counts.event_scores, counts.other_scores,
        counts.bin_events, counts.bin_others}) {
    if (!std::all_of(part.begin(), part.end(), is_count)) {
      return Fail(ErrorCode::kCorrupt, "a sum of counts is negative");
    }
  }
  return aggregate;
}

Result<Evaluation> EvaluateCounts(const EvaluatePlan& plan, Aggregate aggregate) {
  const Counts counts = SplitCounts(plan, aggregate.values);
  Evaluation evaluation;
  evaluation.patients = static_cast<std::uint64_t>(counts.patients[0]);
  evaluation.sites = aggregate.sites;
  if (!(counts.rows[0] > 0)) {
    return Fail(ErrorCode::kNotEstimable, "there is no complete case",
                "widen the eligibility rules, or leave features out that are often missing");
  }
  evaluation.all = MeasureGroup(plan, counts, 0);
  FillMeans(plan, counts, evaluation);
  evaluation.subgroups = MeasureSubgroups(plan, counts);
  if (!evaluation.all.discrimination) {
    evaluation.recalibration.trouble =
        std::string("The outcome \"") + plan.design.outcome.name + "\" is " +
        (evaluation.all.events > 0 ? "yes" : "no") +
        " in every row: there is no AUC, no calibration and no curve.";
    return evaluation;
  }
  evaluation.curves = DrawCurves(plan, counts.bin_events, counts.bin_others, counts.bin_predicted);
  return evaluation;
}

Status AddCalibration(Federation& federation,
                      const EvaluatePlan& plan,
                      Aggregate aggregate,
                      Evaluation& evaluation) {
  const Counts counts = SplitCounts(plan, aggregate.values);
  const std::vector<LevelMeasures*> levels = AllLevels(evaluation);
  std::vector<std::uint32_t> shown;
  for (std::size_t i = 0; i < levels.size(); ++i) {
    if (!levels[i]->left_out) shown.push_back(static_cast<std::uint32_t>(i));
  }
  const StartingPoint start = StartFrom(plan, counts, shown);
  TRY(evaluation.recalibration, Recalibrate(federation, plan, start));
  evaluation.all.in_the_large = evaluation.recalibration.in_the_large;
  const std::vector<Measure>& fitted = evaluation.recalibration.levels;
  for (std::size_t i = 0; i < fitted.size(); ++i) {
    levels[start.levels[i]]->measures.in_the_large = fitted[i];
  }
  return {};
}

Result<Evaluation> RunEvaluation(Federation& federation, const EvaluatePlan& plan) {
  TRY(const Aggregate counts, AskCounts(federation, plan));
  TRY(Evaluation evaluation, EvaluateCounts(plan, counts));
  if (evaluation.curves) TRY_STATUS(AddCalibration(federation, plan, counts, evaluation));
  return evaluation;
}

}  // namespace consilium::evaluate
