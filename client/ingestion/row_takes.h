#pragma once

// What is taken out of the rows of one group: patient by patient, row by row.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "client/ingestion/cells.h"
#include "client/ingestion/row_groups.h"
#include "client/ingestion/source.h"
#include "client/ingestion/table_reader.h"
#include "common/result.h"

namespace consilium {

/// How texts are written in a table, and the codes that mean "not known" in it.
struct TextFormat {
  NumberFormat number;
  std::vector<DateFormat> dates;

  bool operator==(const TextFormat& other) const {
    return number.decimal == other.number.decimal && number.thousands == other.number.thousands &&
           dates == other.dates;
  }
};
inline TextFormat FormatOf(const Source& source) { return {source.number, source.date_formats}; }

/// A row of a group, wherever it is. Columns are those of the group's own table.
struct GroupRow {
  std::function<std::string_view(std::size_t column)> text;  ///< Trimmed.
  std::function<std::uint64_t(std::size_t column)> place;
};

class RowTakes {
 public:
  /// Where a row is, for messages: "labs.csv:12".
  using Where = std::function<std::string(std::uint64_t place)>;

  /// `columns` are the headers of the rows' table, `rows` says how it is written; `table` is the
  /// source whose table gets the values: its [[column]]s say which of them mean "not known". Fails
  /// where a header is not there.
  static Result<RowTakes> Make(const RowGroup& group,
                               const std::vector<std::string>& columns,
                               const Source& rows,
                               const Source& table,
                               Where where);

  std::size_t patient_column() const { return patient_; }
  /// Every column that is looked at.
  void Want(std::vector<bool>& columns) const;

  /// Nobody has anything yet; the index day of each patient, where there is one.
  void Begin(std::vector<std::optional<std::int64_t>> index_days);
  /// Fails where a day cannot be read.
  Status Add(std::uint32_t patient, const GroupRow& row);
  /// Fails where the text of a row that is meant could be misread in the table's notation.
  Status Finish();

  struct Value {
    std::string_view text;                ///< As the table is written; empty if there is none.
    std::uint64_t place = 0;              ///< 0 if it is from several rows or none.
    std::optional<DataFault> fault = {};  ///< What is wrong with the row that is meant.
    std::string_view unit = {};           ///< That it names.
  };
  /// Of the take with this number in the group. A count of no rows is 0, unless there is no index
  /// day to count from.
  Value Of(std::uint32_t patient, std::size_t take) const;
  /// What the values of this take are converted to; without a unit if they are as in the rows.
  Measure UnitOf(std::size_t take) const;

 private:
  struct Bound {
    RowTake options;
    std::size_t from = kNoField;
    std::vector<std::size_t> unit_fields;
    std::vector<std::size_t> where;
    UnitConverter units;
    MissingCodes missing;
  };

  RowTakes() = default;
  Status AddTo(Bound& take, std::uint32_t patient, const GroupRow& row, TakenValue& value);
  void AddNumber(Bound& take,
                 std::string_view text,
                 std::string_view unit,
                 std::uint64_t place,
                 TakenValue& value);
  Status FinishInOrder(Bound& take, TakenValue& value);
  Result<std::string> InTableNotation(const Bound& take, const TakenValue& value) const;
  bool IsMissing(MissingCodes& codes, std::string_view text) const;
  Result<std::optional<TakenTime>> TimeOf(const GroupRow& row);
  tl::unexpected<Error> FailAt(std::uint64_t place,
                               std::string_view header,
                               std::string_view words,
                               std::string remedy) const;

  RowGroup group_;
  TextFormat rows_;
  TextFormat table_;
  Where where_;
  MissingCodes missing_;
  std::size_t patient_ = 0;
  std::size_t date_ = kNoField;
  std::vector<Bound> takes_;
  std::vector<std::optional<std::int64_t>> index_days_;
  std::vector<TakenValue> values_;  // Those of a patient are together.
};

/// The column of this header; `key` of [[rows]] says which was asked for.
Result<std::size_t> ColumnOfHeader(const std::vector<std::string>& columns,
                                   const std::string& header,
                                   std::string_view key,
                                   std::string_view table);

}  // namespace consilium
