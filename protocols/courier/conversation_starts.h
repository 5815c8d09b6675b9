#pragma once

// When carried conversations begin. A letter of one that began before the reader's newest is
// refused, so that nobody plays it back: each start is later than all before it, and is durable
// before a letter has it. A clock that was set back does not make a side older than it was.

#include "common/result.h"
#include "common/storage.h"
#include "common/time.h"

namespace consilium {

/// The newest start that is kept in the store; long ago where there is none. kCorrupt for a record
/// that is none.
Result<UtcSeconds> LastStart(const RecordStore& store);
/// The record that keeps it, in table "courier".
RecordBatch KeptStart(UtcSeconds start);
/// The start of a conversation that begins now, where the one before began at `last`.
UtcSeconds NextStart(UtcSeconds last, UtcSeconds now);

}  // namespace consilium
