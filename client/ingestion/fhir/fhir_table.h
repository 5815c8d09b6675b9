#pragma once

// FHIR resources as a table: the rows of the first view, with what is taken out of further views.

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "client/ingestion/fhir/fhir_export.h"
#include "client/ingestion/fhir/fhir_source.h"
#include "client/ingestion/fhir/fhir_takes.h"
#include "client/ingestion/fhir/view_definition.h"
#include "client/ingestion/fhir/view_rows.h"
#include "client/ingestion/table_reader.h"
#include "common/result.h"

namespace consilium {

class FhirTable : public TableReader {
 public:
  /// Reads the views, and all rows of those from the second on; the first view's resources are read
  /// row by row. A view of whose resources there are none is an error: its file may be missing.
  static Result<std::unique_ptr<FhirTable>> Open(const FhirOptions& options);

  const std::vector<std::string>& header() const override { return header_; }
  const std::string& name() const override { return name_; }
  TableFormat format() const override;
  void Want(const std::vector<bool>& columns) override;
  Measure UnitOf(std::size_t column) const override;
  Result<bool> Next(TableRow& row) override;
  std::optional<double> Progress() const override { return export_->Progress(); }

 private:
  explicit FhirTable(const FhirOptions& options);
  Status ReadViews(const FhirOptions& options);
  Status ReadTakes();
  Status ReadResource();
  Status CheckSeen(const FhirExport& data, std::size_t view) const;
  FhirExport OpenExport(std::size_t first, std::size_t last) const;
  void AddTaken(TableRow& row) const;

  std::string name_;
  bool folder_ = false;
  std::vector<std::filesystem::path> files_;
  std::vector<std::string> header_;
  // Rows and takes point to their views.
  std::vector<std::unique_ptr<const ViewDefinition>> views_;
  std::vector<FhirTakes> takes_;  // Of the views from the second on.
  std::optional<std::size_t> patient_;
  std::optional<ViewRows> rows_;
  std::optional<FhirExport> export_;
  std::vector<std::string_view> cells_;  // Of the rows of one resource.
  std::size_t next_cell_ = 0;
};

}  // namespace consilium
