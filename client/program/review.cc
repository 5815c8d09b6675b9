#include "client/program/review.h"

#include <utility>

#include "client/ingestion/study_data.h"
#include "client/policy/policy.h"
#include "client/program/home.h"

namespace consilium {
namespace {

Status AskPolicy(const std::filesystem::path& home,
                 const Source& source,
                 const Plan& plan,
                 const PatientRegister& patients,
                 const Moment& now,
                 DataCheck& check) {
  TRY(check.policy, LoadPolicy(home / "policy.toml"));
  const Policy& policy = *check.policy;
  TRY_STATUS(CheckPlan(policy, plan, now.utc));
  if (!plan.analysis->trainer().empty()) {
    const TrainerProgram& program = policy.trainers.find(plan.analysis->trainer())->second;
    check.trainer = InWords(program);
    TRY_STATUS(CheckTrustedTrainer(program));
  }
  TRY(SiteCohort cohort, LoadCohort(source, plan, patients));
  TRY(check.model, LintModel(policy, plan, cohort.cohort));
  check.asked[PolicyRule::kClass] = CheckClasses(policy, plan, cohort.cohort).has_value();
  check.asked[PolicyRule::kModel] = CheckModel(policy, plan, cohort.cohort).has_value();
  TRY_STATUS(CheckCohort(policy, plan, cohort));
  check.patients = std::move(cohort.patients);
  return {};
}

Result<QualityReport> ReadData(const std::filesystem::path& home,
                               const Plan& plan,
                               const PatientRegister& patients,
                               Source& source,
                               const DataSurroundings& surroundings,
                               const LoadProgress& progress) {
  TRY(const std::filesystem::path file, SourceOf(home));
  TRY(source, ReadSource(file));
  return CheckData(source, plan, patients, progress, surroundings);
}

}  // namespace

DataCheck CheckLocalData(const std::filesystem::path& home,
                         const Plan& plan,
                         const PatientRegister& patients,
                         const Moment& now,
                         const LoadProgress& progress,
                         const std::vector<KnownSummary>& summaries) {
  DataCheck check;
  Source source;
  Result<QualityReport> report =
      ReadData(home, plan, patients, source, {DateOf(now.utc), summaries}, progress);
  if (!report) {
    check.problem = report.error();
    return check;
  }
  check.report = std::move(*report);
  if (Status asked = AskPolicy(home, source, plan, patients, now, check); !asked) {
    check.problem = asked.error();
  }
  return check;
}

}  // namespace consilium
