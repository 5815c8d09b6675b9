#include "client/ingestion/study_data.h"

#include <algorithm>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace consilium {
namespace {

/// Marks the rows of patients on the site's list.
void Exclude(const PatientRegister& patients, LoadedTable& loaded) {
  if (patients.excluded.empty()) return;
  std::set<std::uint64_t> found;
  DataTable& table = loaded.table;
  table.excluded.reserve(table.patients.size());
  for (const std::string& patient : table.patients) {
    const std::uint64_t code = PatientCodeOf(patient, patients.key);
    const bool listed =
        std::binary_search(patients.excluded.begin(), patients.excluded.end(), code);
    table.excluded.push_back(listed);
    if (listed) found.insert(code);
  }
  loaded.report.patients_excluded = patients.excluded.size();
  loaded.report.excluded_patients_found = found.size();
}

bool IsBeyondRanges(const QualityReport& report) {
  return std::any_of(report.columns.begin(), report.columns.end(), [](const ColumnQuality& column) {
    return column.problems.contains(DataFault::kOutOfRange);
  });
}

/// Data in another unit are mostly beyond the contract's ranges: then they are read once more
/// without these.
Result<std::vector<Suspicion>> Suspicions(const Source& source,
                                          const Contract& contract,
                                          const LoadedTable& loaded) {
  if (!IsBeyondRanges(loaded.report)) return FindSuspicions(contract, loaded.table);
  Contract without_ranges = contract;
  for (ContractColumn& column : without_ranges.columns) {
    column.minimum.reset();
    column.maximum.reset();
  }
  TRY(const LoadedTable all, LoadSource(source, without_ranges));
  return FindSuspicions(contract, all.table);
}

}  // namespace

Result<QualityReport> CheckData(const Source& source,
                                const Plan& plan,
                                const PatientRegister& patients) {
  TRY(LoadedTable loaded, LoadSource(source, plan.contract));
  Exclude(patients, loaded);
  TRY(loaded.report.suspicions, Suspicions(source, plan.contract, loaded));
  if (loaded.report.HasProblems()) return std::move(loaded.report);
  auto cohort = CohortOf(plan, loaded.table);
  if (cohort) {
    loaded.report.flow = std::move(cohort->flow);
  } else {
    loaded.report.other_problems.push_back(Describe(cohort.error()));
  }
  return std::move(loaded.report);
}

Result<SiteCohort> LoadCohort(const Source& source,
                              const Plan& plan,
                              const PatientRegister& patients) {
  TRY(LoadedTable loaded, LoadSource(source, plan.contract));
  const std::vector<std::string> problems = loaded.report.Problems();
  if (!problems.empty()) {
    constexpr std::size_t kShown = 5;
    std::string summary = loaded.report.file + " does not meet the study's contract: ";
    for (std::size_t i = 0; i < problems.size() && i < kShown; ++i) {
      summary += (i == 0 ? "" : "; ") + problems[i];
    }
    if (problems.size() > kShown) {
      summary += "; and " + std::to_string(problems.size() - kShown) + " more problems";
    }
    return Fail(ErrorCode::kDataQuality, std::move(summary),
                "`consilium-site check` names the lines and what to do about each.");
  }
  Exclude(patients, loaded);
  TRY(CohortWithFlow built, CohortOf(plan, loaded.table));
  SiteCohort cohort{std::move(built), {}};
  cohort.codes.reserve(cohort.rows.size());
  for (const std::size_t row : cohort.rows) {
    cohort.codes.push_back(PatientCodeOf(loaded.table.patients[row], patients.key));
  }
  cohort.codes = Sorted(std::move(cohort.codes));
  return cohort;
}

}  // namespace consilium
