#pragma once

// Values in the place of missing ones: an analysis of which some columns may have gaps. A first
// round finds each column's mean, median or most frequent value over all hospitals; every further
// query carries these, and each site puts them into its gaps before it answers.

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.h"
#include "common/settings.h"
#include "protocols/analysis.h"
#include "protocols/contract.h"

namespace consilium::imputation {

enum class Fill { kMean, kMedian, kMode };

std::string_view NameOf(Fill fill);  ///< "mean"

/// A number's median is the middle of one of so many bins of its range; of whole numbers with no
/// more values it is exact.
inline constexpr std::size_t kMostBins = 1'000;

struct ImputedColumn {
  ContractColumn column;
  std::size_t in_cohort = 0;  ///< The analysis's column.
  Fill fill = Fill::kMean;

  bool IsWhole() const;
  /// A bin is one value.
  bool IsExact() const;
  /// The counts that find a median or a most frequent value; 0 of a mean.
  std::size_t bins() const;
  /// Where a value within the range lies.
  std::size_t BinOf(double value) const;
  /// The value that stands for a bin: what is put into gaps.
  double ValueOf(std::size_t bin) const;
};

/// The plan's [impute] table: names of the analysis's columns or of series of them, each with
/// "mean", "median" or "mode". Errors carry line and column, also where no gap can ever be filled
/// since other columns leave the same rows out.
Result<std::vector<ImputedColumn>> ParseImputation(const Settings& settings,
                                                   const Contract& contract,
                                                   const Analysis& analysis);

/// The same analysis of rows with gaps in these columns; `maximum_rows` is the most that a site
/// may bring.
std::shared_ptr<const Analysis> MakeImputing(std::shared_ptr<const Analysis> analysis,
                                             std::vector<ImputedColumn> columns,
                                             std::uint64_t maximum_rows);

/// Puts the value where the cohort's column has none.
void FillGaps(Cohort& cohort, std::size_t column, double value);
/// A copy of the cohort with one value for each column's gaps.
Cohort Filled(const CohortView& cohort,
              const std::vector<ImputedColumn>& columns,
              const std::vector<double>& values);

}  // namespace consilium::imputation
