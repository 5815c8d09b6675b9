#include "client/ingestion/study_data.h"

#include <string>
#include <utility>
#include <vector>

namespace consilium {

Result<QualityReport> CheckData(const Source& source,
                                const Plan& plan,
                                const LoadProgress& progress) {
  TRY(LoadedTable loaded, LoadSource(source, plan.contract, {}, progress));
  if (loaded.report.HasProblems()) return std::move(loaded.report);
  auto cohort = CohortOf(plan, std::move(loaded.table));
  if (cohort) {
    loaded.report.flow = std::move(cohort->flow);
  } else {
    loaded.report.other_problems.push_back(Describe(cohort.error()));
  }
  return std::move(loaded.report);
}

Result<CohortWithFlow> LoadCohort(const Source& source, const Plan& plan) {
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
  return CohortOf(plan, std::move(loaded.table));
}

}  // namespace consilium
