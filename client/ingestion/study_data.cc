#include "client/ingestion/study_data.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "client/ingestion/source_types.h"
#include "client/quality/calendar_drift.h"
#include "client/quality/data_profile.h"
#include "client/quality/duplicate_rows.h"
#include "client/quality/federation_compare.h"
#include "client/quality/plausibility.h"

namespace consilium {
namespace {

/// The rows for which `keep` is true.
DataTable RowsOf(const DataTable& table, const std::vector<bool>& keep) {
  DataTable kept;
  kept.columns.resize(table.columns.size());
  for (std::size_t row = 0; row < keep.size(); ++row) {
    if (keep[row]) kept.patients.push_back(table.patients[row]);
  }
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    kept.columns[i].reserve(kept.patients.size());
    for (std::size_t row = 0; row < keep.size(); ++row) {
      if (keep[row]) kept.columns[i].push_back(table.columns[i][row]);
    }
  }
  return kept;
}

/// A table, or a part of it that is copied only where it is not the whole.
class TablePart {
 public:
  TablePart(const DataTable& table, const std::vector<bool>& keep) : whole_(table) {
    const bool all = std::all_of(keep.begin(), keep.end(), [](bool kept) { return kept; });
    if (!all) part_ = RowsOf(table, keep);
  }
  const DataTable& table() const { return part_ ? *part_ : whole_; }

 private:
  const DataTable& whole_;
  std::optional<DataTable> part_;
};

std::vector<bool> TakingPart(const DataTable& table) {
  std::vector<bool> part = table.excluded;
  part.flip();
  return part;
}

/// Rows that lack each column, of those that plots are of.
void CountLacking(const Contract& contract, const DataTable& table, QualityReport& report) {
  std::vector<bool> drawn =
      EligibleRows(contract, table).value_or(std::vector<bool>(table.patients.size(), true));
  for (std::size_t row = 0; row < table.excluded.size(); ++row) {
    if (table.excluded[row]) drawn[row] = false;
  }
  report.rows_drawn = static_cast<std::uint64_t>(std::count(drawn.begin(), drawn.end(), true));
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    std::uint64_t& lacking = report.columns[i].lacking;
    for (std::size_t row = 0; row < drawn.size(); ++row) {
      if (drawn[row] && std::isnan(table.columns[i][row])) ++lacking;
    }
  }
}

bool IsBeyondRanges(const QualityReport& report) {
  return std::any_of(report.columns.begin(), report.columns.end(), [](const ColumnQuality& column) {
    return column.problems.contains(DataFault::kOutOfRange);
  });
}

/// What no contract forbids, and how the data are spread. Excluded patients are in none of it. Who
/// is not eligible is in no plot, and in nothing that compares with the federation or over time;
/// odd values are looked for in all rows, since they may be why somebody is not eligible.
void LookAt(const Contract& contract,
            const DataTable& table,
            const DataSurroundings& surroundings,
            QualityReport& report) {
  const auto take = [&](std::vector<Suspicion> found) {
    std::move(found.begin(), found.end(), std::back_inserter(report.suspicions));
  };
  const TablePart taking_part(table, TakingPart(table));
  const DataTable& all = taking_part.table();
  take(FindSuspicions(contract, all, surroundings.today));
  take(FindDuplicates(all));
  const TablePart eligible_part(all, EligibleRows(contract, all).value_or(std::vector<bool>()));
  const DataTable& eligible = eligible_part.table();
  CalendarFindings drift = FindDrift(contract, eligible);
  take(std::move(drift.suspicions));
  take(FindGaps(contract, eligible));
  FederationFindings federation = CompareWithFederation(contract, eligible, surroundings.summaries);
  take(std::move(federation.suspicions));
  report.federation = std::move(federation.view);
  // A patient's second row is no note where it is a problem.
  if (report.patient_repeated.count > 0) {
    std::erase_if(report.suspicions,
                  [](const Suspicion& one) { return one.kind == "repeated-patient"; });
  }
  std::stable_sort(report.suspicions.begin(), report.suspicions.end(),
                   [](const Suspicion& a, const Suspicion& b) { return a.severity < b.severity; });
  report.calendar = std::move(drift.view);
  report.profile = ProfileOf(contract, eligible);
}

/// Data in another unit are mostly beyond the contract's ranges: then they are read once more
/// without these. That is for suspicions alone, which are no obstacle: so is no second reading that
/// fails.
void LookAtAll(const Source& source,
               const Contract& contract,
               const PatientRegister& patients,
               const DataSurroundings& surroundings,
               LoadedTable& loaded) {
  CountLacking(contract, loaded.table, loaded.report);
  if (IsBeyondRanges(loaded.report)) {
    Contract without_ranges = contract;
    for (ContractColumn& column : without_ranges.columns) {
      column.minimum.reset();
      column.maximum.reset();
    }
    if (const auto all = LoadSource(source, without_ranges, {}, {}, patients)) {
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
  TRY(LoadedTable loaded, LoadSource(source, plan.contract, {}, progress, patients));
  LookAtAll(source, plan.contract, patients, surroundings, loaded);
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
  TRY(LoadedTable loaded, LoadSource(source, plan.contract, {}, {}, patients));
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
