#include "client/policy/model_linter.h"

#include <utility>

#include "client/policy/policy_words.h"
#include "common/settings.h"
#include "protocols/analyses/train/memorising.h"

namespace consilium {
namespace {

/// What training reads in the plan's [analysis] table.
Result<train::TrainPlan> TrainPlanOf(const Plan& plan) {
  TRY(const Settings file, Settings::Parse(plan.text, "plan"));
  TRY(const Settings analysis, file.Table("analysis"));
  TRY_STATUS(analysis.Text("kind"));
  return train::ParseTrainPlan(analysis, plan.contract);
}

}  // namespace

Result<std::vector<ModelFinding>> LintModel(const Policy& policy,
                                            const Plan& plan,
                                            const Cohort& cohort) {
  std::vector<ModelFinding> findings;
  const bool has_noise = plan.analysis->privacy_loss_of_a_round() > 0;
  if (plan.analysis->kind() != "train" || has_noise) return findings;
  TRY(const train::TrainPlan training, TrainPlanOf(plan));
  const train::SiteInSum site{static_cast<std::uint64_t>(cohort.values.rows()), cohort.patients,
                              MinimumSites(policy, plan), MinimumPatients(policy, plan)};
  for (train::MemorisingFinding& finding : train::MemorisingFindings(training, site)) {
    findings.push_back({std::move(finding.words), train::IsGrave(finding.risk)});
  }
  return findings;
}

PolicyStatus CheckModel(const Policy& policy, const Plan& plan, const Cohort& cohort) {
  if (policy.memorising_models) return {};
  const Result<std::vector<ModelFinding>> findings = LintModel(policy, plan, cohort);
  if (!findings) return RefuseByPolicy(PolicyRule::kModel, findings.error().message);
  for (const ModelFinding& finding : *findings) {
    if (!finding.is_grave) continue;
    return RefuseByPolicy(
        PolicyRule::kModel,
        finding.words + "; this site's policy (memorising_models) does not allow that",
        "Ask for a plan with a narrower layer, more rows an update or noise. "
        "Whoever is responsible for this site's policy.toml can allow it.");
  }
  return {};
}

}  // namespace consilium
