#pragma once

// The site's policy: its last word on every study. It fails closed: a file that is absent,
// unreadable or has a key that is not understood refuses everything. docs/policy-file.md has every
// key.

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "client/policy/answer_times.h"
#include "client/policy/approvers.h"
#include "client/policy/cohort_guard.h"
#include "client/policy/quotas.h"
#include "client/policy/trainers.h"
#include "common/result.h"
#include "common/time.h"
#include "protocols/cohort.h"
#include "protocols/plan.h"
#include "protocols/reasons.h"
#include "protocols/roster.h"

namespace consilium {

enum class PolicyPreset { kStrict, kStandard, kResearch };

std::string_view Name(PolicyPreset preset);  ///< "standard"

struct Policy {
  PolicyPreset preset = PolicyPreset::kStandard;
  std::vector<std::string> allowed_analyses;  ///< Kinds; none listed, none allowed.
  std::uint64_t minimum_patients = 0;         ///< In the cohort.
  std::uint32_t minimum_sites = 0;            ///< In every sum that this site joins.
  double maximum_parameters_per_patient = 0;
  std::uint64_t minimum_class = 0;       ///< Patients in the smallest non-empty class of a column.
  std::uint64_t minimum_difference = 0;  ///< Patients between two different cohorts, at least.
  bool site_level = false;               ///< Results that show this site alone may be opened.
  std::vector<std::string> requesters;   ///< The plan's requested_by; empty: anybody.
  std::uint32_t maximum_rounds = 0;      ///< Of one study.
  std::uint32_t norm_checks = 0;         ///< Sketches of one answer, at most.
  double privacy_epsilon = 0;        ///< That answers with noise may add up to, over all studies,
  double privacy_delta = 0;          ///< with this probability of an exception.
  Quotas quotas;                     ///< Over all studies, in a day and in a month.
  AnswerTimes times;                 ///< When anything is answered; always by default.
  std::vector<std::string> anchors;  ///< Names or fingerprints of sites that each sum must hold.
  bool memorising_models = false;    ///< Updates may be made that can hold single patients' rows.
  TrainerPrograms trainers;          ///< That studies may learn by; none by default.
  ApprovalRules approval;            ///< Who has to sign before a study runs here.
  std::optional<Date> valid_until;   ///< Last day on which anything is answered.
};

/// The preset without overrides; allows every built-in analysis.
Policy MakePolicy(PolicyPreset preset);
Result<Policy> ParsePolicy(std::string_view text, std::string_view file_name);
Result<Policy> LoadPolicy(const std::filesystem::path& file);
/// A commented policy.toml for a new home folder: preset "standard".
std::string DefaultPolicyText();

enum class PolicyRule {
  kExpired,
  kAnalysis,
  kTrainer,
  kNormChecks,
  kSiteLevel,
  kRequester,
  kRounds,
  kPatients,
  kParameters,
  kClass,
  kDifference,
  kSites,
  kPrivacy,
  kAnswersADay,
  kAnswersAMonth,
  kStudiesAMonth,
  kHours,
  kAnchors,
  kModel
};

std::string_view Name(PolicyRule rule);  ///< The policy's key: "minimum_patients".
/// All that a coordinator may be told: numbers about this site's patients stay here.
RefusalReason ReasonToTell(PolicyRule rule);

/// A refusal in words for this site's people. It may hold counts of patients and must not be sent.
struct PolicyRefusal : Error {
  PolicyRule rule = PolicyRule::kExpired;
};

/// Works like a Status, also in TRY_STATUS; its error also names the rule.
class [[nodiscard]] PolicyStatus : public tl::expected<void, PolicyRefusal> {
 public:
  using tl::expected<void, PolicyRefusal>::expected;
};

/// The stricter of plan and policy.
std::uint64_t MinimumPatients(const Policy& policy, const Plan& plan);
std::uint32_t MinimumSites(const Policy& policy, const Plan& plan);

/// Before any data are touched: validity, kind of analysis, the program that it learns by, who
/// asks, number of rounds, whether sites are sketched. Whether the plan itself has expired is not
/// the policy's matter.
PolicyStatus CheckPlan(const Policy& policy, const Plan& plan, UtcSeconds today);
/// Patients, parameters per patient, smallest class, and what a model could learn by heart. A class
/// is a value of a category, of a boolean or of a number that takes at most two values. Classes are
/// counted in patients: with several rows a patient, as few as the rows could stand for.
PolicyStatus CheckCohort(const Policy& policy, const Plan& plan, const CohortWithFlow& cohort);
/// The smallest class alone.
PolicyStatus CheckClasses(const Policy& policy, const Plan& plan, const Cohort& cohort);
/// Whether these patients are those of an earlier answer or differ from them by enough: the
/// difference of two sums is a sum over the patients between them.
PolicyStatus CheckDifference(const Policy& policy,
                             const CohortGuard& answered,
                             const CohortPatients& patients);
/// The same where the difference is known: `between` patients from what study `answered` was
/// answered with at `at`.
PolicyStatus CheckDifference(const Policy& policy,
                             std::uint64_t between,
                             const StudyId& answered,
                             UtcSeconds at);
/// Whether the budget has room for one more round of the study when `spent` (rho of
/// zero-concentrated differential privacy) has been told already. Studies without noise need none.
PolicyStatus CheckBudget(const Policy& policy, const Plan& plan, double spent);
/// What answers with noise have told of a patient over all studies, as epsilon at the policy's
/// delta, beside what the policy allows.
struct PrivacyBalance {
  double spent = 0;
  double allowed = 0;
  double delta = 0;
};
/// Of `spent` as rho, as in CheckBudget. kInvalidArgument where it is too much to be counted.
Result<PrivacyBalance> BalanceOf(const Policy& policy, double spent);
/// The rho that is spent once all rounds of the study are answered, each once.
double SpentAfter(const Plan& plan, double spent);
/// Before this site helps to open a sum of `sites` sites.
PolicyStatus CheckSum(const Policy& policy, const Plan& plan, std::uint32_t sites);
/// Whether the hour and day are such that anything may leave. A person may approve at any time.
PolicyStatus CheckTimes(const Policy& policy, UtcSeconds now);
/// Whether one more answer of the study is within the quotas.
PolicyStatus CheckQuotas(const Policy& policy, const AnswersSoFar& so_far);
/// Whether every anchor of the policy is an active member of the roster and among `sites`. One
/// that cannot be found is missing.
PolicyStatus CheckAnchors(const Policy& policy,
                          const Roster& roster,
                          const std::vector<SiteId>& sites);

}  // namespace consilium
