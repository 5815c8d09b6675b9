#pragma once

// The rows that a view makes of one resource.

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "client/ingestion/fhir/fhirpath_evaluator.h"
#include "client/ingestion/fhir/view_definition.h"
#include "common/result.h"

namespace consilium {

inline constexpr std::size_t kMostRowsOfResource = 10'000;

/// One row: a column's values are items[begin] to items[end - 1]. A column that is no collection
/// has at most one.
class ViewRow {
 public:
  struct Cell {
    std::uint32_t begin = 0;
    std::uint32_t end = 0;
  };
  ViewRow(std::span<const Cell> cells, const FhirItems& items) : cells_(cells), items_(items) {}

  std::span<const FhirItem> operator[](std::size_t column) const {
    const Cell cell = cells_[column];
    return std::span(items_).subspan(cell.begin, cell.end - cell.begin);
  }

 private:
  std::span<const Cell> cells_;
  const FhirItems& items_;
};

class ViewRows {
 public:
  using Sink = std::function<Status(const ViewRow&)>;

  /// The view must outlive it.
  explicit ViewRows(const ViewDefinition& view);

  /// Columns that are not wanted come out empty.
  void Want(std::vector<bool> columns) { wanted_ = std::move(columns); }

  /// Calls `sink` for each row, in order; for a resource of another type, or one that `where`
  /// leaves out, never. Texts in a row are good until the next call, everything else only during
  /// the sink's. Errors are kDataQuality and name the view's element and never a value.
  Status Evaluate(const JsonNode& resource, const Sink& sink);

 private:
  struct Task;
  Status Continue(const Task* task);
  Status OpenSelect(const Task& task);
  Status FillColumns(const ViewSelect& select,
                     const FhirItem* focus,
                     std::size_t row_index,
                     const Task* next);
  Status ContinueBody(const Task& task);
  Status Repeat(const Task& task, const FhirItem& item, std::size_t depth, std::size_t& row_index);
  tl::unexpected<Error> FailAt(const ViewColumn& column, std::size_t values) const;
  Status CountVisit();

  const ViewDefinition& view_;
  std::vector<bool> wanted_;
  FhirPathEvaluator evaluator_;
  FhirItems items_;
  std::vector<ViewRow::Cell> cells_;
  const Sink* sink_ = nullptr;
  std::size_t visits_ = 0;
  std::size_t rows_ = 0;
};

}  // namespace consilium
