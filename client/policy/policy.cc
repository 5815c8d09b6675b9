#include "client/policy/policy.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>
#include <utility>

#include "client/policy/model_linter.h"
#include "client/policy/policy_words.h"
#include "protocols/norm_check.h"

namespace consilium {
namespace {

std::string ShortNumber(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3g", value);
  return text;
}

// Who set the higher of two minimums, and who can change it.
struct Authority {
  std::string words;
  std::string_view remedy;
};

Authority AuthorityOf(bool plan_is_stricter, PolicyRule rule) {
  if (plan_is_stricter) return {"the study's plan", kLeadCanChange};
  return {"this site's policy (" + std::string(Name(rule)) + ")", kStewardCanChange};
}

// Rows a value of one column; empty when the column has no classes.
std::map<double, std::uint64_t> ClassesOf(const Contract& contract,
                                          const Cohort& cohort,
                                          std::size_t index) {
  const ContractColumn* column = contract.Find(cohort.columns[index]);
  const bool classed = column != nullptr && (column->type == ColumnType::kCategory ||
                                             column->type == ColumnType::kBoolean);
  std::map<double, std::uint64_t> classes;
  for (Eigen::Index row = 0; row < cohort.values.rows(); ++row) {
    const double value = cohort.values(row, static_cast<Eigen::Index>(index));
    if (std::isnan(value)) continue;
    ++classes[value];
    if (!classed && classes.size() > 2) return {};
  }
  return classes;
}

PolicyStatus CheckTrainerIsNamed(const Policy& policy, const Plan& plan) {
  const std::string_view wanted = plan.analysis->trainer();
  if (wanted.empty() || policy.trainers.contains(wanted)) return {};
  std::vector<std::string> named;
  for (const auto& [name, trainer] : policy.trainers) named.push_back(name);
  return RefuseByPolicy(PolicyRule::kTrainer,
                        "the study learns by a program called \"" + std::string(wanted) +
                            "\"; this site's policy (trainers) names: " + Listed(named),
                        "If your own people have installed a program of that name and trust it, "
                        "whoever is responsible for this site's policy.toml can name it there: "
                        "[trainers." +
                            std::string(wanted) + "], program = \"/where/it/lies\".");
}

}  // namespace

std::string_view Name(PolicyRule rule) {
  switch (rule) {
    case PolicyRule::kExpired:
      return "valid_until";
    case PolicyRule::kAnalysis:
      return "allowed_analyses";
    case PolicyRule::kTrainer:
      return "trainers";
    case PolicyRule::kNormChecks:
      return "norm_checks";
    case PolicyRule::kSiteLevel:
      return "site_level";
    case PolicyRule::kRequester:
      return "requesters";
    case PolicyRule::kRounds:
      return "maximum_rounds";
    case PolicyRule::kPatients:
      return "minimum_patients";
    case PolicyRule::kParameters:
      return "maximum_parameters_per_patient";
    case PolicyRule::kClass:
      return "minimum_class";
    case PolicyRule::kDifference:
      return "minimum_difference";
    case PolicyRule::kSites:
      return "minimum_sites";
    case PolicyRule::kPrivacy:
      return "privacy_epsilon";
    case PolicyRule::kAnswersADay:
      return "maximum_answers_a_day";
    case PolicyRule::kAnswersAMonth:
      return "maximum_answers_a_month";
    case PolicyRule::kStudiesAMonth:
      return "maximum_studies_a_month";
    case PolicyRule::kHours:
      return "answer_hours";
    case PolicyRule::kAnchors:
      return "anchors";
    case PolicyRule::kModel:
      return "memorising_models";
  }
  return "";
}

RefusalReason ReasonToTell(PolicyRule rule) {
  switch (rule) {
    case PolicyRule::kExpired:
    case PolicyRule::kAnalysis:
    case PolicyRule::kTrainer:
    case PolicyRule::kNormChecks:
    case PolicyRule::kSiteLevel:
    case PolicyRule::kRequester:
    case PolicyRule::kRounds:
    case PolicyRule::kAnswersADay:
    case PolicyRule::kAnswersAMonth:
    case PolicyRule::kStudiesAMonth:
    case PolicyRule::kHours:
    case PolicyRule::kAnchors:
      return RefusalReason::kPolicyForbids;
    case PolicyRule::kPatients:
    case PolicyRule::kParameters:
    case PolicyRule::kClass:
    case PolicyRule::kDifference:
    case PolicyRule::kModel:
      return RefusalReason::kDataRefused;
    case PolicyRule::kSites:
      return RefusalReason::kMinimumLowered;
    case PolicyRule::kPrivacy:
      return RefusalReason::kBudgetExhausted;
  }
  return RefusalReason::kPolicyForbids;
}

std::uint64_t MinimumPatients(const Policy& policy, const Plan& plan) {
  return std::max(policy.minimum_patients, plan.minimum_patients);
}

std::uint32_t MinimumSites(const Policy& policy, const Plan& plan) {
  return std::max(policy.minimum_sites, plan.minimum_sites);
}

PolicyStatus CheckPlan(const Policy& policy, const Plan& plan, UtcSeconds today) {
  if (policy.valid_until && DateOf(today) > *policy.valid_until) {
    return RefuseByPolicy(PolicyRule::kExpired,
                          "this site's policy (valid_until) was valid until " +
                              ToText(*policy.valid_until) + "; today is " + ToText(DateOf(today)));
  }
  const std::string kind(plan.analysis->kind());
  const auto& allowed = policy.allowed_analyses;
  if (std::find(allowed.begin(), allowed.end(), kind) == allowed.end()) {
    return RefuseByPolicy(
        PolicyRule::kAnalysis,
        "the study runs the analysis \"" + kind +
            "\"; this site's policy (allowed_analyses) allows: " + Listed(allowed));
  }
  TRY_STATUS(CheckTrainerIsNamed(policy, plan));
  if (plan.analysis->ShowsSingleSites() && !policy.site_level) {
    return RefuseByPolicy(
        PolicyRule::kSiteLevel,
        "the study shows what single hospitals have: its sums leave all but one out, or "
        "the one; this site's policy (site_level) does not allow that");
  }
  if (CheckedInReview(*plan.analysis) && policy.norm_checks == 0) {
    return RefuseByPolicy(PolicyRule::kNormChecks,
                          "the study checks how long each hospital's own numbers are, which tells "
                          "the coordinator " +
                              std::to_string(kSketchRows) +
                              " random combinations of them in each round; this site's policy "
                              "(norm_checks) does not allow that");
  }
  const auto& requesters = policy.requesters;
  if (!requesters.empty() &&
      std::find(requesters.begin(), requesters.end(), plan.requested_by) == requesters.end()) {
    return RefuseByPolicy(PolicyRule::kRequester,
                          "the study is requested by \"" + plan.requested_by +
                              "\"; this site's policy (requesters) names: " + Listed(requesters));
  }
  const std::uint32_t rounds = plan.analysis->maximum_rounds();
  if (rounds > policy.maximum_rounds) {
    return RefuseByPolicy(PolicyRule::kRounds, "the study may ask for " + Counted(rounds, "round") +
                                                   "; this site's policy (maximum_rounds) allows " +
                                                   std::to_string(policy.maximum_rounds));
  }
  return {};
}

PolicyStatus CheckClasses(const Policy& policy, const Plan& plan, const Cohort& cohort) {
  const auto rows = static_cast<std::uint64_t>(cohort.values.rows());
  const std::uint64_t repeats = rows > cohort.patients ? rows - cohort.patients : 0;
  for (std::size_t i = 0; i < cohort.columns.size(); ++i) {
    for (const auto& [value, count] : ClassesOf(plan.contract, cohort, i)) {
      // All repeated rows may belong to patients of this class, each of whom then has fewer
      // patients.
      const std::uint64_t patients = count > repeats ? count - repeats : 1;
      if (patients >= policy.minimum_class) continue;
      std::string message = "the smallest class of \"" + cohort.columns[i] + "\" has " +
                            (repeats > 0 ? "possibly only " : "") + Counted(patients, "patient") +
                            "; " + AuthorityOf(false, PolicyRule::kClass).words +
                            " asks for at least " + std::to_string(policy.minimum_class);
      return RefuseByPolicy(
          PolicyRule::kClass, std::move(message),
          "Leave the column out of the plan or merge its levels. "
          "Whoever is responsible for this site's policy.toml can lower the minimum.");
    }
  }
  return {};
}

PolicyStatus CheckCohort(const Policy& policy, const Plan& plan, const CohortWithFlow& data) {
  const Cohort& cohort = data.cohort;
  const std::uint64_t needed = MinimumPatients(policy, plan);
  if (cohort.patients < needed) {
    const Authority authority =
        AuthorityOf(plan.minimum_patients > policy.minimum_patients, PolicyRule::kPatients);
    return RefuseByPolicy(PolicyRule::kPatients,
                          "the study's cohort has " + Counted(cohort.patients, "patient") +
                              " here; " + authority.words + " asks for at least " +
                              std::to_string(needed),
                          authority.remedy);
  }
  const auto parameters = static_cast<double>(plan.analysis->parameters());
  const double most = policy.maximum_parameters_per_patient * static_cast<double>(cohort.patients);
  // A whole number that the product only just misses by rounding is allowed.
  constexpr double kRounding = 1 + 1e-12;
  if (!(parameters <= most * kRounding)) {
    return RefuseByPolicy(
        PolicyRule::kParameters,
        "the study estimates " + Counted(plan.analysis->parameters(), "parameter") +
            " and the cohort has " + Counted(cohort.patients, "patient") +
            " here; this site's policy (maximum_parameters_per_patient) allows at most " +
            ShortNumber(policy.maximum_parameters_per_patient) + " a patient",
        "Ask for a plan with fewer features. Whoever is responsible for this site's "
        "policy.toml can raise the limit.");
  }
  TRY_STATUS(CheckClasses(policy, plan, cohort));
  return CheckModel(policy, plan, cohort);
}

PolicyStatus CheckDifference(const Policy& policy,
                             const CohortGuard& answered,
                             const CohortPatients& patients) {
  const AnsweredCohort* close = answered.TooClose(patients, policy.minimum_difference);
  if (close == nullptr) return {};
  return CheckDifference(policy, CountDifference(close->patients, patients), close->study,
                         close->at);
}

PolicyStatus CheckDifference(const Policy& policy,
                             std::uint64_t between,
                             const StudyId& answered,
                             UtcSeconds at) {
  if (between == 0 || between >= policy.minimum_difference) return {};
  return RefuseByPolicy(
      PolicyRule::kDifference,
      "the study's cohort differs by " + Counted(between, "patient") + " from the one that study " +
          answered.Short() + " was answered with on " + ToText(DateOf(at)) +
          ": two sums, subtracted, would be those patients'; this site's policy "
          "(minimum_difference) asks for no difference or at least " +
          std::to_string(policy.minimum_difference),
      "Answer with the same patients as then (an eligibility rule of the plan, the data "
      "of that day), or once more patients have come. Whoever is responsible for this "
      "site's policy.toml can lower the minimum.");
}

PolicyStatus CheckBudget(const Policy& policy, const Plan& plan, double spent) {
  const double loss = plan.analysis->privacy_loss_of_a_round();
  if (loss == 0) return {};
  const Result<double> epsilon = EpsilonOfLoss(LossAfter(spent, loss), policy.privacy_delta);
  if (epsilon && *epsilon <= policy.privacy_epsilon) return {};
  return RefuseByPolicy(
      PolicyRule::kPrivacy,
      "one more round of the study would bring what answers with noise tell of a patient "
      "to " +
          (epsilon ? "epsilon " + ShortNumber(*epsilon) : "more than can be counted") +
          " at delta " + ShortNumber(policy.privacy_delta) +
          "; this site's policy (privacy_epsilon) allows " + ShortNumber(policy.privacy_epsilon) +
          " over all studies",
      "Ask for a plan with more noise. Whoever is responsible for this site's "
      "policy.toml can raise the budget; what was told stays told.");
}

Result<PrivacyBalance> BalanceOf(const Policy& policy, double spent) {
  PrivacyBalance balance{0, policy.privacy_epsilon, policy.privacy_delta};
  if (spent > 0) {
    TRY(balance.spent, EpsilonOfLoss(spent, policy.privacy_delta));
  }
  return balance;
}

double SpentAfter(const Plan& plan, double spent) {
  const double loss = plan.analysis->privacy_loss_of_a_round();
  if (loss == 0) return spent;
  for (std::uint32_t i = 0; i < plan.analysis->rounds_with_noise(); ++i) {
    spent = LossAfter(spent, loss);
  }
  return spent;
}

PolicyStatus CheckSum(const Policy& policy, const Plan& plan, std::uint32_t sites) {
  const std::uint32_t needed = MinimumSites(policy, plan);
  if (sites >= needed) return {};
  const Authority authority =
      AuthorityOf(plan.minimum_sites > policy.minimum_sites, PolicyRule::kSites);
  return RefuseByPolicy(PolicyRule::kSites,
                        "the sum would have " + Counted(sites, "site") + "; " + authority.words +
                            " asks for at least " + std::to_string(needed),
                        authority.remedy);
}

}  // namespace consilium
