#pragma once

// An append-only record of what happened: the coordinator's audit log and a site's ledger. Each
// record carries the hash of the one before and the owner's signature, so that a changed, removed
// or reordered record is found, and the other side's receipt of a head finds a truncated or
// rolled-back log.

#include <string>
#include <vector>

#include "common/crypto/signing.h"
#include "common/storage.h"
#include "common/time.h"
#include "protocols/messages.h"

namespace consilium {

struct ChainRecord {
  std::uint64_t number = 0;  ///< From 1.
  UtcSeconds at;
  std::string event;    ///< "site-admitted"
  std::string detail;   ///< A JSON object in text; no patient value ever.
  Digest previous;      ///< Hash of the record before; zero for the first.
  Signature signature;  ///< The owner's, on the record's hash.

  template <class Archive>
  void serialize(Archive& archive) {
    archive(number, at, AtMost<64>(event), AtMost<16'384>(detail), previous, signature);
  }
};

/// A head as its owner vouches for it: signed over H(consilium/receipt/v1; records, hash).
Receipt SignReceipt(const AuditHead& head, const SigningKey& owner);
/// Whether the owner signed this head.
bool VerifyReceipt(const Receipt& receipt, const IdentityKey& owner);

class HashChain {
 public:
  /// `table` is where the records live: "audit" or "ledger". `domain` separates the signatures.
  HashChain(std::string table, std::string domain);

  /// Reads the stored records and checks every link and signature; kCorrupt names the first bad
  /// one.
  Status Restore(const RecordStore& store, const IdentityKey& owner);

  /// The change that appends a record. The chain's own state moves on at once.
  RecordChange Append(UtcSeconds at,
                      std::string event,
                      std::string detail,
                      const SigningKey& owner);

  AuditHead head() const;
  /// True if this very head was ours at some time: what a receipt is compared with.
  bool Contains(const AuditHead& head) const;

  /// All records in order, verified, for people. kCorrupt names the first bad one.
  static Result<std::vector<ChainRecord>> ReadAll(const RecordStore& store,
                                                  const std::string& table,
                                                  const std::string& domain,
                                                  const IdentityKey& owner);

 private:
  std::string table_;
  std::string domain_;
  std::vector<Digest> hashes_;  ///< 32 bytes a record: what Contains needs.
};

}  // namespace consilium
