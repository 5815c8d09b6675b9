#include "client/review_page.h"

#include <algorithm>

#include "common/pages/number_text.h"
#include "common/terminal.h"

namespace consilium {
namespace {

std::string Title(std::string_view text) {
  return "\n" + std::string(text) + "\n" + std::string(text.size(), '-') + "\n";
}

std::string Item(const std::string& text, std::size_t width) {
  std::string lines = Wrapped(OneLine(text), width - 4, 0);
  std::string item = "  - ";
  for (const char c : lines) {
    item += c;
    if (c == '\n') item += "    ";
  }
  return item + "\n";
}

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

std::string PlanNumber(const StudyId& id) { return "study " + id.Short(); }

std::string ChangesText(const Review& review, std::size_t width) {
  const EarlierStudy& earlier = *review.earlier;
  std::string text = Title("What changed since an earlier study");
  text += Wrapped("Compared with " + PlanNumber(earlier.id) + ", \"" + OneLine(earlier.title) +
                      "\", " + earlier.decided + " here.",
                  width, 0) +
          "\n";
  if (earlier.changes.empty()) return text + "Nothing: the plans are equal.\n";
  for (const PlanChange& change : earlier.changes) text += Item(InWords(change), width);
  return text;
}

}  // namespace

std::vector<RuleCheck> RulesOf(const Review& review) {
  if (!review.check.policy) return {};
  const Policy& policy = *review.check.policy;
  const Plan& plan = review.plan;
  const auto listed = [](const std::vector<std::string>& names, std::string_view name) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  const std::string kind(plan.analysis->kind());
  const std::uint32_t rounds = plan.analysis->maximum_rounds();
  std::vector<RuleCheck> rules = {
      {"Kind of analysis", "allowed by the policy", kind, listed(policy.allowed_analyses, kind)},
      {"Who asks", policy.requesters.empty() ? "anybody" : "named in the policy", plan.requested_by,
       policy.requesters.empty() || listed(policy.requesters, plan.requested_by)},
      Patients(review),
      Parameters(review),
      {"Rounds", "at most " + std::to_string(policy.maximum_rounds) + " (policy)",
       "up to " + std::to_string(rounds), rounds <= policy.maximum_rounds},
      {"Hospitals in a total",
       "at least " + std::to_string(MinimumSites(policy, plan)) +
           (plan.minimum_sites > policy.minimum_sites ? " (plan)" : " (policy)"),
       "checked in each round", true}};
  if (plan.analysis->ShowsSingleSites()) {
    rules.push_back({"Single hospitals shown", "site_level (policy)",
                     policy.site_level ? "allowed" : "not allowed", policy.site_level});
  }
  rules.push_back({"Valid through", "today or later", ToText(plan.expires),
                   !(plan.expires < DateOf(review.at))});
  return rules;
}

std::string ReviewText(const Review& review, std::size_t width) {
  width = std::max<std::size_t>(width, 60);
  std::string page = ExplainPlan(review.plan);
  if (review.earlier) page += ChangesText(review, width);
  page += Title("Your data");
  if (review.check.report) page += Printable(RenderText(*review.check.report));
  page += Title("Your site's policy and data say");
  page += Wrapped(review.check.ok()
                      ? "Yes: the data meet the contract, and policy.toml allows the study."
                      : "No: " + OneLine(Describe(*review.check.problem)),
                  width, 4) +
          "\n";
  std::vector<std::vector<std::string>> rows;
  for (const RuleCheck& check : RulesOf(review)) {
    rows.push_back({check.holds ? "  ok" : "  NO", check.rule, check.needed,
                    OneLine(check.here).substr(0, 24)});
  }
  if (!rows.empty()) page += AlignedTable(rows);
  if (!review.check.trainer.empty()) {
    page += Wrapped("The study would run a program installed here, on the rows above: " +
                        OneLine(review.check.trainer) +
                        ". Your policy.toml names it; the coordinator cannot change which one it "
                        "is, nor its arguments.",
                    width, 4) +
            "\n";
  }
  for (const ModelFinding& finding : review.check.model) {
    page += Wrapped("The model: " + OneLine(finding.words) + ".", width, 4) + "\n";
  }
  page += "\n" +
          Wrapped("Decision so far: " + (review.decision.empty() ? "none" : review.decision), width,
                  2) +
          "\n";
  if (!review.balance.empty()) page += Wrapped(review.balance, width, 0) + "\n";
  page += "\n";
  for (const std::string& command : review.commands) page += command + "\n";
  return page;
}

}  // namespace consilium
