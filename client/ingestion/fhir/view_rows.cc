#include "client/ingestion/fhir/view_rows.h"

#include <string>
#include <utility>

#include "client/ingestion/fhir/fhirpath_steps.h"

namespace consilium {
namespace {

constexpr std::size_t kMostVisits = 1'000'000;
constexpr std::size_t kMostRepeatDepth = 2 * kMostJsonDepth;

}  // namespace

// What is still to be done before a row is complete: a list on the stack, shared by all rows that
// go on from here. `part` counts the nested selects of a select whose columns are filled; with
// kOpen the select itself is next.
struct ViewRows::Task {
  static constexpr std::size_t kOpen = static_cast<std::size_t>(-1);
  const ViewSelect* select;
  const FhirItem* focus;
  std::size_t row_index;
  std::size_t part;
  const Task* next;
};

ViewRows::ViewRows(const ViewDefinition& view)
    : view_(view), wanted_(view.columns().size(), true), cells_(view.columns().size()) {}

Status ViewRows::Evaluate(const JsonNode& resource, const Sink& sink) {
  const JsonNode* type = FindMember(resource, "resourceType");
  if (type == nullptr || type->text != view_.resource()) return {};
  evaluator_.Reset();
  const FhirItem root = ItemOf(resource, kNoFhirType);
  for (const FhirPath& path : view_.where()) {
    auto truth = evaluator_.EvaluateCriterion(path, &root);
    if (!truth) return FailIn(view_.name() + ": where", std::move(truth).error());
    if (!truth->value_or(false)) return {};
  }
  sink_ = &sink;
  visits_ = 0;
  rows_ = 0;
  items_.clear();
  // The view itself is a select without an iteration of its own.
  const ViewSelect* first = view_.selects().data();
  std::vector<Task> tasks(view_.selects().size());
  for (std::size_t i = tasks.size(); i-- > 0;) {
    tasks[i] =
        Task{first + i, &root, 0, Task::kOpen, i + 1 < tasks.size() ? &tasks[i + 1] : nullptr};
  }
  return Continue(tasks.data());
}

Status ViewRows::Continue(const Task* task) {
  TRY_STATUS(CountVisit());
  if (task != nullptr) {
    return task->part == Task::kOpen ? OpenSelect(*task) : ContinueBody(*task);
  }
  if (++rows_ > kMostRowsOfResource) {
    return Fail(ErrorCode::kDataQuality, view_.name() + ": one resource makes more than " +
                                             std::to_string(kMostRowsOfResource) + " rows");
  }
  return (*sink_)(ViewRow(cells_, items_));
}

Status ViewRows::CountVisit() {
  if (++visits_ <= kMostVisits) return {};
  return Fail(ErrorCode::kDataQuality, view_.name() +
                                           ": the lists of one resource have more than " +
                                           std::to_string(kMostVisits) + " combinations");
}

Status ViewRows::OpenSelect(const Task& task) {
  const ViewSelect& select = *task.select;
  if (select.iteration == ViewIteration::kNone) {
    return FillColumns(select, task.focus, task.row_index, task.next);
  }
  std::size_t row_index = 0;
  if (select.iteration == ViewIteration::kRepeat) {
    if (task.focus == nullptr) return {};
    return Repeat(task, *task.focus, 0, row_index);
  }
  const std::size_t from = items_.size();
  if (auto status = evaluator_.Evaluate(select.paths[0], task.focus, task.row_index, items_);
      !status) {
    return FailIn(view_.name() + ": forEach", std::move(status).error());
  }
  const std::size_t until = items_.size();
  for (std::size_t i = from; i < until; ++i) {
    const FhirItem item = items_[i];
    TRY_STATUS(FillColumns(select, &item, row_index++, task.next));
  }
  if (from == until && select.iteration == ViewIteration::kForEachOrNull) {
    TRY_STATUS(FillColumns(select, nullptr, 0, task.next));
  }
  items_.resize(from);
  return {};
}

// The items under `item`, each before those under itself.
Status ViewRows::Repeat(const Task& task,
                        const FhirItem& item,
                        std::size_t depth,
                        std::size_t& row_index) {
  if (depth > kMostRepeatDepth) {
    return Fail(ErrorCode::kDataQuality, view_.name() + ": repeat never comes to an end",
                "Its paths must lead to elements further down.");
  }
  for (const FhirPath& path : task.select->paths) {
    const std::size_t from = items_.size();
    if (auto status = evaluator_.Evaluate(path, &item, task.row_index, items_); !status) {
      return FailIn(view_.name() + ": repeat", std::move(status).error());
    }
    const std::size_t until = items_.size();
    for (std::size_t i = from; i < until; ++i) {
      const FhirItem below = items_[i];
      TRY_STATUS(FillColumns(*task.select, &below, row_index++, task.next));
      TRY_STATUS(Repeat(task, below, depth + 1, row_index));
    }
    items_.resize(from);
  }
  return {};
}

Status ViewRows::FillColumns(const ViewSelect& select,
                             const FhirItem* focus,
                             std::size_t row_index,
                             const Task* next) {
  const std::size_t from = items_.size();
  for (std::size_t i = 0; i < select.columns.size(); ++i) {
    const ViewColumn& column = select.columns[i];
    const std::size_t begin = items_.size();
    if (wanted_[select.first_column + i]) {
      if (auto status = evaluator_.Evaluate(column.path, focus, row_index, items_); !status) {
        return FailIn(view_.name() + ": column \"" + column.name + "\"", std::move(status).error());
      }
    }
    if (items_.size() > begin + 1 && !column.collection) {
      return FailAt(column, items_.size() - begin);
    }
    cells_[select.first_column + i] = {static_cast<std::uint32_t>(begin),
                                       static_cast<std::uint32_t>(items_.size())};
  }
  const Task body{&select, focus, row_index, 0, next};
  TRY_STATUS(Continue(&body));
  items_.resize(from);
  return {};
}

Status ViewRows::ContinueBody(const Task& task) {
  const ViewSelect& select = *task.select;
  if (task.part < select.selects.size()) {
    const Task rest{&select, task.focus, task.row_index, task.part + 1, task.next};
    const Task nested{&select.selects[task.part], task.focus, task.row_index, Task::kOpen, &rest};
    return Continue(&nested);
  }
  if (select.unions.empty()) return Continue(task.next);
  for (const ViewSelect& branch : select.unions) {
    const Task opened{&branch, task.focus, task.row_index, Task::kOpen, task.next};
    TRY_STATUS(Continue(&opened));
  }
  return {};
}

tl::unexpected<Error> ViewRows::FailAt(const ViewColumn& column, std::size_t values) const {
  return Fail(ErrorCode::kDataQuality,
              view_.name() + ": column \"" + column.name + "\", path \"" + column.path.text() +
                  "\": " + std::to_string(values) + " values, where one belongs",
              "Take one with first() or where(), make rows of them with forEach, or set "
              "\"collection\": true.");
}

}  // namespace consilium
