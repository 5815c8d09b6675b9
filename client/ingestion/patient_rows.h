#pragma once

// A table whose patients have values out of several rows: the rows of the source, with what is
// taken out of its own rows or of those of other files and databases beside it.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "client/ingestion/held_rows.h"
#include "client/ingestion/row_takes.h"
#include "client/ingestion/source.h"
#include "client/ingestion/table_reader.h"
#include "common/result.h"

namespace consilium {

/// Reads the whole source, and the rows of all groups, at the first Next(); holds what is needed of
/// the source's rows, and a value for each patient and take. With a group of the source's own rows
/// the table has one row a patient, and a column in which a patient's rows differ is an error.
class PatientRows : public TableReader {
 public:
  static Result<std::unique_ptr<PatientRows>> Open(const Source& source,
                                                   std::unique_ptr<TableReader> own);

  const std::vector<std::string>& header() const override { return header_; }
  const std::string& name() const override { return own_->name(); }
  TableFormat format() const override;
  void Want(const std::vector<bool>& columns) override { wanted_ = columns; }
  Measure UnitOf(std::size_t column) const override;
  Result<bool> Next(TableRow& row) override;

 private:
  static constexpr std::uint32_t kNobody = static_cast<std::uint32_t>(-1);

  /// A take of an earlier group.
  struct TakeOfGroup {
    std::size_t group = 0;
    std::size_t take = 0;
  };
  struct Group {
    RowGroup options;
    std::unique_ptr<TableReader> reader;  // Nothing for the source's own rows.
    std::uint64_t file = 0;               // The number of its first file among all.
    std::size_t same_as = 0;              // Column of the source.
    std::optional<std::size_t> index_column;
    std::optional<TakeOfGroup> index_take;
    std::unordered_map<std::string, std::uint32_t> patients;
    std::vector<std::uint32_t> patient_of_row;  // Of the source's rows.
    std::optional<RowTakes> takes;
  };

  PatientRows(const Source& source, std::unique_ptr<TableReader> own)
      : source_(source),
        own_(std::move(own)),
        missing_(NumericCodesOf(source.missing, source.number)),
        patient_missing_(CodesOf(source.missing)) {}
  Status OpenGroups();
  Status OpenGroup(const RowGroup& options);
  Status FindIndex(Group& group) const;
  Status Load();
  Status HoldRows();
  void NumberPatients(Group& group);
  Result<std::vector<std::optional<std::int64_t>>> IndexDays(const Group& group);
  std::string_view IndexText(const Group& group, std::size_t row) const;
  Status TakeOwnRows(Group& group);
  Status TakeOtherRows(Group& group);
  Status OneRowAPatient(const Group& group);
  Status KeepTexts(std::size_t shown, std::size_t row);
  std::uint64_t Placed(const Group* group, std::uint64_t place) const;

  const Source& source_;
  std::unique_ptr<TableReader> own_;
  MissingCodes missing_;
  MissingCodes patient_missing_;  // Of patients texts are compared: 007 is not 7.
  std::vector<Group> groups_;
  std::vector<std::string> header_;
  std::vector<std::string> files_;  // Where there is more than one table.
  std::vector<bool> wanted_;
  std::optional<HeldRows> held_;
  std::vector<std::size_t> shown_;  // The first held row of each row of the table.
  std::vector<std::size_t> texts_;  // The held row that has each cell's text, one beyond.
  std::size_t next_ = 0;
};

}  // namespace consilium
