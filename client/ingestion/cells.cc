#include "client/ingestion/cells.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <utility>

#include "client/ingestion/short_number.h"
#include "common/names.h"

namespace consilium {
namespace {

constexpr double kNotKnown = std::numeric_limits<double>::quiet_NaN();
// Whole numbers beyond this are no longer told apart by a double.
constexpr double kLargestWhole = 9007199254740992.0;

bool IsNumeric(ColumnType type) {
  return type == ColumnType::kNumber || type == ColumnType::kInteger ||
         type == ColumnType::kDuration;
}

std::string NumberText(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.15g", value);
  return text;
}

/// What a conversion may be off by, as a share of the numbers in it: some roundings of a double,
/// which are far below what anybody measures.
constexpr double kRounding = 1e-12;

/// A number that rounding alone has put beyond an end of the range is that end: 33.3 mmol/L may be
/// 33.300000000000004 after a conversion, here or in the query that gave it.
double WithoutRounding(const ContractColumn& column, double number, double added) {
  const auto is_rounded = [&](double end) {
    return std::abs(number - end) <= kRounding * (std::abs(end) + std::abs(added));
  };
  if (column.minimum && number < *column.minimum && is_rounded(*column.minimum)) {
    return *column.minimum;
  }
  if (column.maximum && number > *column.maximum && is_rounded(*column.maximum)) {
    return *column.maximum;
  }
  return number;
}

/// A number in the contract's unit: whole where it must be, and in the range. `added` is what a
/// conversion added on the way.
tl::expected<double, DataFault> Checked(const ContractColumn& column,
                                        double number,
                                        bool converted,
                                        double added = 0) {
  if (!std::isfinite(number)) return tl::make_unexpected(DataFault::kNotFinite);
  if (column.type == ColumnType::kInteger) {
    const double whole = std::nearbyint(number);
    // A converted whole number carries the conversion's rounding error.
    const double slack = converted ? 1e-9 * std::max(1.0, std::abs(whole)) : 0;
    if (std::abs(number - whole) > slack || std::abs(whole) > kLargestWhole) {
      return tl::make_unexpected(DataFault::kNotWhole);
    }
    number = whole;
  }
  number = WithoutRounding(column, number, added);
  if (!column.Contains(number)) return tl::make_unexpected(DataFault::kOutOfRange);
  return number + 0.0;  // Turns -0 into 0.
}

/// Most numbers, without what the few others need; NaN where ConvertNumber() has to look.
double QuickNumber(const ColumnBinding& binding, std::string_view text) {
  if (binding.converts) return kNotKnown;
  const ContractColumn& column = *binding.column;
  const double number = ShortNumber(text, binding.number.decimal);
  // Comparisons with NaN are false.
  const bool fits = number >= column.minimum.value_or(-kLargestWhole) &&
                    number <= column.maximum.value_or(kLargestWhole);
  const bool whole_enough = column.type != ColumnType::kInteger || number == std::nearbyint(number);
  return fits && whole_enough ? number + 0.0 : kNotKnown;
}

tl::expected<double, DataFault> ConvertNumber(ColumnBinding& binding,
                                              std::string_view text,
                                              std::string_view unit_of_row) {
  const auto value = ParseNumber(text, binding.number);
  if (!value || !binding.converts) return value ? Checked(*binding.column, *value, false) : value;
  const Conversion* conversion = binding.units.For(unit_of_row);
  if (conversion == nullptr) return tl::make_unexpected(DataFault::kUnknownUnit);
  return Checked(*binding.column, (*conversion)(*value), true, (*conversion)(0));
}

tl::expected<double, DataFault> ConvertLevel(const ContractColumn& column, std::string_view text) {
  for (std::size_t i = 0; i < column.levels.size(); ++i) {
    if (column.levels[i] == text) return static_cast<double>(i);
  }
  const std::string lower = LowerCase(text);
  for (const std::string& level : column.levels) {
    if (LowerCase(level) == lower) return tl::make_unexpected(DataFault::kLevelInOtherCase);
  }
  return tl::make_unexpected(DataFault::kUnknownLevel);
}

/// What a translation gives: the contract's value, a number with a point and in its unit.
tl::expected<double, DataFault> ConvertTranslated(const ColumnBinding& binding,
                                                  std::string_view text) {
  switch (binding.column->type) {
    case ColumnType::kNumber:
    case ColumnType::kInteger:
    case ColumnType::kDuration: {
      const auto value = ParseNumber(text, NumberFormat{});
      return value ? Checked(*binding.column, *value, false) : value;
    }
    case ColumnType::kCategory:
      return ConvertLevel(*binding.column, text);
    case ColumnType::kBoolean: {
      const auto value = ParseBoolean(text);
      if (!value) return tl::make_unexpected(DataFault::kNotABoolean);
      return *value ? 1.0 : 0.0;
    }
    case ColumnType::kDate:
      return ParseDay(text, binding.date_formats);
  }
  return tl::make_unexpected(DataFault::kNotANumber);
}

void CountMissing(ColumnBinding& binding,
                  MissingCode* code,
                  std::uint64_t place,
                  ColumnQuality& quality) {
  ++quality.missing;
  ++(code == nullptr ? binding.empty_rows : code->rows);
  if (binding.column->required) quality.problems[DataFault::kRequiredMissing].Add(place);
}

/// Of an unknown unit also which one, as far as it can be named.
void CountFault(DataFault fault,
                std::uint64_t place,
                std::string_view unit,
                ColumnQuality& quality) {
  constexpr std::size_t kMostUnits = 20;
  quality.problems[fault].Add(place);
  if (fault != DataFault::kUnknownUnit) return;
  const std::optional<std::string> name = unit.empty() ? std::string() : NameableUnit(unit);
  if (!name) return;
  if (quality.unknown_units.size() >= kMostUnits && !quality.unknown_units.contains(*name)) return;
  ++quality.unknown_units[*name];
}

/// One of the two days of an age or a duration; nothing if it is missing or faulty, which is
/// counted.
std::optional<std::int64_t> ReadDay(ColumnBinding& binding,
                                    const TableRow& row,
                                    std::size_t field,
                                    ColumnQuality& quality) {
  const std::string_view text = Trimmed(row.fields[field]);
  MissingCode* code = FindCode(binding.source_missing, text, binding.number);
  if (text.empty() || code != nullptr) {
    CountMissing(binding, code, row.PlaceOf(field), quality);
    return std::nullopt;
  }
  const auto day = ParseDayTime(text, binding.date_formats);
  if (!day) {
    quality.problems[day.error()].Add(row.PlaceOf(field));
    return std::nullopt;
  }
  return day->day;
}

double ReadTimeBetween(ColumnBinding& binding, const TableRow& row, ColumnQuality& quality) {
  const auto from = ReadDay(binding, row, binding.field, quality);
  if (!from) return kNotKnown;
  const auto until = ReadDay(binding, row, binding.until_field, quality);
  if (!until) return kNotKnown;
  const TimeBetween kind = binding.mapping.time_between;
  const double number = kind == TimeBetween::kDuration
                            ? (*binding.units.For({}))(static_cast<double>(*until - *from))
                            : YearsBetween(*from, *until, kind == TimeBetween::kDecimalYears);
  const auto value = Checked(*binding.column, number, kind == TimeBetween::kDuration);
  if (!value) {
    quality.problems[value.error()].Add(row.PlaceOf(binding.until_field));
    return kNotKnown;
  }
  ++quality.values;
  return *value;
}

tl::unexpected<Error> FailOf(const Source& source,
                             const ContractColumn& column,
                             std::string_view key,
                             std::string message,
                             std::string remedy) {
  const std::string at = source.name.empty() ? "" : source.name + ": ";
  return Fail(ErrorCode::kInvalidArgument,
              at + std::string(key) + " of \"" + column.name + "\": " + std::move(message),
              std::move(remedy));
}

/// The unit of an age or a duration.
Status BindTime(const Source& source, ColumnBinding& binding) {
  const ContractColumn& column = *binding.column;
  const bool duration = binding.mapping.time_between == TimeBetween::kDuration;
  const std::string_view key = duration ? "duration" : "age";
  if (!IsNumeric(column.type)) {
    return FailOf(source, column, key, "the contract says " + InWords(column),
                  "An age or a duration is a number, an integer or a duration.");
  }
  if (!duration && column.unit.empty()) return {};
  if (column.unit.empty()) {
    return FailOf(source, column, key, "the contract names no unit of time",
                  "Compute it at the source, or ask for a contract with a unit as \"d\".");
  }
  SourceUnit unit;
  unit.unit = duration ? "d" : "a";
  Result<UnitConverter> units = UnitConverter::Make(unit, column.unit, column.analyte);
  if (!units) return FailOf(source, column, key, units.error().message, units.error().remedy);
  if (!duration && !units->For({})->ChangesNothing()) {
    return FailOf(source, column, key, "the contract asks for \"" + column.unit + "\"",
                  "An age is in years, \"a\"; use `duration` for other units.");
  }
  binding.units = *std::move(units);
  return {};
}

/// The unit of the numbers in the source, or a factor and an offset.
Status BindUnit(const Source& source, ColumnBinding& binding) {
  const ContractColumn& column = *binding.column;
  const ColumnMapping& mapping = binding.mapping;
  const bool scales = mapping.factor != 1 || mapping.offset != 0;
  if (!IsNumeric(column.type) && (scales || mapping.unit.IsSaid())) {
    return FailOf(source, column, scales ? "factor and offset" : "unit",
                  "the contract says " + InWords(column), "Only numbers have units.");
  }
  if (scales) {
    binding.units = UnitConverter(Conversion{0, mapping.factor, 1, mapping.offset});
    binding.converts = true;
    return {};
  }
  Result<UnitConverter> units = UnitConverter::Make(mapping.unit, column.unit, column.analyte);
  if (!units) return FailOf(source, column, "unit", units.error().message, units.error().remedy);
  binding.units = *std::move(units);
  const bool same = mapping.unit.unit_from.empty() && binding.units.For({})->ChangesNothing();
  binding.converts = !same;
  return {};
}

std::chrono::sys_days Anniversary(const std::chrono::year_month_day& day, int years) {
  const std::chrono::year_month_day then = day + std::chrono::years(years);
  if (then.ok()) return std::chrono::sys_days(then);
  return std::chrono::sys_days(then.year() / std::chrono::March / std::chrono::day(1));
}

}  // namespace

std::string InWords(const ContractColumn& column) {
  std::string words;
  switch (column.type) {
    case ColumnType::kNumber:
      words = "number";
      break;
    case ColumnType::kInteger:
      words = "whole number";
      break;
    case ColumnType::kDuration:
      words = "duration";
      break;
    case ColumnType::kBoolean:
      return "yes or no";
    case ColumnType::kDate:
      return "date";
    case ColumnType::kCategory:
      return "one of " + JoinNames(column.levels);
  }
  if (column.minimum && column.maximum) {
    words += " from " + NumberText(*column.minimum) + " to " + NumberText(*column.maximum);
  }
  return column.unit.empty() ? words : words + " " + column.unit;
}

MissingCodes CodesOf(const std::vector<std::string>& texts) {
  MissingCodes codes;
  for (const std::string& text : texts) {
    codes.codes.push_back({std::string(Trimmed(text)), std::nullopt, 0});
  }
  return codes;
}

MissingCodes NumericCodesOf(const std::vector<std::string>& texts, const NumberFormat& format) {
  MissingCodes codes = CodesOf(texts);
  for (MissingCode& code : codes.codes) {
    auto number = ParseNumber(code.text, format);
    if (!number) number = ParseNumber(code.text, NumberFormat{});
    if (number) code.number = *number;
    codes.any_number = codes.any_number || code.number.has_value();
  }
  return codes;
}

MissingCode* FindCode(MissingCodes& missing, std::string_view text, const NumberFormat& format) {
  for (MissingCode& code : missing.codes) {
    if (code.text == text) return &code;
  }
  if (!missing.any_number) return nullptr;
  const auto number = ParseNumber(text, format);
  if (!number) return nullptr;
  for (MissingCode& code : missing.codes) {
    if (code.number && *code.number == *number) return &code;
  }
  return nullptr;
}

Result<ColumnBinding> BindColumn(const Source& source,
                                 const ColumnMapping& mapping,
                                 const ContractColumn& column) {
  ColumnBinding binding;
  binding.column = &column;
  binding.mapping = mapping;
  binding.number = source.number;
  const bool numeric = IsNumeric(column.type);
  const bool days = mapping.time_between != TimeBetween::kNone;
  std::vector<std::string> codes = source.missing;
  codes.insert(codes.end(), mapping.missing.begin(), mapping.missing.end());
  binding.source_missing = numeric && !days ? NumericCodesOf(codes, source.number) : CodesOf(codes);
  binding.contract_missing =
      numeric ? NumericCodesOf(column.missing, NumberFormat{}) : CodesOf(column.missing);
  binding.date_formats = mapping.date_formats.empty() ? source.date_formats : mapping.date_formats;
  if (days) {
    TRY_STATUS(BindTime(source, binding));
    return binding;
  }
  TRY_STATUS(BindUnit(source, binding));
  for (const auto& [text, value] : mapping.map) {
    const bool missing = Trimmed(value).empty() ||
                         FindCode(binding.contract_missing, Trimmed(value), NumberFormat{});
    if (missing || ConvertTranslated(binding, Trimmed(value))) continue;
    return FailOf(source, column, "map",
                  "\"" + value + "\" is no value of the contract, which says " + InWords(column),
                  "Correct the right-hand side.");
  }
  return binding;
}

double ReadCell(ColumnBinding& binding, const TableRow& row, ColumnQuality& quality) {
  if (binding.until_field != kNoField) return ReadTimeBetween(binding, row, quality);
  if (const FieldFault* known = row.FaultOf(binding.field)) {
    CountFault(known->fault, row.PlaceOf(binding.field), known->unit, quality);
    return kNotKnown;
  }
  std::string_view text = Trimmed(row.fields[binding.field]);
  bool translated = false;
  if (!binding.mapping.map.empty()) {
    const auto translation = binding.mapping.map.find(text);
    translated = translation != binding.mapping.map.end();
    if (translated) text = Trimmed(translation->second);
  }
  MissingCode* code = nullptr;
  if (!translated) {
    code = FindCode(binding.source_missing, text, binding.number);
  }
  if (code == nullptr) {
    code = FindCode(binding.contract_missing, text, translated ? NumberFormat{} : binding.number);
  }
  if (text.empty() || code != nullptr) {
    CountMissing(binding, code, row.PlaceOf(binding.field), quality);
    return kNotKnown;
  }
  const bool number = !translated && IsNumeric(binding.column->type);
  if (number) {
    const double quick = QuickNumber(binding, text);
    if (!std::isnan(quick)) [[likely]] {
      ++quality.values;
      return quick;
    }
  }
  const std::string_view unit =
      FirstText(binding.unit_fields, [&](std::size_t field) { return row.fields[field]; });
  const auto value = number ? ConvertNumber(binding, text, unit) : ConvertTranslated(binding, text);
  if (!value) {
    CountFault(value.error(), row.PlaceOf(binding.field), unit, quality);
    return kNotKnown;
  }
  ++quality.values;
  return *value;
}

void CountCodes(const ColumnBinding& binding, ColumnQuality& quality) {
  if (binding.empty_rows > 0) quality.missing_by_code[""] += binding.empty_rows;
  for (const MissingCodes* missing : {&binding.source_missing, &binding.contract_missing}) {
    for (const MissingCode& code : missing->codes) {
      if (code.rows > 0) quality.missing_by_code[code.text] += code.rows;
    }
  }
}

double YearsBetween(std::int64_t from, std::int64_t to, bool fraction) {
  const std::chrono::sys_days first{std::chrono::days(from)};
  const std::chrono::sys_days last{std::chrono::days(to)};
  const std::chrono::year_month_day born(first);
  int years =
      static_cast<int>(std::chrono::year_month_day(last).year()) - static_cast<int>(born.year());
  if (Anniversary(born, years) > last) --years;
  if (!fraction) return years;
  const std::chrono::sys_days reached = Anniversary(born, years);
  const std::chrono::sys_days next = Anniversary(born, years + 1);
  return years + static_cast<double>((last - reached).count()) /
                     static_cast<double>((next - reached).count());
}

}  // namespace consilium
