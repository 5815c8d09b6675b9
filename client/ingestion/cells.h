#pragma once

// From the texts of a row to the contract's value of one column, and what is counted on the way.

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "client/ingestion/source.h"
#include "client/ingestion/source_unit.h"
#include "client/ingestion/table_reader.h"
#include "client/ingestion/values.h"
#include "client/quality/quality_report.h"
#include "common/names.h"
#include "common/result.h"
#include "protocols/contract.h"

namespace consilium {

inline constexpr std::size_t kNoField = std::numeric_limits<std::size_t>::max();

struct MissingCode {
  std::string text;
  std::optional<double> number;  ///< So that -9 also finds "-9.0".
  std::uint64_t rows = 0;        ///< That have it.
};

struct MissingCodes {
  std::vector<MissingCode> codes;
  bool any_number = false;
};

/// Compared as texts alone.
MissingCodes CodesOf(const std::vector<std::string>& texts);
/// Compared as numbers, too. Codes are written as the values beside them; one that is no number in
/// that notation may be one with a point.
MissingCodes NumericCodesOf(const std::vector<std::string>& texts, const NumberFormat& format);
/// nullptr if the text is none of them.
MissingCode* FindCode(MissingCodes& missing, std::string_view text, const NumberFormat& format);

/// The first of these texts of a row that is not empty, without spaces at its ends.
template <class TextOf>
std::string_view FirstText(const std::vector<std::size_t>& fields, const TextOf& text_of) {
  for (const std::size_t field : fields) {
    if (const std::string_view text = Trimmed(text_of(field)); !text.empty()) return text;
  }
  return {};
}

/// One contract column tied to its fields in the data.
struct ColumnBinding {
  const ContractColumn* column = nullptr;
  ColumnMapping mapping;
  std::size_t field = kNoField;
  std::size_t until_field = kNoField;    ///< Of an age or a duration: the day at which it ends.
  std::vector<std::size_t> unit_fields;  ///< The first that has something is the row's unit.
  MissingCodes source_missing;           ///< Compared with the text in the data.
  MissingCodes contract_missing;         ///< Compared with what `map` made of it.
  std::uint64_t empty_rows = 0;
  std::vector<DateFormat> date_formats;
  NumberFormat number;
  UnitConverter units;    ///< To the contract's unit; of a duration from days.
  bool converts = false;  ///< `units` changes the numbers in the data.
};

/// "number from 18 to 110 a"
std::string InWords(const ContractColumn& column);

/// Everything but the fields; checks that the mapping fits the contract.
Result<ColumnBinding> BindColumn(const Source& source,
                                 const ColumnMapping& mapping,
                                 const ContractColumn& column);

/// The value of a column in a row, NaN when missing or faulty; counts it in `quality`.
double ReadCell(ColumnBinding& binding, const TableRow& row, ColumnQuality& quality);

/// Rows by missing code, at the end.
void CountCodes(const ColumnBinding& binding, ColumnQuality& quality);

/// Completed years from one day to another: those whose anniversary has been reached. Who was born
/// on 29 February completes a year on 1 March where there is no such day. With `fraction` also the
/// share of the year that has begun, by its own number of days. Negative from a later day.
double YearsBetween(std::int64_t from, std::int64_t to, bool fraction);

}  // namespace consilium
