#pragma once

// An export of a REDCap project, raw data as CSV, read with the project's data dictionary: choices
// as labels or codes, one row a record.

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "client/ingestion/csv.h"
#include "client/ingestion/redcap/redcap_dictionary.h"
#include "client/ingestion/table_reader.h"
#include "common/settings.h"

namespace consilium {

enum class RedcapInstance : std::uint8_t { kFirst, kLast };

struct RedcapOptions {
  std::filesystem::path dictionary = {};
  CsvOptions csv = {};
  bool labels = true;                        ///< A choice is its label.
  std::vector<std::string> exceptions = {};  ///< Fields for which it is the other way round.
  std::vector<std::string> days = {};        ///< Fields of which the time of day is left out.
  std::vector<std::string> events = {};  ///< Unique names; the first one's fields keep their names.
  /// By the name of a form that repeats, or of an event: which of its rows counts.
  std::map<std::string, RedcapInstance, std::less<>> repeating = {};

  /// Whether a choice of this field is its label.
  bool LabelsOf(std::string_view field) const;
};

Result<RedcapOptions> ParseRedcapOptions(const Settings& settings,
                                         const std::filesystem::path& folder);

/// Fields are as the dictionary says; those of further events are called "FIELD@EVENT". Where
/// events or forms repeat, the rows of a record, which follow one another, become one.
class RedcapTable final : public TableReader {
 public:
  static Result<std::unique_ptr<RedcapTable>> Open(const std::filesystem::path& file,
                                                   const RedcapOptions& options);

  const std::vector<std::string>& header() const override { return header_; }
  const std::string& name() const override { return csv_->name(); }
  TableFormat format() const override { return csv_->format(); }
  void Want(const std::vector<bool>& columns) override { wanted_ = columns; }
  Result<bool> Next(TableRow& row) override;
  std::optional<double> Progress() const override { return csv_->Progress(); }

 private:
  /// A column of the export.
  struct Column {
    RedcapColumn what;
    bool described = false;
    bool labelled = false;
    bool day_only = false;
    /// Of a checkbox: the columns of its missing-data codes.
    std::vector<std::size_t> missing_codes;
  };
  /// What a record has for a column of the table.
  struct Slot {
    std::string text;
    std::uint64_t place = 0;
    std::int64_t instance = 0;  ///< 0: nothing yet.
  };
  struct Record {
    std::string id;
    bool any = false;  ///< A row of one of the events.
    std::uint64_t place = 0;
    std::vector<Slot> slots;
    std::vector<bool> seen;  ///< An event's row that does not repeat.
  };
  /// Where one row of the export belongs.
  struct RowPlace {
    std::size_t event = 0;
    std::string form;           ///< Only this form's fields; empty: all.
    std::int64_t instance = 0;  ///< 0: the row does not repeat.
    RedcapInstance rule = RedcapInstance::kFirst;
  };

  RedcapTable(std::unique_ptr<CsvReader> csv, RedcapDictionary dictionary, RedcapOptions options);
  Status Start();
  Status DescribeColumns();
  Status FindMarked(const std::vector<std::string>& names,
                    std::string_view key,
                    bool (*fits)(const RedcapField&),
                    std::string_view words) const;
  Status CheckEvents();
  std::optional<std::size_t> Find(std::string_view header) const;
  Status StartRows();

  Result<std::string> TextOf(std::size_t column) const;
  Result<bool> NextPlain(TableRow& row);
  Result<bool> NextRecord(TableRow& row);
  Status Take();
  Result<std::optional<RowPlace>> PlaceOfRow() const;
  Status TakeInto(const RowPlace& place);
  bool IsFormWanted(std::size_t event, std::string_view form) const;
  std::string_view Cell(const std::optional<std::size_t>& column) const;
  void Present(TableRow& row);
  std::string At() const;

  std::unique_ptr<CsvReader> csv_;
  RedcapDictionary dictionary_;
  RedcapOptions options_;
  std::vector<Column> columns_;
  std::vector<std::string> header_;
  std::vector<bool> wanted_;  // Of the header, which has the columns once for each event.
  std::size_t record_ = 0;    // Columns of the export.
  std::optional<std::size_t> event_;
  std::optional<std::size_t> form_;
  std::optional<std::size_t> instance_;
  bool started_ = false;
  bool ended_ = false;
  TableRow csv_row_;
  Record current_;
  Record given_;  // What the last row's fields point to.
  std::vector<std::string> texts_;
};

}  // namespace consilium
