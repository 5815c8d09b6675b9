#include "protocols/analyses/validate/estimate.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "protocols/analyses/validate/choice.h"
#include "protocols/analyses/validate/query.h"
#include "protocols/analyses/validate/side_by_side.h"

namespace consilium::validate {
namespace {

using evaluate::Measure;

tl::unexpected<Error> WrongLength() {
  return Fail(ErrorCode::kCorrupt, "a sum does not have the length of what was asked for");
}

Sizes Less(const Sizes& all, const Sizes& part) {
  return {all.rows - part.rows, all.patients - part.patients, all.events - part.events};
}

/// Fills in how large each part is, and which folds are left out.
Status AskSizes(Federation& federation, const ValidatePlan& plan, Validation& validation) {
  const Aggregate aggregate = federation.Sum(EncodeSizesQuery());
  const std::vector<double>& values = aggregate.values;
  if (values.size() != SizesNumbers(plan)) return WrongLength();
  if (!std::all_of(values.begin(), values.end(), [](double count) { return count >= 0; })) {
    return Fail(ErrorCode::kCorrupt, "a sum of counts is negative");
  }
  const std::size_t parts = 1 + plan.folds;
  const auto sizes = [&](std::size_t part) {
    return Sizes{values[part], values[parts + part], values[2 * parts + part]};
  };
  validation.sites = aggregate.sites;
  validation.apparent.training = sizes(0);
  std::vector<FoldSizes> folds;
  for (std::size_t fold = 1; fold < parts; ++fold) {
    folds.push_back({sizes(fold), values[3 * parts + fold - 1]});
  }
  const std::vector<std::string> reasons = ReasonsToLeaveOut(plan, sizes(0), folds);
  for (std::size_t i = 0; i < folds.size(); ++i) {
    FoldResult fold;
    fold.held_out = folds[i].held_out;
    fold.training = Less(sizes(0), folds[i].held_out);
    fold.left_out = reasons[i];
    validation.folds.push_back(std::move(fold));
  }
  return {};
}

/// One round for all that is pending.
Result<std::vector<Aggregate>> AskModels(Federation& federation,
                                         const ValidatePlan& plan,
                                         const std::vector<Course>& courses,
                                         const std::vector<Pending>& pending) {
  std::vector<Question> questions;
  for (const Pending& one : pending) questions.push_back(courses[one.loop].QuestionOf(one.query));
  const Query query = EncodeQuestions(questions);
  TRY(const ValidateQuery decoded, DecodeQuery(query, plan));
  const Aggregate aggregate = federation.Sum(query);
  std::vector<Aggregate> sums;
  auto next = aggregate.values.begin();
  for (const Item& item : decoded.items) {
    TRY(const std::vector<Slice> slices, DescribeItem(item, plan));
    const auto numbers = static_cast<std::ptrdiff_t>(NumbersIn(slices));
    if (aggregate.values.end() - next < numbers) return WrongLength();
    sums.push_back({std::vector<double>(next, next + numbers), aggregate.sites});
    next += numbers;
  }
  if (next != aggregate.values.end()) return WrongLength();
  return sums;
}

Status RunModels(Federation& federation, const ValidatePlan& plan, Validation& validation) {
  std::vector<Course> courses = {Course(plan, kNothingHeldOut, validation.apparent)};
  for (Fold fold = 1; fold <= plan.folds; ++fold) {
    FoldResult& result = validation.folds[fold - 1];
    if (result.left_out.empty()) courses.emplace_back(plan, fold, result);
  }
  std::vector<Status> ends(courses.size());
  std::vector<LoopThread::Loop> loops;
  for (std::size_t i = 0; i < courses.size(); ++i) {
    loops.emplace_back([&courses, &ends, i](Federation& own) { ends[i] = courses[i].Run(own); });
  }
  TRY_STATUS(RunSideBySide(std::move(loops), [&](const std::vector<Pending>& pending) {
    return AskModels(federation, plan, courses, pending);
  }));
  for (Status& end : ends) TRY_STATUS(std::move(end));
  return {};
}

/// The held-out rows' counts over the folds that were judged, added up.
std::optional<Aggregate> PooledCounts(const Validation& validation) {
  std::optional<Aggregate> pooled;
  for (const FoldResult& fold : validation.folds) {
    if (!fold.on_held_out) continue;
    if (!pooled) {
      pooled = fold.held_out_counts;
      continue;
    }
    for (std::size_t i = 0; i < pooled->values.size(); ++i) {
      pooled->values[i] += fold.held_out_counts->values[i];
    }
  }
  return pooled;
}

Status Summarise(const ValidatePlan& plan, Validation& validation) {
  std::optional<Aggregate> counts = PooledCounts(validation);
  if (!counts) return {};
  Validated validated;
  TRY(validated.pooled, evaluate::EvaluateCounts(plan.judge, *std::move(counts)));
  std::vector<Measure> aucs;
  std::vector<Measure> in_the_large;
  std::vector<Measure> slopes;
  for (const FoldResult& fold : validation.folds) {
    if (!fold.on_held_out) continue;
    ++validated.folds;
    const evaluate::Evaluation& held_out = *fold.on_held_out;
    if (held_out.all.discrimination) aucs.push_back(held_out.all.discrimination->auc);
    if (held_out.all.in_the_large) in_the_large.push_back(*held_out.all.in_the_large);
    if (held_out.recalibration.slope) slopes.push_back(*held_out.recalibration.slope);
  }
  const double confidence = plan.judge.confidence;
  validated.auc = MeanOf(aucs, confidence);
  if (validated.auc && validated.auc->low) {
    validated.auc->low = std::max(0.0, *validated.auc->low);
    validated.auc->high = std::min(1.0, *validated.auc->high);
  }
  validated.in_the_large = MeanOf(in_the_large, confidence);
  validated.slope = MeanOf(slopes, confidence);
  validation.validated = std::move(validated);
  return {};
}

}  // namespace

std::optional<Measure> MeanOf(const std::vector<Measure>& measures, double confidence) {
  if (measures.empty()) return {};
  const auto count = static_cast<double>(measures.size());
  double sum = 0;
  double variances = 0;
  bool known = true;
  for (const Measure& measure : measures) {
    sum += measure.estimate;
    known = known && measure.std_error;
    if (known) variances += *measure.std_error * *measure.std_error;
  }
  if (!known) return Measure{sum / count, {}, {}, {}};
  return evaluate::WaldMeasure(sum / count, std::sqrt(variances) / count, confidence);
}

std::optional<double> OptimismOfAuc(const Validation& validation) {
  const std::optional<evaluate::Evaluation>& apparent = validation.apparent.on_training;
  if (!apparent || !apparent->all.discrimination || !validation.validated ||
      !validation.validated->auc) {
    return {};
  }
  return apparent->all.discrimination->auc.estimate - validation.validated->auc->estimate;
}

std::optional<double> OptimismOfBrier(const Validation& validation) {
  if (!validation.apparent.on_training || !validation.validated) return {};
  return validation.apparent.on_training->brier.estimate -
         validation.validated->pooled.brier.estimate;
}

Result<Validation> RunValidation(Federation& federation, const ValidatePlan& plan) {
  Validation validation;
  TRY_STATUS(AskSizes(federation, plan, validation));
  TRY_STATUS(RunModels(federation, plan, validation));
  TRY_STATUS(Summarise(plan, validation));
  return validation;
}

}  // namespace consilium::validate
