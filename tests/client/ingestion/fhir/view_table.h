#pragma once

// A view's rows as JSON, as the tests of SQL on FHIR write them.

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "client/ingestion/fhir/view_definition.h"
#include "client/ingestion/fhir/view_rows.h"

namespace consilium {

struct ViewTable {
  std::vector<std::string> columns;
  nlohmann::json rows = nlohmann::json::array();
};

inline nlohmann::json JsonOf(const FhirItem& item) {
  if (item.kind == FhirItemKind::kObject) return "(object)";
  const bool plain = item.kind == FhirItemKind::kNumber || item.kind == FhirItemKind::kBoolean;
  return plain ? nlohmann::json::parse(item.text) : nlohmann::json(std::string(item.text));
}

/// `view` and `resources`, a list, are JSON.
inline Result<ViewTable> TableOf(const std::string& view, const nlohmann::json& resources) {
  TRY(const ViewDefinition definition, ViewDefinition::Parse(view, "view"));
  ViewTable table;
  table.columns = definition.columns();
  ViewRows rows(definition);
  for (const nlohmann::json& resource : resources) {
    JsonDocument document;
    TRY_STATUS(document.ParseCopy(resource.dump()));
    const auto add = [&](const ViewRow& row) -> Status {
      nlohmann::json json;
      for (std::size_t i = 0; i < table.columns.size(); ++i) {
        nlohmann::json& cell = json[table.columns[i]];
        if (definition.IsCollection(i)) cell = nlohmann::json::array();
        for (const FhirItem& item : row[i]) {
          if (definition.IsCollection(i)) {
            cell.push_back(JsonOf(item));
          } else {
            cell = JsonOf(item);
          }
        }
      }
      table.rows.push_back(json);
      return {};
    };
    TRY_STATUS(rows.Evaluate(document.root(), add));
  }
  return table;
}

}  // namespace consilium
