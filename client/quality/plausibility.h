#pragma once

// What looks odd in data that may well meet the contract: codes for "not known" among the numbers,
// units other than the contract's, values that no patient has. Suspicions, for people to look into;
// none keeps a study from running. They hold counts and names, never a patient's value.
// docs/quality-report.md has every kind with its rule and source.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/time.h"
#include "protocols/cohort.h"
#include "protocols/contract.h"

namespace consilium {

enum class Severity {
  kLook,  ///< Often a mistake: worth a look before the study runs.
  kNote   ///< Good to know.
};
std::string_view Name(Severity severity);  ///< "look", "note"

struct Suspicion {
  std::string column;      ///< In the contract; empty where it is about whole rows.
  std::string_view kind;   ///< "code-among-numbers", "unit", "dictionary", ...
  std::uint64_t rows = 0;  ///< Whom it concerns,
  std::string words;
  std::string remedy;
  std::uint64_t patients = 0;  ///< and how many patients they are of.
  Severity severity = Severity::kLook;

  /// "chol: 49 rows are 0, ...": for one line of text.
  std::string Sentence() const { return column.empty() ? words : column + ": " + words; }
};

/// `table` has the contract's columns; values beyond its ranges should still be there, since what
/// is in another unit lies beyond them. Columns with fewer than ten values say too little.
/// Without `today` no date is in the future.
std::vector<Suspicion> FindSuspicions(const Contract& contract,
                                      const DataTable& table,
                                      std::optional<Date> today = {});

/// No living patient has less or more than these.
struct VitalLimits {
  std::string_view measurement;
  double lowest = 0;
  double highest = 0;
};
/// By what a column is called and its unit; the sources are beside the numbers.
std::optional<VitalLimits> VitalLimitsOf(const ContractColumn& column);

}  // namespace consilium
