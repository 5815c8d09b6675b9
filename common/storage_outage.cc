#include "common/storage_outage.h"

#include "common/wire.h"

namespace consilium {
namespace {

constexpr Duration kBetweenTries{2'000};

}  // namespace

void StorageOutage::Begin(const Error& why, Instant now) {
  why_ = why;
  next_try_ = now + kBetweenTries;
}

Result<bool> StorageOutage::TryToEnd(RecordStore& store, const Moment& now) {
  if (now.monotonic < next_try_) return false;
  next_try_ = now.monotonic + kBetweenTries;
  const Status stored = store.Apply({PutRecord{"probe", ToBytes("written"), Encode(now.utc)}});
  if (stored) {
    why_.reset();
    return true;
  }
  if (stored.error().code == ErrorCode::kIo) return tl::make_unexpected(stored.error());
  return false;
}

}  // namespace consilium
