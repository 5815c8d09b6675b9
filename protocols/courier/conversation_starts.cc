#include "protocols/courier/conversation_starts.h"

#include <algorithm>

#include "common/stored_rows.h"

namespace consilium {
namespace {

constexpr const char* kTable = "courier";

}  // namespace

Result<UtcSeconds> LastStart(const RecordStore& store) {
  TRY(const auto rows, LoadRows<UtcSeconds>(store, kTable));
  UtcSeconds last;
  for (const auto& [key, start] : rows) last = std::max(last, start);
  return last;
}

RecordBatch KeptStart(UtcSeconds start) {
  return {PutRecord{kTable, ToBytes("last-start"), Encode(start)}};
}

UtcSeconds NextStart(UtcSeconds last, UtcSeconds now) {
  return std::max(now, UtcSeconds{last.seconds + 1});
}

}  // namespace consilium
