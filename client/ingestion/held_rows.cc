#include "client/ingestion/held_rows.h"

#include <limits>

#include "common/names.h"

namespace consilium {
namespace {

constexpr std::size_t kNotKept = std::numeric_limits<std::size_t>::max();

}  // namespace

HeldRows::HeldRows(const std::vector<bool>& columns) {
  for (const bool keep : columns) slots_.push_back(keep ? kept_++ : kNotKept);
}

void HeldRows::Add(const TableRow& row) {
  for (std::size_t column = 0; column < slots_.size(); ++column) {
    if (slots_[column] == kNotKept) continue;
    ends_.push_back((text_ += Trimmed(row.fields[column])).size());
    if (!row.field_places.empty()) cell_places_.push_back(row.field_places[column]);
  }
  for (const FieldFault& fault : row.faults) {
    faults_.emplace(std::pair(places_.size(), fault.field),
                    HeldFault{fault.fault, std::string(fault.unit)});
  }
  places_.push_back(row.place);
}

std::string_view HeldRows::Text(std::size_t row, std::size_t column) const {
  if (slots_[column] == kNotKept) return {};
  const std::size_t cell = row * kept_ + slots_[column];
  const std::uint64_t begin = cell == 0 ? 0 : ends_[cell - 1];
  return std::string_view(text_).substr(begin, ends_[cell] - begin);
}

std::uint64_t HeldRows::PlaceOf(std::size_t row, std::size_t column) const {
  // A reader tells places of fields always or never.
  if (slots_[column] == kNotKept || cell_places_.size() != ends_.size()) return places_[row];
  return cell_places_[row * kept_ + slots_[column]];
}

std::optional<FieldFault> HeldRows::FaultOf(std::size_t row, std::size_t column) const {
  const auto found = faults_.find({row, column});
  if (found == faults_.end()) return std::nullopt;
  return FieldFault{column, found->second.fault, found->second.unit};
}

}  // namespace consilium
