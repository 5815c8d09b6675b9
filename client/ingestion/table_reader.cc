#include "client/ingestion/table_reader.h"

#include <map>

namespace consilium {

Status CheckHeader(const std::vector<std::string>& names, std::string_view where) {
  std::map<std::string_view, std::size_t> seen;
  const std::string start = std::string(where) + ": ";
  for (std::size_t i = 0; i < names.size(); ++i) {
    const std::string number = std::to_string(i + 1);
    if (names[i].empty()) {
      return Fail(
          ErrorCode::kDataQuality,
          start + "column " + number + " of " + std::to_string(names.size()) + " has no name",
          "Name it, or remove it (R: write.csv(..., row.names = FALSE); Excel: delete "
          "empty columns at the right).");
    }
    const auto [other, is_new] = seen.emplace(names[i], i + 1);
    if (!is_new) {
      return Fail(ErrorCode::kDataQuality,
                  start + "columns " + std::to_string(other->second) + " and " + number +
                      " have the same name \"" + names[i] + "\"",
                  "Rename one of them.");
    }
  }
  return {};
}

}  // namespace consilium
