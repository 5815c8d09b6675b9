#pragma once

// Rows that are there twice: exported twice, entered twice, or one person under two identifiers.

#include <cstddef>
#include <vector>

#include "client/quality/plausibility.h"
#include "protocols/cohort.h"

namespace consilium {

/// Kinds "identical-rows", "near-identical-rows" (of one patient), "one-person" (rows of different
/// patients that are equal, or equal in all columns but one) and "repeated-patient".
///
/// Different patients may have equal rows by chance, the more so the fewer columns there are. Pairs
/// of rows, equal ones or nearly equal ones, are a finding only where there are twenty times as
/// many as would be expected if columns were independent: equal ones of n patients n (n - 1) / 2
/// times the product over the columns of the share of pairs that agree there. Rows that differ in
/// one column are sought in tables with at least four columns and at most kMostCellsCompared cells.
inline constexpr std::size_t kMostCellsCompared = 64'000'000;
std::vector<Suspicion> FindDuplicates(const DataTable& table);

}  // namespace consilium
