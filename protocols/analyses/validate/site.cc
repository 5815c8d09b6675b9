#include "protocols/analyses/validate/site.h"

#include <algorithm>

#include "common/check.h"
#include "protocols/analyses/validate/parts.h"

namespace consilium::validate {
namespace {

void AnswerSizes(const ValidatePlan& plan, const PartedRows& rows, std::span<double> values) {
  const SizesSums sums = SplitSizes(plan, values);
  const auto write = [&sums](std::size_t part, const Sizes& sizes) {
    sums.rows[part] = sizes.rows;
    sums.patients[part] = sizes.patients;
    if (!sums.events.empty()) sums.events[part] = sizes.events;
  };
  write(0, SizesOf(plan, rows.all()));
  for (Fold fold = 1; fold <= plan.folds; ++fold) {
    const Cohort held_out = rows.HeldOut(fold);
    write(fold, SizesOf(plan, held_out));
    sums.sites[fold - 1] = plan.model->Adds(held_out) ? 1 : 0;
    sums.training_sites[fold - 1] = plan.model->Adds(rows.Training(fold)) ? 1 : 0;
  }
}

}  // namespace

ValidateSiteQuery::ValidateSiteQuery(ValidateQuery query, const ValidatePlan& plan)
    : plan_(plan), query_(std::move(query)) {
  if (query_.step == Step::kSizes) numbers_ = SizesNumbers(plan);
  for (const Item& item : query_.items) numbers_ += NumbersIn(item.asked.slices);
}

Status ValidateSiteQuery::Answer(const CohortView& cohort, std::span<double> values) const {
  CHECK(values.size() == numbers_);
  TRY(const PartedRows rows, PartedRows::Of(plan_, cohort));
  if (query_.step == Step::kSizes) {
    AnswerSizes(plan_, rows, values);
    return {};
  }
  for (const Item& item : query_.items) {
    const std::size_t numbers = NumbersIn(item.asked.slices);
    const std::span<double> own = values.first(numbers);
    values = values.subspan(numbers);
    if (item.fold == kNothingHeldOut) {
      TRY_STATUS(item.asked.site->Answer(rows.all(), own));
      continue;
    }
    const Cohort part =
        item.phase == Phase::kHeldOut ? rows.HeldOut(item.fold) : rows.Training(item.fold);
    TRY_STATUS(item.asked.site->Answer(part, own));
  }
  return {};
}

}  // namespace consilium::validate
