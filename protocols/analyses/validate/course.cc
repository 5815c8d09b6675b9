#include "protocols/analyses/validate/course.h"

#include <cmath>
#include <utility>

namespace consilium::validate {

Question Course::QuestionOf(Query query) const {
  Question question{fold_, phase_, {}, std::move(query.body)};
  if (phase_ != Phase::kFit) question.model = result_.fit->coefficients;
  return question;
}

Status Course::Run(Federation& federation) {
  Status status = Fit(federation);
  if (status && result_.trouble.empty()) status = Judge(federation);
  if (status || status.error().code != ErrorCode::kNotEstimable) return status;
  // Without an estimate of all rows there is nothing to validate.
  if (fold_ == kNothingHeldOut && !result_.fit) return status;
  result_.trouble = Describe(status.error());
  return {};
}

Status Course::Fit(Federation& federation) {
  TRY(result_.fit, plan_.model->Fit(federation));
  result_.trouble = result_.fit->trouble;
  if (!result_.trouble.empty()) return {};
  for (const double coefficient : result_.fit->coefficients) {
    if (!(std::abs(coefficient) <= kLargestCoefficient)) {
      return Fail(ErrorCode::kNotEstimable,
                  "a coefficient is beyond 1e9, so its model cannot be judged",
                  "give the feature a larger unit in the contract");
    }
  }
  return {};
}

Status Course::Judge(Federation& federation) {
  phase_ = Phase::kTraining;
  TRY(result_.on_training, plan_.model->Judge(federation, *result_.fit, phase_));
  if (fold_ == kNothingHeldOut) return {};
  phase_ = Phase::kHeldOut;
  TRY(result_.on_held_out, plan_.model->Judge(federation, *result_.fit, phase_));
  return {};
}

}  // namespace consilium::validate
