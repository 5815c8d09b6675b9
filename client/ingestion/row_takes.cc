#include "client/ingestion/row_takes.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "common/names.h"
#include "common/written_number.h"

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

/// Texts that mean "not known" among the rows' values: those of the rows, and of each [[column]]
/// that takes the value. Once they were converted, or in a mean, nobody would know them.
MissingCodes CodesOfTake(const RowTake& take, const Source& rows, const Source& table) {
  MissingCodes all = NumericCodesOf(rows.missing, rows.number);
  if (Counts(take.use)) return all;
  for (const ColumnMapping& column : table.columns) {
    if (Trimmed(column.from) != Trimmed(take.name)) continue;
    MissingCodes of_column = NumericCodesOf(column.missing, table.number);
    all.any_number = all.any_number || of_column.any_number;
    std::move(of_column.codes.begin(), of_column.codes.end(), std::back_inserter(all.codes));
  }
  return all;
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
                                const Source& table,
                                Where where) {
  RowTakes takes;
  takes.group_ = group;
  takes.rows_ = FormatOf(rows);
  takes.table_ = FormatOf(table);
  takes.where_ = std::move(where);
  takes.missing_ = NumericCodesOf(rows.missing, rows.number);
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
    for (const std::string& header : take.unit.unit_from) {
      TRY(const std::size_t column, ColumnOfHeader(columns, header, "unit_from", name));
      bound.unit_fields.push_back(column);
    }
    if (take.unit.IsSaid()) {
      TRY(bound.units, UnitConverter::OfTaken(take.unit));
    }
    for (const RowCondition& condition : take.where) {
      TRY(const std::size_t column, ColumnOfHeader(columns, condition.header, "where", name));
      bound.where.push_back(column);
    }
    bound.missing = CodesOfTake(take, rows, table);
    takes.takes_.push_back(std::move(bound));
  }
  return takes;
}

void RowTakes::Want(std::vector<bool>& columns) const {
  columns[patient_] = true;
  if (date_ != kNoField) columns[date_] = true;
  for (const Bound& take : takes_) {
    if (take.from != kNoField) columns[take.from] = true;
    for (const std::size_t column : take.unit_fields) columns[column] = true;
    for (const std::size_t column : take.where) columns[column] = true;
  }
}

bool RowTakes::IsMissing(MissingCodes& codes, std::string_view text) const {
  if (text.empty()) return true;
  const auto is_digit = [&](std::size_t i) {
    return i < text.size() && text[i] >= '0' && text[i] <= '9';
  };
  if (text.front() != '0' || !is_digit(1)) return FindCode(codes, text, rows_.number) != nullptr;
  // 007 is a code of its own, and not the number 7.
  return std::any_of(codes.codes.begin(), codes.codes.end(),
                     [&](const MissingCode& code) { return code.text == text; });
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
  if (IsMissing(missing_, text)) return std::optional<TakenTime>();
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
  if (take.from != kNoField && IsMissing(take.missing, text)) return {};
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
  const std::uint64_t place = row.place(take.from);
  const std::string_view unit = FirstText(take.unit_fields, row.text);
  if (NeedsOrder(use)) {
    // What is wrong with a row matters once it is known to be the one that is meant.
    value.AddInOrder(use, time, text, unit, place);
  } else {
    AddNumber(take, text, unit, place, value);
  }
  return {};
}

void RowTakes::AddNumber(Bound& take,
                         std::string_view text,
                         std::string_view unit,
                         std::uint64_t place,
                         TakenValue& value) {
  const auto number = NumberOfRow(text, rows_.number, unit, take.units);
  if (number) {
    value.AddNumber(take.options.use, *number, WrittenNumber(*number, table_.number.decimal),
                    place);
  } else if (number.error() != DataFault::kUnknownUnit && rows_ == table_) {
    value.AddFault(text, place);
  } else {
    value.AddFault(number.error(), unit, place);
  }
}

/// A text as it is written in the table. A code as 007 stays what it is: marks are exchanged, and
/// no digit is touched.
Result<std::string> RowTakes::InTableNotation(const Bound& take, const TakenValue& value) const {
  std::string text(value.text());
  if (rows_ == table_) return text;
  const bool is_whole =
      text.find_first_not_of("0123456789", text.starts_with('-') ? 1 : 0) == text.npos;
  const auto day = ParseDay(text, rows_.dates);
  if (is_whole && !day) return text;
  if (!is_whole && ParseNumber(text, rows_.number)) {
    std::erase(text, rows_.number.thousands);
    std::replace(text.begin(), text.end(), rows_.number.decimal, table_.number.decimal);
    return text;
  }
  if (day) return DayText(static_cast<std::int64_t>(*day), table_.dates.front());
  if (ParseNumber(text, table_.number) || ParseDay(text, table_.dates)) {
    // It would be taken for what it is not.
    return FailAt(value.place(), take.options.from, "it is a number or a day in another notation",
                  "Correct `decimal`, `thousands` or `date_format` of [[rows]].");
  }
  return text;
}

Status RowTakes::FinishInOrder(Bound& take, TakenValue& value) {
  if (take.unit_fields.empty()) {
    TRY(std::string text, InTableNotation(take, value));
    value.Become(std::move(text));
    return {};
  }
  const auto number = NumberOfRow(value.text(), rows_.number, value.unit(), take.units);
  if (number) {
    value.Become(WrittenNumber(*number, table_.number.decimal));
  } else if (number.error() == DataFault::kUnknownUnit || !(rows_ == table_)) {
    value.Fail(number.error());
  }
  return {};
}

Status RowTakes::Finish() {
  for (std::size_t i = 0; i < values_.size(); ++i) {
    Bound& take = takes_[i % takes_.size()];
    values_[i].Finish(take.options.use, table_.number.decimal);
    if (!NeedsOrder(take.options.use) || values_[i].count() == 0) continue;
    TRY_STATUS(FinishInOrder(take, values_[i]));
  }
  return {};
}

RowTakes::Value RowTakes::Of(std::uint32_t patient, std::size_t take) const {
  const TakenValue& value = values_[patient * takes_.size() + take];
  if (value.count() > 0) return {value.text(), value.place(), value.fault(), value.unit()};
  const RowTake& options = takes_[take].options;
  if (options.window && !index_days_[patient]) return {};
  if (options.use == TakeUse::kCount) return {"0", 0};
  if (options.use == TakeUse::kAny) return {"false", 0};
  return {};
}

Measure RowTakes::UnitOf(std::size_t take) const {
  const SourceUnit& unit = takes_[take].options.unit;
  return {unit.unit, unit.analyte};
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
