#pragma once

// What a ledger's records say of approvals, verified by the people's own signatures: who holds the
// site's key can write records, but cannot sign for another person.

#include <cstdint>
#include <vector>

#include "common/ids.h"
#include "common/result.h"
#include "protocols/hash_chain.h"

namespace consilium {

struct LedgerSignatures {
  std::uint64_t approvers = 0;   ///< Registered over the whole ledger.
  std::uint64_t signatures = 0;  ///< Under approvals and renewals.
};

/// Checks each signature of a person in `records`, which are those of the site's ledger from the
/// first on: that it is by the key registered for that name, for this federation, site and study,
/// that each approval which says so has as many of different people, and that each study was
/// approved when it was answered. kCorrupt names the first record that does not hold.
Result<LedgerSignatures> VerifySignatures(const std::vector<ChainRecord>& records,
                                          const FederationId& federation,
                                          const IdentityKey& site);

}  // namespace consilium
