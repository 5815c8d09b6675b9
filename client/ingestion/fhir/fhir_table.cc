#include "client/ingestion/fhir/fhir_table.h"

#include <algorithm>
#include <utility>

#include "client/quality/places.h"
#include "common/names.h"

namespace consilium {
namespace {

std::uint64_t PlaceOf(const FhirExport& data) {
  return PlaceInFile(data.file_number(), data.line());
}

}  // namespace

FhirTable::FhirTable(const FhirOptions& options)
    : name_(options.DataName()), folder_(!options.folder.empty()) {}

Result<std::unique_ptr<FhirTable>> FhirTable::Open(const FhirOptions& options) {
  auto table = std::unique_ptr<FhirTable>(new FhirTable(options));
  TRY(table->files_, FhirDataFiles(options));
  TRY_STATUS(table->ReadViews(options));
  TRY_STATUS(CheckHeader(table->header_, table->name_));
  TRY_STATUS(table->ReadTakes());
  table->rows_.emplace(*table->views_[0]);
  table->export_ = table->OpenExport(0, 1);
  return table;
}

Status FhirTable::ReadViews(const FhirOptions& options) {
  for (const FhirView& settings : options.views) {
    TRY(ViewDefinition view, ViewDefinition::Read(settings.file));
    for (std::size_t i = 0; i < view.columns().size(); ++i) {
      if (!view.IsCollection(i)) continue;
      return Fail(ErrorCode::kInvalidArgument,
                  view.name() + ": column \"" + view.columns()[i] +
                      "\" is a list, which has no place in a table",
                  "Take one value with first(), or make one text of it with join().");
    }
    views_.push_back(std::make_unique<const ViewDefinition>(std::move(view)));
    const ViewDefinition& kept = *views_.back();
    if (views_.size() == 1) {
      header_ = kept.columns();
      if (!settings.patient.empty()) {
        TRY(patient_, ColumnOf(kept, settings.patient, "patient"));
      }
      continue;
    }
    TRY(FhirTakes takes, FhirTakes::Make(settings, kept));
    for (std::size_t i = 0; i < takes.size(); ++i) {
      header_.emplace_back(Trimmed(takes.name(i)));
    }
    takes_.push_back(std::move(takes));
  }
  return {};
}

FhirExport FhirTable::OpenExport(std::size_t first, std::size_t last) const {
  std::set<std::string, std::less<>> types;
  for (std::size_t i = first; i < last; ++i) types.insert(views_[i]->resource());
  return FhirExport(files_, folder_ ? FhirFileChoice::kFolder : FhirFileChoice::kNamed,
                    std::move(types));
}

Status FhirTable::CheckSeen(const FhirExport& data, std::size_t view) const {
  if (data.seen().contains(views_[view]->resource())) return {};
  return Fail(ErrorCode::kDataQuality,
              name_ + " has no resource of type " + views_[view]->resource() + ", of which " +
                  views_[view]->name() + " makes rows",
              "Add the file that holds them.");
}

Status FhirTable::ReadTakes() {
  if (takes_.empty()) return {};
  std::vector<ViewRows> rows;
  rows.reserve(takes_.size());
  for (std::size_t i = 0; i < takes_.size(); ++i) rows.emplace_back(*views_[i + 1]);
  FhirExport data = OpenExport(1, views_.size());
  for (;;) {
    TRY(const bool any, data.Next());
    if (!any) break;
    for (std::size_t i = 0; i < takes_.size(); ++i) {
      if (views_[i + 1]->resource() != data.type()) continue;
      const auto add = [&](const ViewRow& row) { return takes_[i].Add(row, PlaceOf(data)); };
      if (auto status = rows[i].Evaluate(data.resource(), add); !status) {
        return FailIn(data.Place(), std::move(status).error());
      }
    }
  }
  for (std::size_t i = 0; i < takes_.size(); ++i) {
    TRY_STATUS(CheckSeen(data, i + 1));
    takes_[i].Finish();
  }
  return {};
}

TableFormat FhirTable::format() const {
  TableFormat format;
  for (const std::filesystem::path& file : files_) {
    format.files.push_back(folder_ ? file.filename().string() : file.string());
  }
  return format;
}

void FhirTable::Want(const std::vector<bool>& columns) {
  std::vector<bool> wanted(
      columns.begin(), columns.begin() + static_cast<std::ptrdiff_t>(views_[0]->columns().size()));
  if (patient_) wanted[*patient_] = true;
  rows_->Want(std::move(wanted));
}

Measure FhirTable::UnitOf(std::size_t column) const {
  std::size_t first = views_[0]->columns().size();
  for (const FhirTakes& takes : takes_) {
    if (column >= first && column < first + takes.size()) return takes.UnitOf(column - first);
    first += takes.size();
  }
  return {};
}

// Reads resources until one makes a row.
Status FhirTable::ReadResource() {
  const ViewDefinition& view = *views_[0];
  cells_.clear();
  next_cell_ = 0;
  while (cells_.empty()) {
    TRY(const bool any, export_->Next());
    if (!any) return CheckSeen(*export_, 0);
    const auto add = [&](const ViewRow& row) -> Status {
      for (std::size_t i = 0; i < view.columns().size(); ++i) {
        TRY(const std::string_view text, TextOfCell(view, i, row));
        cells_.push_back(text);
      }
      return {};
    };
    if (auto status = rows_->Evaluate(export_->resource(), add); !status) {
      return FailIn(export_->Place(), std::move(status).error());
    }
  }
  return {};
}

Result<bool> FhirTable::Next(TableRow& row) {
  if (next_cell_ == cells_.size()) {
    TRY_STATUS(ReadResource());
    if (cells_.empty()) return false;
  }
  const std::size_t own = views_[0]->columns().size();
  row.fields.assign(cells_.begin() + static_cast<std::ptrdiff_t>(next_cell_),
                    cells_.begin() + static_cast<std::ptrdiff_t>(next_cell_ + own));
  next_cell_ += own;
  row.place = PlaceOf(*export_);
  row.field_places.clear();
  row.blank = false;
  if (!takes_.empty()) AddTaken(row);
  return true;
}

void FhirTable::AddTaken(TableRow& row) const {
  row.faults.clear();
  row.field_places.assign(row.fields.size(), row.place);
  const std::string_view patient = row.fields[*patient_];
  for (const FhirTakes& takes : takes_) {
    for (std::size_t i = 0; i < takes.size(); ++i) {
      const FhirTakes::Value value = takes.Of(patient, i);
      if (value.fault) row.faults.push_back({row.fields.size(), *value.fault, value.unit});
      row.fields.push_back(value.text);
      row.field_places.push_back(value.place == 0 ? row.place : value.place);
    }
  }
}

}  // namespace consilium
