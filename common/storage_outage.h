#pragma once

// A time in which a service's state cannot be written, as on a full disk: nothing is decided until
// it can, and the service tries by itself.

#include <optional>

#include "common/result.h"
#include "common/storage.h"
#include "common/time.h"

namespace consilium {

class StorageOutage {
 public:
  bool lasts() const { return why_.has_value(); }
  /// What could not be written; only while it lasts.
  const Error& why() const { return *why_; }
  void Begin(const Error& why, Instant now);

  /// Until the next try; only while it lasts.
  Duration Wait(Instant now) const { return next_try_ - now; }
  /// Tries when its time has come, by a record of table "probe". True once it has written: the
  /// outage is over. kIo where the store must be opened anew: after a failed fsync nobody knows
  /// what is on the disk.
  Result<bool> TryToEnd(RecordStore& store, const Moment& now);

 private:
  std::optional<Error> why_;
  Instant next_try_;
};

}  // namespace consilium
