#pragma once

// A REDCap project's data dictionary held against a contract: what does not fit can be mended
// before a row breaks it.

#include <vector>

#include "client/ingestion/redcap/redcap_table.h"
#include "client/quality/plausibility.h"
#include "protocols/contract.h"

namespace consilium {

/// How a contract's column comes out of a field.
struct RedcapUse {
  const ContractColumn* column = nullptr;
  std::string header = {};                                   ///< Without the event.
  bool converted = false;                                    ///< By factor or offset.
  std::map<std::string, std::string, std::less<>> map = {};  ///< Of the field's texts.
  std::vector<std::string> missing = {};                     ///< Texts that mean "not known".
};

/// What the dictionary says of a field's type, choices, range and whether it identifies a patient,
/// where that differs from the contract. No obstacle: the rows decide.
std::vector<Suspicion> CompareWithContract(const RedcapDictionary& dictionary,
                                           const RedcapOptions& options,
                                           const std::vector<RedcapUse>& uses);

}  // namespace consilium
