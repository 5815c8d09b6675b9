#pragma once

// Rows of texts that are kept in memory, of some columns of a table.

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "client/ingestion/table_reader.h"

namespace consilium {

class HeldRows {
 public:
  /// Which columns are kept.
  explicit HeldRows(const std::vector<bool>& columns);
  void Add(const TableRow& row);
  std::size_t size() const { return places_.size(); }
  /// Without spaces at both ends; empty of a column that is not kept. Good until the next Add().
  std::string_view Text(std::size_t row, std::size_t column) const;
  std::uint64_t PlaceOf(std::size_t row, std::size_t column) const;
  /// What the row's reader knew to be wrong with a field; good until the next Add().
  std::optional<FieldFault> FaultOf(std::size_t row, std::size_t column) const;

 private:
  std::vector<std::size_t> slots_;  // Of each column among those that are kept.
  std::size_t kept_ = 0;
  std::string text_;
  std::vector<std::uint64_t> ends_;
  std::vector<std::uint64_t> places_;
  std::vector<std::uint64_t> cell_places_;  // Of rows that go over several lines.
  struct HeldFault {
    DataFault fault{};
    std::string unit;
  };
  std::map<std::pair<std::size_t, std::size_t>, HeldFault> faults_;  // By row and column.
};

}  // namespace consilium
