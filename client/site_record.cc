// What a site's core keeps beside its studies: receipts of both logs, and the patients who take no
// part.

#include <algorithm>
#include <iterator>
#include <utility>

#include "client/site_core.h"
#include "common/stored_rows.h"

namespace consilium {
namespace {

/// In table "receipt", beside the coordinator's: this site's own, which tells of newer records.
constexpr std::string_view kOwnLedger = "own ledger";

}  // namespace

Status SiteCore::RestoreReceipts(const RecordStore& store) {
  TRY(auto receipts, LoadRows<Receipt>(store, "receipt"));
  for (auto& [key, receipt] : receipts) {
    if (key == ToBytes(kOwnLedger)) {
      CompareLedger(receipt);
    } else {
      receipt_ = std::move(receipt);
    }
  }
  return {};
}

/// Only a head that this site has signed tells anything.
void SiteCore::CompareLedger(const Receipt& receipt) {
  if (!VerifyReceipt(receipt, identity_.public_key()) || ledger_.Contains(receipt.head)) return;
  const std::uint64_t own = ledger_.head().records;
  rollback_ = "the coordinator holds a receipt of this site for " +
              std::to_string(receipt.head.records) + " ledger records, and this state.db has " +
              (own < receipt.head.records ? std::to_string(own) : std::string("others")) +
              ": it is an old copy, in which answers and privacy spent are forgotten";
}

Judged<void> SiteCore::OnLedgerHead(const OpenedMessage& message, SiteEffects& effects) {
  const auto receipt = Decode<Receipt>(message.body);
  if (!receipt) return Refuse(RefusalReason::kMalformed);
  if (rollback_) return {};
  CompareLedger(*receipt);
  if (!rollback_) return {};
  effects.emplace_back(Persist{{PutRecord{"receipt", ToBytes(kOwnLedger), Encode(*receipt)}}});
  effects.emplace_back(Note{LogLevel::kError, "state-rolled-back", {{"reason", *rollback_}}});
  return {};
}

Status SiteCore::RestoreExclusions(const RecordStore& store) {
  TRY(const auto excluded, LoadRows<ExcludedRecord>(store, "excluded"));
  for (const auto& [key, since] : excluded) {
    if (key.size() != 8) {
      return Fail(ErrorCode::kCorrupt, "a key of table 'excluded' is no patient's code");
    }
    excluded_.push_back(LoadU64(key));
  }
  excluded_ = Sorted(std::move(excluded_));
  return {};
}

Result<SiteCore::Exclusion> SiteCore::Exclude(const PatientCodes& patients,
                                              const Moment& now,
                                              SiteEffects& effects) {
  // In the newest copy, which is to be restored, they would not be excluded.
  if (rollback_) return Fail(ErrorCode::kRefused, *rollback_, std::string(kRollbackRemedy));
  PatientCodes added;
  std::set_difference(patients.begin(), patients.end(), excluded_.begin(), excluded_.end(),
                      std::back_inserter(added));
  if (excluded_.size() + added.size() > kMaxPatientCodes) {
    return Fail(ErrorCode::kInvalidArgument, "the list of excluded patients would have more than " +
                                                 std::to_string(kMaxPatientCodes) + " entries");
  }
  if (!added.empty()) {
    RecordBatch changes;
    for (const std::uint64_t code : added) {
      Bytes key(8);
      StoreU64(key, code);
      changes.push_back(PutRecord{"excluded", std::move(key), Encode(ExcludedRecord{now.utc})});
    }
    excluded_.insert(excluded_.end(), added.begin(), added.end());
    excluded_ = Sorted(std::move(excluded_));
    changes.push_back(ledger_.Append(now.utc, "excluded",
                                     R"({"patients":)" + std::to_string(added.size()) +
                                         R"(,"in_all":)" + std::to_string(excluded_.size()) + "}",
                                     identity_));
    effects.emplace_back(Persist{std::move(changes)});
    // Before the welcome the coordinator's head has not come yet, and the welcome says ours.
    if (welcomed_) SayLedgerHead({settings_.federation, {}, {}, {}}, ledger_, identity_, effects);
  }
  return Exclusion{added.size(), excluded_.size(), ledger_.head()};
}

}  // namespace consilium
