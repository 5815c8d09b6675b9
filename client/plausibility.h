#pragma once

// What looks odd in data that may well meet the contract: codes for "not known" among the numbers,
// and units other than the contract's. Suspicions, for people to look into; none keeps a study from
// running. They hold counts and names, never a patient's value.

#include <cstdint>
#include <string>
#include <vector>

#include "protocols/cohort.h"
#include "protocols/contract.h"

namespace consilium {

struct Suspicion {
  std::string column;      ///< In the contract.
  std::string_view kind;   ///< "code-among-numbers", "unit" or "dictionary"
  std::uint64_t rows = 0;  ///< Whom it concerns.
  std::string words;
  std::string remedy;
};

/// `table` has the contract's columns; values beyond its ranges should still be there, since what
/// is in another unit lies beyond them. Columns with fewer than ten values say too little.
std::vector<Suspicion> FindSuspicions(const Contract& contract, const DataTable& table);

}  // namespace consilium
