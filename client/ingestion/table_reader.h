#pragma once

// A table of texts, read row by row: what delimited text, a database or a folder of resources are
// to the rest of the program. Everything is text, so that one strict conversion (values.h), and one
// report of what is wrong, serve every kind of source.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.h"
#include "protocols/units/conversion.h"

namespace consilium {

enum class DataFault;  // client/quality/quality_report.h

/// A field that its reader knows to be faulty, whatever its text says.
struct FieldFault {
  std::size_t field = 0;
  DataFault fault{};
  std::string_view unit;  ///< Of kUnknownUnit: what the row names, if anything.
};

/// One row, to be handed to one reader's Next() again and again. The reader fills it without
/// allocating: its fields are views into the reader's own memory, good until the next call.
struct TableRow {
  std::vector<std::string_view> fields;  ///< UTF-8, one for each header; a missing value is empty.
  std::uint64_t place = 0;               ///< The line or record at which the row starts, from 1.
  /// Each field's own place, in a row that goes over several lines; otherwise empty.
  std::vector<std::uint64_t> field_places;
  bool blank = false;              ///< No column, wanted or not, has anything but spaces and tabs.
  std::vector<FieldFault> faults;  ///< Of readers that convert; the others leave it as it is.

  std::uint64_t PlaceOf(std::size_t field) const {
    return field_places.empty() ? place : field_places[field];
  }
  /// nullptr if its reader knows of none.
  const FieldFault* FaultOf(std::size_t field) const {
    for (const FieldFault& fault : faults) {
      if (fault.field == field) return &fault;
    }
    return nullptr;
  }
};

/// How the data were read, for the report.
struct TableFormat {
  std::string place_unit = "line";               ///< What a place counts: "line" or "record".
  std::optional<char> delimiter = std::nullopt;  ///< Of delimited text.
  bool delimiter_detected = false;               ///< The reader found it itself.
  std::string encoding = {};                     ///< Of text files.
  std::vector<std::string> files = {};  ///< Where there are several: a place is PlaceInFile().
};

class TableReader {
 public:
  TableReader() = default;
  TableReader(const TableReader&) = delete;
  TableReader& operator=(const TableReader&) = delete;
  virtual ~TableReader() = default;

  /// The columns' names: trimmed, distinct and not empty.
  virtual const std::vector<std::string>& header() const = 0;
  /// What messages call the data: the file's path, or the database without any secret.
  virtual const std::string& name() const = 0;
  virtual TableFormat format() const = 0;

  /// Says which columns will be looked at, one entry for each header, before the first Next(). The
  /// fields of the others may come out empty: a reader need not decode them. Without a call all
  /// columns are wanted.
  virtual void Want(const std::vector<bool>& columns) = 0;
  /// Reads the next row; false at the end. Errors name the data and the place, and never hold a
  /// field's content.
  virtual Result<bool> Next(TableRow& row) = 0;
  /// What the values of a column are converted to before they are handed out, and of what; without
  /// a unit if they are as in the data.
  virtual Measure UnitOf(std::size_t /*column*/) const { return {}; }
  /// How much has been read, from 0 to 1, where that is known.
  virtual std::optional<double> Progress() const { return std::nullopt; }
};

/// Fails where a name of a column is empty or there twice: `where` stands before the message.
Status CheckHeader(const std::vector<std::string>& names, std::string_view where);

}  // namespace consilium
