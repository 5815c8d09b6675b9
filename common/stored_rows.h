#pragma once

// A table of records as what they encode.

#include <string>
#include <utility>
#include <vector>

#include "common/storage.h"
#include "common/wire.h"

namespace consilium {

/// Every row of the table with its key, ascending by key. What Load fails with, or the decoder's
/// error with the table's name.
template <class Row>
Result<std::vector<std::pair<Bytes, Row>>> LoadRows(const RecordStore& store,
                                                    const std::string& table) {
  TRY(const std::vector<Record> records, store.Load(table));
  std::vector<std::pair<Bytes, Row>> rows;
  rows.reserve(records.size());
  for (const Record& record : records) {
    auto row = Decode<Row>(record.value);
    if (!row) return FailIn("table '" + table + "'", row.error());
    rows.emplace_back(record.key, std::move(*row));
  }
  return rows;
}

}  // namespace consilium
