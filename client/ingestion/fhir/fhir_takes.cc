#include "client/ingestion/fhir/fhir_takes.h"

#include <algorithm>
#include <utility>

#include "client/ingestion/fhir/fhir_time.h"
#include "client/ingestion/values.h"
#include "common/names.h"
#include "common/written_number.h"

namespace consilium {
namespace {

constexpr std::size_t kDayBytes = std::string_view("2020-05-01").size();

tl::unexpected<Error> FailAtColumn(const ViewDefinition& view,
                                   std::size_t column,
                                   std::string_view words,
                                   std::string remedy) {
  return Fail(ErrorCode::kDataQuality,
              view.name() + ": column \"" + view.columns()[column] + "\": " + std::string(words),
              std::move(remedy));
}

}  // namespace

Result<std::size_t> ColumnOf(const ViewDefinition& view,
                             const std::string& name,
                             std::string_view key) {
  const auto& columns = view.columns();
  const auto found = std::find(columns.begin(), columns.end(), name);
  if (found != columns.end()) return static_cast<std::size_t>(found - columns.begin());
  const std::string near = NearestName(name, columns);
  return Fail(ErrorCode::kInvalidArgument,
              view.name() + " has no column \"" + name + "\", which `" + std::string(key) +
                  "` of the source file names" +
                  (near.empty() ? "" : " (did you mean \"" + near + "\"?)"),
              "Its columns are " + JoinNames(columns, 40) + ".");
}

Result<std::string_view> TextOfCell(const ViewDefinition& view,
                                    std::size_t column,
                                    const ViewRow& row) {
  const auto items = row[column];
  if (items.empty()) return std::string_view();
  if (items[0].kind == FhirItemKind::kObject) {
    return FailAtColumn(view, column, "an object, where one value belongs",
                        "Let its path lead to one of the object's elements, as .value or .code.");
  }
  const std::string_view text = items[0].text;
  const bool day = text.size() > kDayBytes && view.Type(column) == "date" &&
                   Temporal::ParseDateTime(text).has_value();
  return day ? text.substr(0, kDayBytes) : text;
}

Result<FhirTakes> FhirTakes::Make(const FhirView& options, const ViewDefinition& view) {
  FhirTakes takes(view);
  TRY(takes.patient_, ColumnOf(view, options.patient, "patient"));
  for (const FhirTake& take : options.takes) {
    Take bound;
    bound.options = take;
    if (!take.from.empty()) {
      TRY(bound.from, ColumnOf(view, take.from, "from"));
    }
    if (!take.by.empty()) {
      TRY(bound.by, ColumnOf(view, take.by, "by"));
    }
    for (const std::string& name : take.unit.unit_from) {
      TRY(const std::size_t column, ColumnOf(view, name, "unit_from"));
      bound.unit_columns.push_back(column);
    }
    if (take.unit.IsSaid()) {
      TRY(bound.units, UnitConverter::OfTaken(take.unit));
    }
    takes.takes_.push_back(std::move(bound));
  }
  return takes;
}

Status FhirTakes::Add(const ViewRow& row, std::uint64_t place) {
  TRY(const std::string_view patient, TextOfCell(*view_, patient_, row));
  if (patient.empty()) return {};
  key_.assign(patient);
  const auto [entry, is_new] = patients_.try_emplace(key_, states_.size());
  if (is_new) states_.resize(states_.size() + takes_.size());
  for (std::size_t i = 0; i < takes_.size(); ++i) {
    TRY_STATUS(AddTo(takes_[i], states_[entry->second + i], row, place));
  }
  return {};
}

Status FhirTakes::AddTo(Take& take,
                        TakenValue& value,
                        const ViewRow& row,
                        std::uint64_t place) const {
  std::string_view text;
  if (!take.options.from.empty()) {
    TRY(text, TextOfCell(*view_, take.from, row));
    if (text.empty()) return {};
  }
  if (Counts(take.options.use)) {
    value.Count();
    return {};
  }
  TRY(const std::string_view unit, UnitOfRow(take, row));
  if (!NeedsOrder(take.options.use)) return AddNumber(take, value, text, unit, place);
  TRY(const std::string_view by, TextOfCell(*view_, take.by, row));
  if (by.empty()) return {};
  TRY(const TakenTime time, TimeOf(take, by));
  // What is wrong with a row matters once it is known to be the one that is meant.
  value.AddInOrder(take.options.use, time, text, unit, place);
  return {};
}

Result<TakenTime> FhirTakes::TimeOf(const Take& take, std::string_view by) const {
  const auto moment = Temporal::ParseDateTime(by);
  if (!moment) {
    return FailAtColumn(*view_, take.by, "it is no date or dateTime",
                        "`by` takes a column whose path leads to one.");
  }
  return TakenTime{0, moment->FirstMillisecond()};
}

/// The first that the row has: a coded unit, or the one for people to read.
Result<std::string_view> FhirTakes::UnitOfRow(const Take& take, const ViewRow& row) const {
  for (const std::size_t column : take.unit_columns) {
    TRY(const std::string_view unit, TextOfCell(*view_, column, row));
    if (!Trimmed(unit).empty()) return Trimmed(unit);
  }
  return std::string_view();
}

Status FhirTakes::AddNumber(Take& take,
                            TakenValue& value,
                            std::string_view text,
                            std::string_view unit,
                            std::uint64_t place) const {
  const TakeUse use = take.options.use;
  const auto number = NumberOfRow(text, NumberFormat{}, unit, take.units);
  if (number) {
    if (take.unit_columns.empty()) {
      value.AddNumber(use, *number, text, place);
    } else {
      value.AddNumber(use, *number, WrittenNumber(*number), place);
    }
    return {};
  }
  if (number.error() == DataFault::kUnknownUnit) {
    value.AddFault(number.error(), unit, place);
    return {};
  }
  return FailAtColumn(*view_, take.from, "it is no number",
                      "use = \"" + std::string(Name(use)) + "\" takes numbers only.");
}

void FhirTakes::Finish() {
  for (std::size_t i = 0; i < states_.size(); ++i) {
    Take& take = takes_[i % takes_.size()];
    TakenValue& value = states_[i];
    value.Finish(take.options.use, '.');
    if (!NeedsOrder(take.options.use) || take.unit_columns.empty() || value.count() == 0) continue;
    const auto number = NumberOfRow(value.text(), NumberFormat{}, value.unit(), take.units);
    if (number) {
      value.Become(WrittenNumber(*number));
    } else {
      value.Fail(number.error());
    }
  }
}

Measure FhirTakes::UnitOf(std::size_t take) const {
  const SourceUnit& unit = takes_[take].options.unit;
  return {unit.unit, unit.analyte};
}

FhirTakes::Value FhirTakes::Of(std::string_view patient, std::size_t take) const {
  const auto found = patients_.find(std::string(patient));
  if (found != patients_.end()) {
    const TakenValue& value = states_[found->second + take];
    if (value.count() > 0) return {value.text(), value.place(), value.fault(), value.unit()};
  }
  if (takes_[take].options.use == TakeUse::kCount) return {"0", 0};
  if (takes_[take].options.use == TakeUse::kAny) return {"false", 0};
  return {};
}

}  // namespace consilium
