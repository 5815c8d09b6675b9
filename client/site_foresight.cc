// What a site's core would say to a plan, and what a study asks next: nothing is recorded.

#include <utility>

#include "client/site_core.h"

namespace consilium {

std::vector<SiteCore::Foreseen> SiteCore::Foresee(const Plan& plan, UtcSeconds now) const {
  std::vector<Foreseen> refusals;
  const auto note = [&refusals](const PolicyStatus& status) {
    if (status) return;
    refusals.push_back({std::string(Name(status.error().rule)), Describe(status.error())});
  };
  if (rollback_) refusals.push_back({"", *rollback_ + ". " + std::string(kRollbackRemedy)});
  if (!policy_) {
    refusals.push_back({"", Describe(policy_.error())});
    return refusals;
  }
  note(CheckPlan(*policy_, plan, now));
  note(CheckTimes(*policy_, now));
  note(CheckQuotas(*policy_, history_.Before(now, plan.id)));
  note(CheckBudget(*policy_, plan, privacy_.rho));
  if (const auto study = studies_.find(plan.id); study != studies_.end()) {
    const Status promise = study->second->KeepsPromise();
    if (!promise) refusals.push_back({"", Describe(promise.error())});
  }
  if (!roster_) return refusals;
  std::vector<SiteId> members;
  for (const Member& member : roster_->roster.members) members.push_back(member.id);
  note(CheckAnchors(*policy_, roster_->roster, members));
  return refusals;
}

Result<ComputeAnswer> SiteCore::NextQuestion(const StudyId& study) const {
  TRY(const SiteStudy* const offered, Offered(study));
  return offered->NextQuestion();
}

}  // namespace consilium
