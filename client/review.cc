#include "client/review.h"

#include <utility>

#include "client/home.h"
#include "client/ingestion/study_data.h"
#include "client/policy.h"
#include "common/terminal.h"

namespace consilium {
namespace {

Status AskPolicy(const std::filesystem::path& home,
                 const Source& source,
                 const Plan& plan,
                 const PatientRegister& patients,
                 const Moment& now,
                 DataCheck& check) {
  TRY(const Policy policy, LoadPolicy(home / "policy.toml"));
  TRY_STATUS(CheckPlan(policy, plan, now.utc));
  if (!plan.analysis->trainer().empty()) {
    const TrainerProgram& program = policy.trainers.find(plan.analysis->trainer())->second;
    check.trainer = InWords(program);
    TRY_STATUS(CheckTrustedTrainer(program));
  }
  TRY(SiteCohort cohort, LoadCohort(source, plan, patients));
  TRY(check.model, LintModel(policy, plan, cohort.cohort));
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

std::string Title(std::string_view text) {
  return std::string(text) + "\n" + std::string(text.size(), '-') + "\n";
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

std::string ReviewPage(const Plan& plan,
                       const DataCheck& check,
                       const std::string& decision,
                       std::size_t width) {
  std::string page = ExplainPlan(plan);
  page += "\n" + Title("Your data");
  if (check.report) page += RenderText(*check.report);
  page += "\n" + Title("Your site's policy and data say");
  page += Wrapped(check.ok() ? "Yes: the data meet the contract, and policy.toml allows the study."
                             : "No: " + Printable(Describe(*check.problem)),
                  width, 4) +
          "\n";
  if (!check.trainer.empty()) {
    page += Wrapped("The study would run a program installed here, on the rows above: " +
                        Printable(check.trainer) +
                        ". Your policy.toml names it; the coordinator cannot change which one it "
                        "is, nor its arguments.",
                    width, 4) +
            "\n";
  }
  for (const ModelFinding& finding : check.model) {
    page += Wrapped("The model: " + finding.words + ".", width, 4) + "\n";
  }
  page += "\nDecision so far: " + (decision.empty() ? std::string("none") : decision) + "\n";
  return page;
}

}  // namespace consilium
