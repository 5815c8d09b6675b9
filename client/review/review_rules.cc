// The rules beside what a study has here: RulesOf in client/review/review_page.h.

#include <algorithm>
#include <utility>

#include "client/review/review_page.h"
#include "common/pages/number_text.h"
#include "protocols/norm_check.h"

namespace consilium {
namespace {

RuleCheck AtLeast(std::string rule,
                  std::uint64_t plans,
                  std::uint64_t policys,
                  std::optional<std::uint64_t> here) {
  const std::uint64_t needed = std::max(plans, policys);
  return {std::move(rule),
          "at least " + std::to_string(needed) + (plans > policys ? " (plan)" : " (policy)"),
          here ? std::to_string(*here) : "not known", here && *here >= needed};
}

RuleCheck Patients(const Review& review) {
  const auto& report = review.check.report;
  const bool known = report && report->flow;
  return AtLeast("Patients in the cohort", review.plan.minimum_patients,
                 review.check.policy->minimum_patients,
                 known ? std::optional(report->flow->patients_left) : std::nullopt);
}

RuleCheck Parameters(const Review& review) {
  const auto& report = review.check.report;
  RuleCheck check{
      "Parameters a patient",
      "at most " + NumberText(review.check.policy->maximum_parameters_per_patient) + " (policy)",
      "not known", false};
  if (!report || !report->flow || report->flow->patients_left == 0) return check;
  const double ratio = static_cast<double>(review.plan.analysis->parameters()) /
                       static_cast<double>(report->flow->patients_left);
  check.here = NumberText(ratio, "%.3g");
  check.holds = ratio <= review.check.policy->maximum_parameters_per_patient * (1 + 1e-12);
  return check;
}

bool IsListed(const std::vector<std::string>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

/// What was found when these rules were asked, in words; one that was not asked does not hold.
RuleCheck Asked(const Review& review,
                std::string rule,
                std::string needed,
                const std::vector<PolicyRule>& rules,
                std::string_view holds,
                std::string_view broken) {
  RuleCheck check{std::move(rule), std::move(needed), std::string(holds), true};
  for (const PolicyRule each : rules) {
    const auto found = review.check.asked.find(each);
    if (found != review.check.asked.end() && found->second) continue;
    check.here = found == review.check.asked.end() ? "not known" : std::string(broken);
    check.holds = false;
  }
  return check;
}

/// That say something about some plans only.
void AddRulesOnThePlan(const Review& review, std::vector<RuleCheck>& rules) {
  const Policy& policy = *review.check.policy;
  const Analysis& analysis = *review.plan.analysis;
  if (analysis.ShowsSingleSites()) {
    rules.push_back({"Single hospitals shown", "site_level (policy)",
                     policy.site_level ? "allowed" : "not allowed", policy.site_level});
  }
  if (const std::string trainer(analysis.trainer()); !trainer.empty()) {
    rules.push_back(
        {"Program that learns", "named in the policy", trainer, policy.trainers.contains(trainer)});
  }
  if (CheckedInReview(analysis)) {
    rules.push_back({"Numbers sketched", "norm_checks (policy)",
                     policy.norm_checks > 0 ? "allowed" : "not allowed", policy.norm_checks > 0});
  }
  if (policy.valid_until) {
    rules.push_back({"Policy valid through", "today or later", ToText(*policy.valid_until),
                     !(*policy.valid_until < DateOf(review.at))});
  }
}

void AddRulesOnTheCohort(const Review& review, std::vector<RuleCheck>& rules) {
  const Policy& policy = *review.check.policy;
  rules.push_back(Asked(review, "Smallest class",
                        "at least " + std::to_string(policy.minimum_class) + " (policy)",
                        {PolicyRule::kClass}, "large enough", "too small"));
  if (review.plan.analysis->kind() == "train") {
    rules.push_back(Asked(review, "Learning by heart",
                          policy.memorising_models ? "allowed (policy)" : "not allowed (policy)",
                          {PolicyRule::kModel}, "as it must be", "possible, see below"));
  }
  if (review.plan.analysis->privacy_loss_of_a_round() == 0) {
    rules.push_back(Asked(review, "Patients as before",
                          "0 or " + std::to_string(policy.minimum_difference) + " apart (policy)",
                          {PolicyRule::kDifference}, "equal or far apart", "too near"));
  }
}

/// On when, how often and with whom.
void AddRulesOnAnswers(const Review& review, std::vector<RuleCheck>& rules) {
  const Policy& policy = *review.check.policy;
  rules.push_back(
      Asked(review, "Answers so far", "quotas (policy)",
            {PolicyRule::kAnswersADay, PolicyRule::kAnswersAMonth, PolicyRule::kStudiesAMonth},
            "room for more", "used up"));
  if (review.plan.analysis->privacy_loss_of_a_round() > 0) {
    rules.push_back(Asked(review, "Privacy budget",
                          "epsilon " + NumberText(policy.privacy_epsilon, "%.3g") + " (policy)",
                          {PolicyRule::kPrivacy}, "enough", "used up"));
  }
  const AnswerTimes always;
  if (policy.times.hours != always.hours || policy.times.days != always.days) {
    const bool now = policy.times.Contain(review.at);
    rules.push_back({"Hours", "answer_hours (policy)", now ? "now" : "not now", now});
  }
  if (!policy.anchors.empty()) {
    rules.push_back(Asked(review, "Hospitals by name", "anchors (policy)", {PolicyRule::kAnchors},
                          "members", "missing"));
  }
  if (policy.approval.needed > 0) {
    rules.push_back({"Signatures", std::to_string(policy.approval.needed) + " (policy)",
                     "asked for in each round", true});
  }
}

}  // namespace

std::vector<RuleCheck> RulesOf(const Review& review) {
  if (!review.check.policy) return {};
  const Policy& policy = *review.check.policy;
  const Plan& plan = review.plan;
  const std::string kind(plan.analysis->kind());
  const std::uint32_t rounds = plan.analysis->maximum_rounds();
  std::vector<RuleCheck> rules = {
      {"Kind of analysis", "allowed by the policy", kind, IsListed(policy.allowed_analyses, kind)},
      {"Who asks", policy.requesters.empty() ? "anybody" : "named in the policy", plan.requested_by,
       policy.requesters.empty() || IsListed(policy.requesters, plan.requested_by)},
      Patients(review),
      Parameters(review),
      {"Rounds", "at most " + std::to_string(policy.maximum_rounds) + " (policy)",
       "up to " + std::to_string(rounds), rounds <= policy.maximum_rounds},
      {"Hospitals in a total",
       "at least " + std::to_string(MinimumSites(policy, plan)) +
           (plan.minimum_sites > policy.minimum_sites ? " (plan)" : " (policy)"),
       "checked in each round", true}};
  AddRulesOnThePlan(review, rules);
  AddRulesOnTheCohort(review, rules);
  AddRulesOnAnswers(review, rules);
  rules.push_back({"Valid through", "today or later", ToText(plan.expires),
                   !(plan.expires < DateOf(review.at))});
  return rules;
}

}  // namespace consilium
