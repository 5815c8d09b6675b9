#include "protocols/analyses/validate/course.h"

#include <cmath>
#include <utility>

#include "protocols/analyses/glm/render.h"

namespace consilium::validate {

Question Course::QuestionOf(Query query) const {
  return {fold_, phase_, model_, std::move(query.body)};
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
  TRY(result_.fit, glm::RunFit(federation, plan_.design(), *plan_.family, plan_.regression.fit));
  const glm::Fit& fit = *result_.fit;
  result_.trouble = glm::TroubleOf(fit, plan_.design(), *plan_.family);
  for (const double coefficient : fit.coefficients) {
    if (fit.converged && !(std::abs(coefficient) <= evaluate::kLargestCoefficient)) {
      return Fail(ErrorCode::kNotEstimable,
                  "a coefficient is beyond 1e9, so its model cannot be judged",
                  "give the feature a larger unit in the contract");
    }
  }
  return {};
}

Status Course::Judge(Federation& federation) {
  model_ = result_.fit->coefficients;
  const evaluate::EvaluatePlan judge = JudgeOf(plan_, model_);
  phase_ = Phase::kTraining;
  TRY(Aggregate training, evaluate::AskCounts(federation, judge));
  TRY(result_.on_training, evaluate::EvaluateCounts(judge, std::move(training)));
  if (fold_ == kNothingHeldOut) return {};
  phase_ = Phase::kHeldOut;
  TRY(result_.held_out_counts, evaluate::AskCounts(federation, judge));
  TRY(result_.on_held_out, evaluate::EvaluateCounts(judge, *result_.held_out_counts));
  if (!result_.on_held_out->curves) return {};
  return evaluate::AddCalibration(federation, judge, *result_.held_out_counts,
                                  *result_.on_held_out);
}

}  // namespace consilium::validate
