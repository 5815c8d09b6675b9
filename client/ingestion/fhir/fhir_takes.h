#pragma once

// One value a patient out of the rows of a view.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "client/ingestion/fhir/fhir_source.h"
#include "client/ingestion/fhir/view_definition.h"
#include "client/ingestion/fhir/view_rows.h"
#include "client/ingestion/taken_value.h"
#include "common/result.h"

namespace consilium {

class FhirTakes {
 public:
  struct Value {
    std::string_view text;    ///< Empty if the patient has none.
    std::uint64_t place = 0;  ///< Of the row it is from; 0 if it is from several or none.
    std::optional<DataFault> fault = {};  ///< What is wrong with that row.
    std::string_view unit = {};           ///< That it names.
  };

  /// The view must outlive it. Fails when it has no such columns.
  static Result<FhirTakes> Make(const FhirView& options, const ViewDefinition& view);

  /// Takes what it needs of a row at `place`. Rows without a patient, without a value or without a
  /// time to be ordered by do not count. Errors name the view's column.
  Status Add(const ViewRow& row, std::uint64_t place);
  /// No more rows will come.
  void Finish();

  std::size_t size() const { return takes_.size(); }
  const std::string& name(std::size_t take) const { return takes_[take].options.name; }
  /// What its values are converted to; without a unit if they are as in the view.
  Measure UnitOf(std::size_t take) const;
  /// After Finish(). A patient without a row has none: "0" of a count, "false" of any.
  Value Of(std::string_view patient, std::size_t take) const;

 private:
  struct Take {
    FhirTake options;
    std::size_t from = 0;
    std::size_t by = 0;
    std::vector<std::size_t> unit_columns;
    UnitConverter units;
  };
  explicit FhirTakes(const ViewDefinition& view) : view_(&view) {}
  Status AddTo(Take& take, TakenValue& value, const ViewRow& row, std::uint64_t place) const;
  Result<TakenTime> TimeOf(const Take& take, std::string_view by) const;
  Status AddNumber(Take& take,
                   TakenValue& value,
                   std::string_view text,
                   std::string_view unit,
                   std::uint64_t place) const;
  Result<std::string_view> UnitOfRow(const Take& take, const ViewRow& row) const;

  const ViewDefinition* view_;
  std::size_t patient_ = 0;
  std::vector<Take> takes_;
  std::unordered_map<std::string, std::size_t> patients_;
  std::vector<TakenValue> states_;  // Those of one patient are together.
  std::string key_;
};

/// A column's text in a row, empty if it has no value. A dateTime in a column of type date is its
/// day. Objects have none: the error names the
/// view's column.
Result<std::string_view> TextOfCell(const ViewDefinition& view,
                                    std::size_t column,
                                    const ViewRow& row);

/// The column of this name; `key` of the source file says which one was asked for.
Result<std::size_t> ColumnOf(const ViewDefinition& view,
                             const std::string& name,
                             std::string_view key);

}  // namespace consilium
