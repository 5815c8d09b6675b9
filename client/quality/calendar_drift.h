#pragma once

// Whether a site's data change over calendar time: a laboratory that reports in another unit since
// its new analyser, a field that the new form no longer has.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "client/quality/plausibility.h"
#include "protocols/cohort.h"
#include "protocols/contract.h"

namespace consilium {

struct CalendarPeriod {
  std::string name;  ///< "2019-03", "2019-Q1" or "2019"
  std::uint64_t rows = 0;
  std::uint64_t patients = 0;
};

struct CalendarColumn {
  std::size_t column = 0;              ///< In the contract.
  std::vector<std::uint64_t> missing;  ///< Rows without a value, a period.
  /// Of numbers, and the share of yes among booleans: only of periods with values of at least ten
  /// patients, and without those beyond the contract's range. The only numbers of a report that are
  /// computed from values.
  std::vector<std::optional<double>> means;
  std::optional<std::size_t> missing_step;  ///< The first period after a step;
  std::optional<std::size_t> value_step;    ///< of the values.
};

struct CalendarView {
  std::string date_column;
  std::vector<CalendarPeriod> periods;  ///< Without a gap: some may be empty.
  std::uint64_t without_date = 0;       ///< Rows that are in no period: they have no date,
  std::uint64_t outside = 0;            ///< or one far from nearly all others'.
  std::vector<CalendarColumn> columns;  ///< All but the date itself.
};

struct CalendarFindings {
  std::optional<CalendarView> view;
  /// Kinds "missing-since", "values-since", "level-since", "gap-in-time".
  std::vector<Suspicion> suspicions;
};
/// By the contract's first date that is no birthday; nothing without one, or if less than 20 rows
/// have a date. Steps with p times the number of tests below 0.01, at least 20 rows of 10 patients
/// on either side, and of a size that matters: shares that differ by a tenth (missing) or a fifth
/// (levels), numbers by Cliff's delta of 0.33, "medium" after Romano et al. (2006).
CalendarFindings FindDrift(const Contract& contract, const DataTable& table);

}  // namespace consilium
