#include "client/ingestion/patient_rows.h"

#include <algorithm>
#include <filesystem>
#include <utility>

#include "client/quality/places.h"
#include "common/names.h"

namespace consilium {
namespace {

/// What messages call the files of a reader, the first of which is the table itself if it has none.
std::vector<std::string> FilesOf(const TableReader& reader) {
  const TableFormat format = reader.format();
  if (!format.files.empty()) return format.files;
  if (format.place_unit != "line") return {reader.name()};
  return {std::filesystem::path(reader.name()).filename().string()};
}

/// "labs.csv:12", "warehouse, record 12".
std::string WhereIn(const TableReader& reader, std::uint64_t place) {
  const TableFormat format = reader.format();
  if (!format.files.empty()) {
    return format.files[FileOfPlace(place)] + ":" + std::to_string(LineOfPlace(place));
  }
  if (format.place_unit == "line") return reader.name() + ":" + std::to_string(place);
  return reader.name() + ", " + format.place_unit + " " + std::to_string(place);
}

}  // namespace

Result<std::unique_ptr<PatientRows>> PatientRows::Open(const Source& source,
                                                       std::unique_ptr<TableReader> own) {
  std::unique_ptr<PatientRows> table(new PatientRows(source, std::move(own)));
  TRY_STATUS(table->OpenGroups());
  return table;
}

Status PatientRows::OpenGroups() {
  header_ = own_->header();
  std::uint64_t files = FilesOf(*own_).size();
  files_ = FilesOf(*own_);
  bool several = false;
  for (const RowGroup& options : source_.rows) {
    TRY_STATUS(OpenGroup(options));
    Group& group = groups_.back();
    group.file = files;
    if (group.reader) {
      several = true;
      for (const std::string& file : FilesOf(*group.reader)) files_.push_back(file);
      files = files_.size();
    }
    for (const RowTake& take : options.takes) header_.push_back(take.name);
  }
  if (!several) files_.clear();
  std::string own_patient;
  for (const Group& group : groups_) {
    if (!group.reader) own_patient = group.options.patient;
  }
  for (const Group& group : groups_) {
    if (own_patient.empty() || group.options.same_as == own_patient) continue;
    return Fail(ErrorCode::kInvalidArgument,
                source_.name + ": [[rows]] has patients by \"" + group.options.same_as +
                    "\", and the source's own rows have them by \"" + own_patient + "\"",
                "Set same_as = \"" + own_patient + "\".");
  }
  return CheckHeader(header_, own_->name() + " with the values of [[rows]]");
}

Status PatientRows::OpenGroup(const RowGroup& options) {
  Group group;
  group.options = options;
  const Source& rows = options.source ? *options.source : source_;
  if (options.source) {
    TRY(group.reader, OpenTable(rows));
  }
  const TableReader* reader = group.reader ? group.reader.get() : own_.get();
  TRY(group.takes,
      RowTakes::Make(options, reader->header(), rows, source_,
                     [reader](std::uint64_t place) { return WhereIn(*reader, place); }));
  TRY(group.same_as, ColumnOfHeader(own_->header(), options.same_as,
                                    options.source ? "same_as" : "patient", own_->name()));
  TRY_STATUS(FindIndex(group));
  groups_.push_back(std::move(group));
  return {};
}

Status PatientRows::FindIndex(Group& group) const {
  const std::string& name = group.options.index;
  if (name.empty()) return {};
  for (std::size_t earlier = 0; earlier < groups_.size(); ++earlier) {
    const std::vector<RowTake>& takes = groups_[earlier].options.takes;
    for (std::size_t take = 0; take < takes.size(); ++take) {
      if (takes[take].name != name) continue;
      group.index_take = TakeOfGroup{earlier, take};
      return {};
    }
  }
  TRY(group.index_column, ColumnOfHeader(own_->header(), name, "index", own_->name()));
  return {};
}

TableFormat PatientRows::format() const {
  TableFormat format = own_->format();
  if (files_.empty()) return format;
  format.place_unit = "line";
  format.files = files_;
  return format;
}

Measure PatientRows::UnitOf(std::size_t column) const {
  std::size_t first = own_->header().size();
  if (column < first) return own_->UnitOf(column);
  for (const Group& group : groups_) {
    const std::size_t takes = group.options.takes.size();
    if (column < first + takes) return group.takes->UnitOf(column - first);
    first += takes;
  }
  return {};
}

/// Among the places of all files.
std::uint64_t PatientRows::Placed(const Group* group, std::uint64_t place) const {
  if (files_.empty()) return place;
  const std::uint64_t first = group == nullptr || !group->reader ? 0 : group->file;
  return PlaceInFile(first + FileOfPlace(place), LineOfPlace(place));
}

Status PatientRows::HoldRows() {
  const std::size_t width = own_->header().size();
  std::vector<bool> columns = wanted_;
  columns.resize(width, wanted_.empty());
  for (const Group& group : groups_) {
    columns[group.same_as] = true;
    if (group.index_column) columns[*group.index_column] = true;
    if (!group.reader) group.takes->Want(columns);
  }
  own_->Want(columns);
  held_.emplace(columns);
  TableRow row;
  for (;;) {
    TRY(const bool any, own_->Next(row));
    if (!any) return {};
    if (!row.blank) held_->Add(row);
  }
}

void PatientRows::NumberPatients(Group& group) {
  group.patient_of_row.reserve(held_->size());
  for (std::size_t row = 0; row < held_->size(); ++row) {
    const std::string_view patient = held_->Text(row, group.same_as);
    if (patient.empty() || FindCode(patient_missing_, patient, source_.number) != nullptr) {
      group.patient_of_row.push_back(kNobody);
      continue;
    }
    const auto next = static_cast<std::uint32_t>(group.patients.size());
    group.patient_of_row.push_back(
        group.patients.try_emplace(std::string(patient), next).first->second);
  }
}

std::string_view PatientRows::IndexText(const Group& group, std::size_t row) const {
  if (group.index_column) return held_->Text(row, *group.index_column);
  const Group& earlier = groups_[group.index_take->group];
  const std::uint32_t patient = earlier.patient_of_row[row];
  if (patient == kNobody) return {};
  return earlier.takes->Of(patient, group.index_take->take).text;
}

Result<std::vector<std::optional<std::int64_t>>> PatientRows::IndexDays(const Group& group) {
  std::vector<std::optional<std::int64_t>> days(group.patients.size());
  if (group.options.index.empty()) return days;
  for (std::size_t row = 0; row < held_->size(); ++row) {
    const std::uint32_t patient = group.patient_of_row[row];
    if (patient == kNobody) continue;
    const std::string_view text = IndexText(group, row);
    if (text.empty() || FindCode(missing_, text, source_.number) != nullptr) continue;
    const auto time = ParseDayTime(text, source_.date_formats);
    const std::size_t column = group.index_column.value_or(group.same_as);
    const std::string at =
        WhereIn(*own_, held_->PlaceOf(row, column)) + ": \"" + group.options.index + "\" ";
    if (!time) {
      return Fail(ErrorCode::kDataQuality, at + "is not a date in the declared format",
                  "Set `date_format` in the source file, for instance \"DD.MM.YYYY\".");
    }
    if (days[patient] && *days[patient] != time->day) {
      return Fail(ErrorCode::kDataQuality,
                  at + "is another day than in an earlier row of the same patient",
                  "A window is counted from one day. Correct the data, or let an earlier [[rows]] "
                  "take the first or last of them.");
    }
    days[patient] = time->day;
  }
  return days;
}

Status PatientRows::TakeOwnRows(Group& group) {
  std::size_t row = 0;
  const GroupRow of_group{[&](std::size_t column) { return held_->Text(row, column); },
                          [&](std::size_t column) { return held_->PlaceOf(row, column); }};
  for (; row < held_->size(); ++row) {
    if (group.patient_of_row[row] == kNobody) continue;
    TRY_STATUS(group.takes->Add(group.patient_of_row[row], of_group));
  }
  return {};
}

Status PatientRows::TakeOtherRows(Group& group) {
  std::vector<bool> columns(group.reader->header().size(), false);
  group.takes->Want(columns);
  group.reader->Want(columns);
  TableRow row;
  const GroupRow of_group{[&](std::size_t column) { return Trimmed(row.fields[column]); },
                          [&](std::size_t column) { return row.PlaceOf(column); }};
  std::string key;
  for (;;) {
    TRY(const bool any, group.reader->Next(row));
    if (!any) return {};
    if (row.blank) continue;
    key.assign(of_group.text(group.takes->patient_column()));
    const auto patient = group.patients.find(key);
    // Rows of people who are not in the source are of no concern here.
    if (patient == group.patients.end()) continue;
    TRY_STATUS(group.takes->Add(patient->second, of_group));
  }
}

/// Notes which held row has the text of each wanted cell.
Status PatientRows::KeepTexts(std::size_t shown, std::size_t row) {
  const std::size_t width = own_->header().size();
  texts_.resize(shown_.size() * width, 0);
  for (std::size_t column = 0; column < width; ++column) {
    if (!wanted_.empty() && !wanted_[column]) continue;
    const std::string_view text = held_->Text(row, column);
    if (text.empty()) continue;
    std::size_t& kept = texts_[shown * width + column];
    const std::string_view before = kept == 0 ? std::string_view() : held_->Text(kept - 1, column);
    const bool known = FindCode(missing_, text, source_.number) == nullptr;
    if (kept == 0 || FindCode(missing_, before, source_.number) != nullptr) {
      kept = row + 1;
      continue;
    }
    if (!known || before == text) continue;
    return Fail(ErrorCode::kDataQuality,
                WhereIn(*own_, held_->PlaceOf(row, column)) + ": \"" + own_->header()[column] +
                    "\" differs from an earlier row of the same patient",
                "Say with a [[rows.take]] which of a patient's values is meant, and name it in "
                "`from`.");
  }
  return {};
}

Status PatientRows::OneRowAPatient(const Group& group) {
  std::vector<std::size_t> shown_of(group.patients.size(), held_->size());
  for (std::size_t row = 0; row < held_->size(); ++row) {
    const std::uint32_t patient = group.patient_of_row[row];
    std::size_t shown = patient == kNobody ? held_->size() : shown_of[patient];
    if (shown == held_->size()) {
      shown = shown_.size();
      shown_.push_back(row);
      if (patient != kNobody) shown_of[patient] = shown;
    }
    TRY_STATUS(KeepTexts(shown, row));
  }
  return {};
}

Status PatientRows::Load() {
  TRY_STATUS(HoldRows());
  for (Group& group : groups_) {
    NumberPatients(group);
    TRY(std::vector<std::optional<std::int64_t>> days, IndexDays(group));
    group.takes->Begin(std::move(days));
    TRY_STATUS(group.reader ? TakeOtherRows(group) : TakeOwnRows(group));
    TRY_STATUS(group.takes->Finish());
  }
  for (const Group& group : groups_) {
    if (!group.reader) return OneRowAPatient(group);
  }
  for (std::size_t row = 0; row < held_->size(); ++row) shown_.push_back(row);
  return {};
}

Result<bool> PatientRows::Next(TableRow& row) {
  if (!held_) TRY_STATUS(Load());
  if (next_ == shown_.size()) return false;
  const std::size_t first = shown_[next_];
  const std::size_t width = own_->header().size();
  row.fields.resize(header_.size());
  row.field_places.resize(header_.size());
  row.faults.clear();
  row.blank = false;
  row.place = Placed(nullptr, held_->PlaceOf(first, 0));
  for (std::size_t column = 0; column < width; ++column) {
    const std::size_t kept = texts_.empty() ? first + 1 : texts_[next_ * width + column];
    const std::size_t from = kept == 0 ? first : kept - 1;
    row.fields[column] = kept == 0 ? std::string_view() : held_->Text(from, column);
    row.field_places[column] = Placed(nullptr, held_->PlaceOf(from, column));
    if (const auto fault = held_->FaultOf(from, column)) row.faults.push_back(*fault);
  }
  std::size_t column = width;
  for (const Group& group : groups_) {
    const std::uint32_t patient = group.patient_of_row[first];
    for (std::size_t take = 0; take < group.options.takes.size(); ++take, ++column) {
      const RowTakes::Value value =
          patient == kNobody ? RowTakes::Value{} : group.takes->Of(patient, take);
      row.fields[column] = value.text;
      row.field_places[column] = value.place == 0 ? row.place : Placed(&group, value.place);
      if (value.fault) row.faults.push_back({column, *value.fault, value.unit});
    }
  }
  ++next_;
  return true;
}

}  // namespace consilium
