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

tl::unexpected<Error> WrongLength() {
  return Fail(ErrorCode::kCorrupt, "a sum does not have the length of what was asked for");
}

Sizes Less(const Sizes& all, const Sizes& part) {
  return {all.rows - part.rows, all.patients - part.patients, all.events - part.events};
}

/// Fills in how large each part is, and which folds are left out.
Status AskSizes(Federation& federation, const ValidatePlan& plan, Validation& validation) {
  Aggregate aggregate = federation.Sum(EncodeSizesQuery());
  if (aggregate.values.size() != SizesNumbers(plan)) return WrongLength();
  if (!std::all_of(aggregate.values.begin(), aggregate.values.end(),
                   [](double count) { return count >= 0; })) {
    return Fail(ErrorCode::kCorrupt, "a sum of counts is negative");
  }
  const SizesSums sums = SplitSizes(plan, aggregate.values);
  const auto sizes = [&sums](std::size_t part) {
    return Sizes{sums.rows[part], sums.patients[part], sums.events.empty() ? 0 : sums.events[part]};
  };
  validation.sites = aggregate.sites;
  validation.apparent.training = sizes(0);
  std::vector<FoldSizes> folds;
  for (std::size_t fold = 0; fold < plan.folds; ++fold) {
    folds.push_back({sizes(1 + fold), sums.sites[fold], sums.training_sites[fold]});
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
    const auto numbers = static_cast<std::ptrdiff_t>(NumbersIn(item.asked.slices));
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

/// Of the folds that were judged.
Result<Validated> Summarise(const ValidatePlan& plan, const std::vector<const FoldResult*>& folds) {
  Validated validated;
  std::vector<const Judged*> judged;
  for (const FoldResult* fold : folds) {
    ++validated.folds;
    validated.sizes.rows += fold->held_out.rows;
    validated.sizes.patients += fold->held_out.patients;
    validated.sizes.events += fold->held_out.events;
    judged.push_back(&*fold->on_held_out);
  }
  TRY(validated.judged, plan.model->Together(judged));
  const std::vector<MeasureKind>& kinds = plan.model->layout().measures;
  for (std::size_t k = 0; k < kinds.size(); ++k) {
    if (kinds[k].validated == Over::kRows) continue;
    std::vector<Measure> measures;
    for (const Judged* one : judged) {
      const bool counts = kinds[k].validated == Over::kFolds && one->measures[k];
      if (counts) measures.push_back(*one->measures[k]);
    }
    std::optional<Measure> mean = MeanOf(measures, plan.model->confidence());
    if (kinds[k].is_share && mean && mean->low) {
      mean->low = std::max(0.0, *mean->low);
      mean->high = std::min(1.0, *mean->high);
    }
    validated.judged.measures[k] = mean;
  }
  return validated;
}

Status Summarise(const ValidatePlan& plan, Validation& validation) {
  std::vector<const FoldResult*> judged;
  for (const FoldResult& fold : validation.folds) {
    if (fold.on_held_out) judged.push_back(&fold);
  }
  if (judged.empty()) return {};
  TRY(validation.validated, Summarise(plan, judged));
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

std::optional<double> OptimismOf(const Validation& validation, std::size_t measure) {
  if (!validation.apparent.on_training || !validation.validated) return {};
  const std::optional<Measure>& apparent = validation.apparent.on_training->measures[measure];
  const std::optional<Measure>& validated = validation.validated->judged.measures[measure];
  if (!apparent || !validated) return {};
  return apparent->estimate - validated->estimate;
}

Result<Validation> RunValidation(Federation& federation, const ValidatePlan& plan) {
  Validation validation;
  TRY_STATUS(AskSizes(federation, plan, validation));
  TRY_STATUS(RunModels(federation, plan, validation));
  TRY_STATUS(Summarise(plan, validation));
  return validation;
}

}  // namespace consilium::validate
