#pragma once

// A site's data beside the federation's, as far as a summary that the federation has finished
// tells. The federation's sums include this site's own rows.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "client/quality/plausibility.h"
#include "protocols/cohort.h"
#include "protocols/contract.h"

namespace consilium {

/// The result of a finished study of kind "summary", as this site has it.
struct KnownSummary {
  std::string study;  ///< The number, in short.
  std::string title;
  std::uint32_t sites = 0;
  std::uint64_t patients = 0;
  std::string json;  ///< As in result.json.
};

/// One column here and there, as shares of the rows with a value.
struct ComparedColumn {
  std::size_t column = 0;   ///< In the contract.
  double missing_here = 0;  ///< Shares of all rows.
  double missing_there = 0;
  /// Of the means: here less there, in the federation's standard deviations. Numbers only.
  std::optional<double> difference;
  std::vector<double> edges;        ///< Of numbers: one more than parts, those of the summary or
                                    ///< every few of them; none where it has no histogram.
  std::vector<std::string> levels;  ///< Of categories and booleans.
  std::vector<double> here;         ///< Shares, one a part or level;
  std::vector<double> there;        ///< as many.
};

struct FederationView {
  std::string study;
  std::string title;
  std::uint32_t sites = 0;
  std::uint64_t patients = 0;
  std::vector<ComparedColumn> columns;
};

struct FederationFindings {
  std::optional<FederationView> view;  ///< None where no summary has a column in common.
  /// Kinds "far-from-federation" (means a standard deviation apart, or the share of a level by
  /// 0.3) and "missing-here" (0.3 more of the rows).
  std::vector<Suspicion> suspicions;
};

/// With the summary that has most columns in common: of the same name and unit, or levels. Columns
/// with fewer than ten values here are left out.
FederationFindings CompareWithFederation(const Contract& contract,
                                         const DataTable& table,
                                         const std::vector<KnownSummary>& summaries);

}  // namespace consilium
