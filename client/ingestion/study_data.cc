#include "client/ingestion/study_data.h"

#include <algorithm>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "client/calendar_drift.h"
#include "client/data_profile.h"
#include "client/duplicate_rows.h"
#include "client/federation_compare.h"
#include "client/ingestion/source_types.h"
#include "client/plausibility.h"

namespace consilium {
namespace {

/// Marks the rows of patients on the site's list.
void Exclude(const PatientRegister& patients, LoadedTable& loaded) {
  if (patients.excluded.empty()) return;
  DataTable& table = loaded.table;
  std::vector<bool> listed(table.patients.distinct());
  for (std::uint32_t i = 0; i < listed.size(); ++i) {
    const std::uint64_t code = PatientCodeOf(table.patients.Name(i), patients.key);
    listed[i] = std::binary_search(patients.excluded.begin(), patients.excluded.end(), code);
    if (listed[i]) ++loaded.report.excluded_patients_found;
  }
  table.excluded.reserve(table.patients.size());
  for (std::size_t row = 0; row < table.patients.size(); ++row) {
    table.excluded.push_back(listed[table.patients.NumberOf(row)]);
  }
  loaded.report.patients_excluded = patients.excluded.size();
}

bool IsBeyondRanges(const QualityReport& report) {
  return std::any_of(report.columns.begin(), report.columns.end(), [](const ColumnQuality& column) {
    return column.problems.contains(DataFault::kOutOfRange);
  });
}

/// What no contract forbids, and how the data are spread.
void LookAt(const Contract& contract,
            const DataTable& table,
            const DataSurroundings& surroundings,
            QualityReport& report) {
  const auto take = [&](std::vector<Suspicion> found) {
    std::move(found.begin(), found.end(), std::back_inserter(report.suspicions));
  };
  take(FindSuspicions(contract, table, surroundings.today));
  take(FindDuplicates(table));
  CalendarFindings drift = FindDrift(contract, table);
  take(std::move(drift.suspicions));
  take(FindGaps(contract, table));
  FederationFindings federation = CompareWithFederation(contract, table, surroundings.summaries);
  take(std::move(federation.suspicions));
  report.federation = std::move(federation.view);
  std::stable_sort(report.suspicions.begin(), report.suspicions.end(),
                   [](const Suspicion& a, const Suspicion& b) { return a.severity < b.severity; });
  report.calendar = std::move(drift.view);
  report.profile = ProfileOf(contract, table);
}

/// Data in another unit are mostly beyond the contract's ranges: then they are read once more
/// without these. That is for suspicions alone, which are no obstacle: so is no second reading that
/// fails.
void LookAtAll(const Source& source,
               const Contract& contract,
               const DataSurroundings& surroundings,
               LoadedTable& loaded) {
  if (IsBeyondRanges(loaded.report)) {
    Contract without_ranges = contract;
    for (ContractColumn& column : without_ranges.columns) {
      column.minimum.reset();
      column.maximum.reset();
    }
    if (const auto all = LoadSource(source, without_ranges)) {
      LookAt(contract, all->table, surroundings, loaded.report);
      return;
    }
  }
  LookAt(contract, loaded.table, surroundings, loaded.report);
}

}  // namespace

Result<QualityReport> CheckData(const Source& source,
                                const Plan& plan,
                                const PatientRegister& patients,
                                const LoadProgress& progress,
                                const DataSurroundings& surroundings) {
  TRY(LoadedTable loaded, LoadSource(source, plan.contract, {}, progress));
  Exclude(patients, loaded);
  LookAtAll(source, plan.contract, surroundings, loaded);
  if (const SourceType* type = FindSourceType(source.type); type->compare != nullptr) {
    TRY(auto found, type->compare(source, plan.contract));
    std::vector<Suspicion>& all = loaded.report.suspicions;
    all.insert(all.begin(), std::make_move_iterator(found.begin()),
               std::make_move_iterator(found.end()));
  }
  if (loaded.report.HasProblems()) return std::move(loaded.report);
  auto cohort = CohortOf(plan, std::move(loaded.table));
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
  TRY(CohortWithFlow built, CohortOf(plan, std::move(loaded.table)));
  SiteCohort cohort{std::move(built), {}};
  // The patients of a table that was given up are still there.
  const PatientList& of_rows = loaded.table.patients;
  std::vector<std::uint32_t> rows(of_rows.distinct(), 0);
  for (const std::size_t row : cohort.rows) ++rows[of_rows.NumberOf(row)];
  for (std::uint32_t number = 0; number < rows.size(); ++number) {
    if (rows[number] == 0) continue;
    cohort.patients.push_back({PatientCodeOf(of_rows.Name(number), patients.key), rows[number]});
  }
  if (cohort.patients.size() > kMaxPatientCodes) {
    return Fail(ErrorCode::kDataQuality,
                "the cohort has more patients than this site can keep a record of (" +
                    std::to_string(kMaxPatientCodes) + ")",
                "Ask for a plan with narrower eligibility rules.");
  }
  cohort.patients = Merged(std::move(cohort.patients));
  return cohort;
}

}  // namespace consilium
