#include "client/ingestion/row_takes.h"

#include <algorithm>
#include <utility>

#include "common/names.h"

namespace consilium {
namespace {

bool Satisfies(const RowTake& take, const std::vector<std::size_t>& columns, const GroupRow& row) {
  for (std::size_t i = 0; i < columns.size(); ++i) {
    const std::string_view text = row.text(columns[i]);
    const std::vector<std::string>& texts = take.where[i].texts;
    const auto same = [&](const std::string& wanted) { return Trimmed(wanted) == text; };
    if (std::none_of(texts.begin(), texts.end(), same)) return false;
  }
  return true;
}

bool IsWithin(const DayWindow& window, std::int64_t day, std::int64_t index) {
  return day - index >= window.first && day - index <= window.last;
}

}  // namespace

Result<std::size_t> ColumnOfHeader(const std::vector<std::string>& columns,
                                   const std::string& header,
                                   std::string_view key,
                                   std::string_view table) {
  const auto found = std::find(columns.begin(), columns.end(), Trimmed(header));
  if (found != columns.end()) return static_cast<std::size_t>(found - columns.begin());
  const std::string near = NearestName(header, columns);
  return Fail(ErrorCode::kDataQuality,
              std::string(table) + " has no column \"" + header + "\", which `" + std::string(key) +
                  "` of [[rows]] names" + (near.empty() ? "" : " (did you mean \"" + near + "\"?)"),
              "Its headers are " + JoinNames(columns, 40) + ".");
}

Result<RowTakes> RowTakes::Make(const RowGroup& group,
                                const std::vector<std::string>& columns,
                                const Source& rows,
                                const TextFormat& table,
                                Where where) {
  RowTakes takes;
  takes.group_ = group;
  takes.rows_ = FormatOf(rows);
  takes.table_ = table;
  takes.where_ = std::move(where);
  takes.missing_ = CodesOf(rows.missing, true);
  const std::string name = rows.DataName();
  TRY(takes.patient_, ColumnOfHeader(columns, group.patient, "patient", name));
  if (!group.date.empty()) {
    TRY(takes.date_, ColumnOfHeader(columns, group.date, "date", name));
  }
  for (const RowTake& take : group.takes) {
    Bound bound;
    bound.options = take;
    if (!take.from.empty()) {
      TRY(bound.from, ColumnOfHeader(columns, take.from, "from", name));
    }
    if (take.unit.IsSaid()) {
      TRY(bound.unit, ColumnOfHeader(columns, take.unit.unit_from, "unit_from", name));
      // What a value becomes says nothing of a row that names no unit.
      SourceUnit of_rows = take.unit;
      of_rows.unit.clear();
      TRY(bound.units, UnitConverter::Make(of_rows, take.unit.unit, take.unit.analyte));
    }
    for (const RowCondition& condition : take.where) {
      TRY(const std::size_t column, ColumnOfHeader(columns, condition.header, "where", name));
      bound.where.push_back(column);
    }
    takes.takes_.push_back(std::move(bound));
  }
  return takes;
}

void RowTakes::Want(std::vector<bool>& columns) const {
  columns[patient_] = true;
  if (date_ != kNoField) columns[date_] = true;
  for (const Bound& take : takes_) {
    if (take.from != kNoField) columns[take.from] = true;
    if (take.unit != kNoField) columns[take.unit] = true;
    for (const std::size_t column : take.where) columns[column] = true;
  }
}

bool RowTakes::IsMissing(std::string_view text) {
  return text.empty() || FindCode(missing_, text, rows_.number) != nullptr;
}

void RowTakes::Begin(std::vector<std::optional<std::int64_t>> index_days) {
  index_days_ = std::move(index_days);
  values_.assign(index_days_.size() * takes_.size(), TakenValue{});
}

Status RowTakes::Add(std::uint32_t patient, const GroupRow& row) {
  for (std::size_t i = 0; i < takes_.size(); ++i) {
    if (!Satisfies(takes_[i].options, takes_[i].where, row)) continue;
    TRY_STATUS(AddTo(takes_[i], patient, row, values_[patient * takes_.size() + i]));
  }
  return {};
}

Result<std::optional<TakenTime>> RowTakes::TimeOf(const GroupRow& row) {
  const std::string_view text = row.text(date_);
  if (IsMissing(text)) return std::optional<TakenTime>();
  const auto time = ParseDayTime(text, rows_.dates);
  if (!time) {
    return FailAt(row.place(date_), group_.date, "it is not a date in the declared format",
                  "Set `date_format`, for instance \"DD.MM.YYYY\".");
  }
  return std::optional(TakenTime{time->day, time->millisecond});
}

Status RowTakes::AddTo(Bound& take, std::uint32_t patient, const GroupRow& row, TakenValue& value) {
  const TakeUse use = take.options.use;
  const std::string_view text = take.from == kNoField ? std::string_view() : row.text(take.from);
  if (take.from != kNoField && IsMissing(text)) return {};
  TakenTime time;
  if (NeedsOrder(use) || take.options.window) {
    TRY(const std::optional<TakenTime> known, TimeOf(row));
    if (!known) return {};
    time = *known;
  }
  if (take.options.window) {
    const std::optional<std::int64_t>& index = index_days_[patient];
    if (!index || !IsWithin(*take.options.window, time.day, *index)) return {};
  }
  if (Counts(use)) {
    value.Count();
    return {};
  }
  if (NeedsOrder(use) && take.unit == kNoField) {
    return AddText(take, time, text, row.place(take.from), value);
  }
  return AddNumber(take, time, text, row, value);
}

Status RowTakes::AddText(const Bound& take,
                         TakenTime time,
                         std::string_view text,
                         std::uint64_t place,
                         TakenValue& value) {
  std::string written(text);
  if (!(rows_ == table_)) {
    const auto number = ParseNumber(text, rows_.number);
    const auto day = ParseDay(text, rows_.dates);
    if (number) {
      written = NumberText(*number, table_.number.decimal);
    } else if (day) {
      written = DayText(static_cast<std::int64_t>(*day), table_.dates.front());
    } else if (ParseNumber(text, table_.number) || ParseDay(text, table_.dates)) {
      // It would be taken for what it is not.
      return FailAt(place, take.options.from, "it is a number or a day in another notation",
                    "Correct `decimal`, `thousands` or `date_format` of [[rows]].");
    }
  }
  value.AddInOrder(take.options.use, time, written, place);
  return {};
}

Status RowTakes::AddNumber(
    Bound& take, TakenTime time, std::string_view text, const GroupRow& row, TakenValue& value) {
  const std::uint64_t place = row.place(take.from);
  const auto number = ParseNumber(text, rows_.number);
  if (!number) {
    if (rows_ == table_) {
      value.AddFault(text, place);
      return {};
    }
    return FailAt(place, take.options.from, "it is not a number", "Correct `decimal` of [[rows]].");
  }
  double converted = *number;
  if (take.unit != kNoField) {
    const Conversion* conversion = take.units.For(row.text(take.unit));
    if (conversion == nullptr) {
      return FailAt(row.place(take.unit), take.options.unit.unit_from,
                    "it is no unit that can become \"" + take.options.unit.unit + "\"",
                    "Translate it with `unit_map` (\"\" stands for none), name the analyte, or "
                    "leave such rows out with "
                    "`where`.");
    }
    converted = (*conversion)(converted);
  }
  const std::string written = NumberText(converted, table_.number.decimal);
  if (NeedsOrder(take.options.use)) {
    value.AddInOrder(take.options.use, time, written, place);
  } else {
    value.AddNumber(take.options.use, converted, written, place);
  }
  return {};
}

void RowTakes::Finish() {
  for (std::size_t i = 0; i < values_.size(); ++i) {
    values_[i].Finish(takes_[i % takes_.size()].options.use, table_.number.decimal);
  }
}

RowTakes::Value RowTakes::Of(std::uint32_t patient, std::size_t take) const {
  const TakenValue& value = values_[patient * takes_.size() + take];
  if (value.count() > 0) return {value.text(), value.place()};
  const RowTake& options = takes_[take].options;
  if (options.window && !index_days_[patient]) return {};
  if (options.use == TakeUse::kCount) return {"0", 0};
  if (options.use == TakeUse::kAny) return {"false", 0};
  return {};
}

tl::unexpected<Error> RowTakes::FailAt(std::uint64_t place,
                                       std::string_view header,
                                       std::string_view words,
                                       std::string remedy) const {
  return Fail(ErrorCode::kDataQuality,
              where_(place) + ": column \"" + std::string(header) + "\": " + std::string(words),
              std::move(remedy));
}

}  // namespace consilium
