#include "protocols/analyses/validate/site.h"

#include <utility>

#include "common/check.h"
#include "protocols/analyses/evaluate/site.h"
#include "protocols/analyses/validate/parts.h"

namespace consilium::validate {
namespace {

void AnswerSizes(const ValidatePlan& plan, const PartedRows& rows, std::span<double> values) {
  const std::size_t parts = 1 + plan.folds;
  const auto write = [&](std::size_t part, const Sizes& sizes) {
    values[part] = sizes.rows;
    values[parts + part] = sizes.patients;
    values[2 * parts + part] = sizes.events;
  };
  Sizes all;
  // Of rows that are never held out first.
  for (Fold fold = kNothingHeldOut; fold <= plan.folds; ++fold) {
    const Sizes sizes = rows.SizesOf(fold);
    all.rows += sizes.rows;
    all.events += sizes.events;
    if (fold == kNothingHeldOut) continue;
    write(fold, sizes);
    values[3 * parts + fold - 1] = sizes.rows > 0 ? 1 : 0;
  }
  all.patients = static_cast<double>(rows.all().patients);
  write(0, all);
}

}  // namespace

Result<ValidateSiteQuery> ValidateSiteQuery::Make(ValidateQuery query, const ValidatePlan& plan) {
  ValidateSiteQuery result(plan);
  result.step_ = query.step;
  if (query.step == Step::kSizes) {
    result.numbers_ = SizesNumbers(plan);
    return result;
  }
  for (Item& item : query.items) {
    TRY(const std::vector<Slice> slices, DescribeItem(item, plan));
    Prepared prepared{std::move(item), {}, NumbersIn(slices)};
    if (const auto* fit = std::get_if<glm::GlmQuery>(&prepared.item.inner)) {
      TRY(glm::GlmSiteQuery regression, glm::GlmSiteQuery::Make(*fit, plan.design(), *plan.family));
      prepared.fit.emplace(std::move(regression));
    }
    result.numbers_ += prepared.numbers;
    result.items_.push_back(std::move(prepared));
  }
  return result;
}

Status ValidateSiteQuery::AnswerItem(const Prepared& prepared,
                                     const CohortView& part,
                                     std::span<double> values) const {
  if (prepared.fit) return prepared.fit->Answer(part, values);
  const Judgement& judgement = std::get<Judgement>(prepared.item.inner);
  return evaluate::AnswerQuery(judgement.query, judgement.plan, part, values);
}

Status ValidateSiteQuery::Answer(const CohortView& cohort, std::span<double> values) const {
  CHECK(values.size() == numbers_);
  TRY(const PartedRows rows, PartedRows::Of(plan_, cohort));
  if (step_ == Step::kSizes) {
    AnswerSizes(plan_, rows, values);
    return {};
  }
  for (const Prepared& prepared : items_) {
    const std::span<double> own = values.first(prepared.numbers);
    values = values.subspan(prepared.numbers);
    const Fold fold = prepared.item.fold;
    if (fold == kNothingHeldOut) {
      TRY_STATUS(AnswerItem(prepared, rows.all(), own));
      continue;
    }
    const Cohort part =
        prepared.item.phase == Phase::kHeldOut ? rows.HeldOut(fold) : rows.Training(fold);
    TRY_STATUS(AnswerItem(prepared, part, own));
  }
  return {};
}

}  // namespace consilium::validate
