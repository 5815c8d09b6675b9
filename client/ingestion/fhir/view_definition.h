#pragma once

// A ViewDefinition of SQL on FHIR v2: which rows and columns the resources of one type make.
// https://sql-on-fhir.org

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "client/ingestion/fhir/fhirpath.h"
#include "client/ingestion/fhir/json_document.h"
#include "common/result.h"

namespace consilium {

inline constexpr std::size_t kMostViewColumns = 1000;
inline constexpr std::size_t kMostViewSelects = 200;

struct ViewColumn {
  std::string name;
  FhirPath path;
  bool collection = false;  ///< Several values make one list.
};

enum class ViewIteration : std::uint8_t { kNone, kForEach, kForEachOrNull, kRepeat };

/// Its rows are the combinations of its columns with each row of each of `selects`, and with the
/// rows of `unions` one after the other.
struct ViewSelect {
  ViewIteration iteration = ViewIteration::kNone;
  std::vector<FhirPath> paths;  ///< What is gone through: one path, of kRepeat one or more.
  std::size_t first_column = 0;
  std::vector<ViewColumn> columns;
  std::vector<ViewSelect> selects;
  std::vector<ViewSelect> unions;  ///< All have the same columns.
};

class ViewDefinition {
 public:
  /// Reads a JSON file of at most 4 MiB. Errors are kInvalidArgument and name the file and the
  /// element, as in "view.json: select[0].column[2].path: ...".
  static Result<ViewDefinition> Read(const std::filesystem::path& file);
  static Result<ViewDefinition> Parse(std::string_view json, std::string_view name);
  static Result<ViewDefinition> FromJson(const JsonNode& json, std::string_view name);

  const std::string& name() const { return name_; }  ///< Of the file, for messages.
  const std::string& resource() const { return resource_; }
  const std::vector<std::string>& columns() const { return columns_; }  ///< In order.
  const std::vector<ViewSelect>& selects() const { return selects_; }
  const std::vector<FhirPath>& where() const { return where_; }
  /// Whether the column is a list; such a column has no place in a table of texts.
  bool IsCollection(std::size_t column) const { return collection_[column]; }
  /// The column's type as written; may be empty.
  const std::string& Type(std::size_t column) const { return types_[column]; }

 private:
  class Parser;
  std::string name_;
  std::string resource_;
  std::vector<std::string> columns_;
  std::vector<bool> collection_;
  std::vector<std::string> types_;
  std::vector<ViewSelect> selects_;
  std::vector<FhirPath> where_;
};

}  // namespace consilium
