#include "protocols/hash_chain.h"

#include <utility>

#include "common/crypto/hash.h"

namespace consilium {
namespace {

Digest HashOf(const std::string& domain, const ChainRecord& record) {
  return Hasher(domain)
      .Add(record.number)
      .Add(static_cast<std::uint64_t>(record.at.seconds))
      .Add(record.event)
      .Add(record.detail)
      .Add(record.previous)
      .Finish();
}

Status CheckLink(const ChainRecord& record,
                 std::uint64_t expected_number,
                 const Digest& previous,
                 const Digest& hash,
                 const IdentityKey& owner) {
  const std::string where = "record " + std::to_string(expected_number);
  if (record.number != expected_number) {
    return Fail(ErrorCode::kCorrupt, where + " is missing: number " +
                                         std::to_string(record.number) + " stands in its place");
  }
  if (record.previous != previous) {
    return Fail(ErrorCode::kCorrupt, where + " does not continue the one before it");
  }
  if (!Verify(owner, hash.span(), record.signature)) {
    return Fail(ErrorCode::kCorrupt, where + " was altered: its signature does not match");
  }
  return {};
}

Digest ReceiptDigest(const AuditHead& head) {
  return Hasher("consilium/receipt/v1").Add(head.records).Add(head.hash).Finish();
}

}  // namespace

Receipt SignReceipt(const AuditHead& head, const SigningKey& owner) {
  return Receipt{head, owner.Sign(ReceiptDigest(head).span())};
}

bool VerifyReceipt(const Receipt& receipt, const IdentityKey& owner) {
  return Verify(owner, ReceiptDigest(receipt.head).span(), receipt.signature);
}

HashChain::HashChain(std::string table, std::string domain)
    : table_(std::move(table)), domain_(std::move(domain)) {}

Result<std::vector<ChainRecord>> HashChain::ReadAll(const RecordStore& store,
                                                    const std::string& table,
                                                    const std::string& domain,
                                                    const IdentityKey& owner) {
  TRY(const std::vector<Record> rows, store.Load(table));
  std::vector<ChainRecord> records;
  Digest previous;
  for (const Record& row : rows) {
    auto record = Decode<ChainRecord>(row.value);
    if (!record) {
      return Fail(ErrorCode::kCorrupt, "record " + std::to_string(records.size() + 1) +
                                           " of table '" + table +
                                           "' cannot be read: " + record.error().message);
    }
    const Digest hash = HashOf(domain, *record);
    if (Status link = CheckLink(*record, records.size() + 1, previous, hash, owner); !link) {
      return FailIn("table '" + table + "'", link.error());
    }
    previous = hash;
    records.push_back(std::move(*record));
  }
  return records;
}

Status HashChain::Restore(const RecordStore& store, const IdentityKey& owner) {
  TRY(const std::vector<ChainRecord> records, ReadAll(store, table_, domain_, owner));
  hashes_.clear();
  for (const ChainRecord& record : records) hashes_.push_back(HashOf(domain_, record));
  return {};
}

RecordChange HashChain::Append(UtcSeconds at,
                               std::string event,
                               std::string detail,
                               const SigningKey& owner) {
  ChainRecord record;
  record.number = hashes_.size() + 1;
  record.at = at;
  record.event = std::move(event);
  record.detail = std::move(detail);
  if (!hashes_.empty()) record.previous = hashes_.back();
  const Digest hash = HashOf(domain_, record);
  record.signature = owner.Sign(hash.span());
  hashes_.push_back(hash);
  const ByteArray<8> key = SortableKey(record.number);
  return PutRecord{table_, ToBytes(ByteSpan(key)), Encode(record)};
}

AuditHead HashChain::head() const {
  return AuditHead{hashes_.size(), hashes_.empty() ? Digest{} : hashes_.back()};
}

bool HashChain::Contains(const AuditHead& head) const {
  if (head.records == 0) return true;
  return head.records <= hashes_.size() && hashes_[head.records - 1] == head.hash;
}

}  // namespace consilium
