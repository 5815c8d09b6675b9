#include "protocols/contract.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstdio>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "common/names.h"
#include "common/time.h"
#include "protocols/derived_columns.h"
#include "protocols/units/conversion.h"

namespace consilium {
namespace {

constexpr std::size_t kMaxNameLength = 64;
constexpr std::size_t kMaxUnitLength = 32;
constexpr std::size_t kMaxLevelLength = 64;
constexpr std::size_t kMaxColumns = 500;
constexpr std::int64_t kMaxSeries = 10'000;
constexpr std::size_t kMaxLevels = 100;
constexpr std::size_t kMaxMissingCodes = 50;
constexpr std::size_t kMaxRules = 100;
constexpr std::int64_t kLargestCohort = 100'000'000;
/// Ranges beyond this cannot be squared and summed in a double with room to spare.
constexpr double kLargestMagnitude = 1e15;

bool IsNameCharacter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '-' || c == '.';
}

bool NeedsRange(ColumnType type) {
  return type == ColumnType::kNumber || type == ColumnType::kInteger ||
         type == ColumnType::kDuration;
}

Result<ColumnType> ParseType(const Settings& settings) {
  TRY(const std::string text, settings.Text("type"));
  constexpr std::pair<std::string_view, ColumnType> kTypes[] = {
      {"number", ColumnType::kNumber},     {"integer", ColumnType::kInteger},
      {"category", ColumnType::kCategory}, {"boolean", ColumnType::kBoolean},
      {"date", ColumnType::kDate},         {"duration", ColumnType::kDuration}};
  for (const auto& [name, type] : kTypes) {
    if (name == text) return type;
  }
  return settings.FailAt("type", "unknown type \"" + text + "\"",
                         "use number, integer, category, boolean, date or duration");
}

Status ParseRange(const Settings& settings, ContractColumn& column) {
  if (!NeedsRange(column.type)) {
    if (!settings.Has("range")) return {};
    return settings.FailAt("range", "column \"" + column.name +
                                        "\" takes no range: only numbers, "
                                        "integers and durations have one");
  }
  if (!settings.Has("range")) {
    return settings.FailHere("column \"" + column.name + "\" needs a range",
                             "add range = [lowest, highest]: what is medically possible, not what "
                             "was seen; it bounds what a site can put into a sum");
  }
  TRY(const std::vector<double> range, settings.Numbers("range"));
  if (range.size() != 2 || !(range[0] < range[1])) {
    return settings.FailValueAt(
        "range", "the range of \"" + column.name + "\" must be two numbers, the lower first");
  }
  if (std::abs(range[0]) > kLargestMagnitude || std::abs(range[1]) > kLargestMagnitude) {
    return settings.FailValueAt("range", "the range of \"" + column.name + "\" is wider than 1e15",
                                "use a larger unit");
  }
  if (column.type == ColumnType::kInteger &&
      (range[0] != std::floor(range[0]) || range[1] != std::floor(range[1]))) {
    return settings.FailValueAt(
        "range", "the range of the integer \"" + column.name + "\" must be whole numbers");
  }
  column.minimum = range[0];
  column.maximum = range[1];
  return {};
}

Status CheckTexts(const Settings& settings,
                  std::string_view key,
                  const std::vector<std::string>& texts,
                  std::size_t most) {
  if (texts.size() > most) {
    return settings.FailAt(
        key, "'" + std::string(key) + "' has more than " + std::to_string(most) + " entries");
  }
  std::set<std::string_view> seen;
  for (const std::string& text : texts) {
    const bool printable = std::none_of(text.begin(), text.end(), [](char c) {
      return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
    });
    if (text.empty() || text.size() > kMaxLevelLength || !printable) {
      return settings.FailAt(
          key, "an entry of '" + std::string(key) + "' must be 1 to 64 printable characters");
    }
    if (!seen.insert(text).second) return settings.FailAt(key, "\"" + text + "\" is listed twice");
  }
  return {};
}

Status ParseLevels(const Settings& settings, ContractColumn& column) {
  if (column.type != ColumnType::kCategory) {
    if (!settings.Has("levels")) return {};
    return settings.FailAt("levels",
                           "column \"" + column.name + "\" takes no levels: only categories do");
  }
  if (!settings.Has("levels")) {
    return settings.FailHere("category \"" + column.name + "\" needs its levels",
                             "add levels = [\"first\", \"second\"]; the first is the reference");
  }
  TRY(column.levels, settings.Texts("levels"));
  if (column.levels.size() < 2) {
    return settings.FailAt("levels", "category \"" + column.name + "\" needs at least two levels");
  }
  return CheckTexts(settings, "levels", column.levels, kMaxLevels);
}

/// A plan may have any unit; one with an analyte must fit it.
Status ParseAnalyte(const Settings& settings, ContractColumn& column) {
  TRY(column.analyte, settings.TextOr("analyte", ""));
  if (!settings.Has("analyte")) return {};
  if (!NeedsRange(column.type)) {
    return settings.FailAt(
        "analyte", "column \"" + column.name + "\" takes no analyte: only numbers have one");
  }
  if (const Result<const Analyte*> found = FindAnalyte(column.analyte); !found) {
    return settings.FailAt("analyte", found.error());
  }
  if (column.unit.empty()) {
    return settings.FailAt("analyte", "column \"" + column.name + "\" has an analyte and no unit",
                           "add unit = \"...\", in which it is measured");
  }
  if (const Status fits = CheckMeasure({column.unit, column.analyte}); !fits) {
    return settings.FailAt("unit", fits.error());
  }
  return {};
}

Result<ContractColumn> ParseColumn(const Settings& settings) {
  ContractColumn column;
  TRY(column.name, settings.Text("name"));
  TRY_STATUS(CheckColumnName(settings, "name", column.name));
  TRY(column.type, ParseType(settings));
  TRY(column.unit, settings.TextOr("unit", ""));
  if (column.unit.size() > kMaxUnitLength) {
    return settings.FailAt("unit", "a unit has at most 32 characters");
  }
  TRY_STATUS(ParseAnalyte(settings, column));
  TRY_STATUS(ParseRange(settings, column));
  TRY_STATUS(ParseLevels(settings, column));
  TRY(column.missing, settings.TextsOr("missing", {}));
  TRY_STATUS(CheckTexts(settings, "missing", column.missing, kMaxMissingCodes));
  for (const std::string& level : column.levels) {
    if (std::find(column.missing.begin(), column.missing.end(), level) != column.missing.end()) {
      return settings.FailAt("missing", "\"" + level + "\" is a level and a missing code at once");
    }
  }
  TRY(column.required, settings.BooleanOr("required", false));
  return column;
}

/// The column, or as many alike as `count` says: "pixel_1", "pixel_2", ...
Result<std::vector<ContractColumn>> ParseSeries(const Settings& settings) {
  TRY(ContractColumn column, ParseColumn(settings));
  const bool is_series = settings.Has("count");
  TRY(const std::int64_t count, settings.IntegerBetween("count", 1, kMaxSeries, 1));
  TRY_STATUS(settings.RequireNoOtherKeys());
  std::vector<ContractColumn> columns(static_cast<std::size_t>(count), column);
  if (!is_series) return columns;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    columns[i].series = column.name;
    columns[i].name += "_" + std::to_string(i + 1);
  }
  if (columns.back().name.size() > kMaxNameLength) {
    return settings.FailAt("name", "is too long for a column with a count");
  }
  return columns;
}

/// "18 to 110"
std::string InWords(double lowest, double highest) {
  char text[64];
  std::snprintf(text, sizeof text, "%.6g to %.6g", lowest, highest);
  return text;
}

std::vector<std::string> InQuotes(const std::vector<std::string>& names) {
  std::vector<std::string> quoted;
  for (const std::string& name : names) quoted.push_back("\"" + name + "\"");
  return quoted;
}

Status ParseBounds(const Settings& settings, const ContractColumn& column, EligibilityRule& rule) {
  if (settings.Has("one_of")) {
    return settings.FailAt("one_of", "\"" + column.name + "\" is no category or boolean",
                           "use minimum and maximum");
  }
  if (settings.Has("minimum")) {
    TRY(rule.minimum, settings.Number("minimum"));
  }
  if (settings.Has("maximum")) {
    TRY(rule.maximum, settings.Number("maximum"));
  }
  if (!rule.minimum && !rule.maximum) {
    return settings.FailHere("the rule on \"" + column.name + "\" needs minimum, maximum or both");
  }
  const double lowest = rule.minimum.value_or(*column.minimum);
  const double highest = rule.maximum.value_or(*column.maximum);
  if (lowest > highest || lowest > *column.maximum || highest < *column.minimum) {
    return settings.FailHere("no value within the range of \"" + column.name + "\", " +
                                 InWords(*column.minimum, *column.maximum) +
                                 ", can satisfy this rule, which asks for " +
                                 InWords(lowest, highest),
                             "correct minimum or maximum");
  }
  return {};
}

Status ParseChoices(const Settings& settings, const ContractColumn& column, EligibilityRule& rule) {
  for (const std::string_view key : {"minimum", "maximum"}) {
    if (settings.Has(key)) {
      return settings.FailAt(key, "\"" + column.name + "\" is no number", "use one_of");
    }
  }
  const std::vector<std::string> allowed = column.type == ColumnType::kBoolean
                                               ? std::vector<std::string>{"true", "false"}
                                               : column.levels;
  const std::string all = JoinNames(InQuotes(allowed), 20, "or");
  Result<std::vector<std::string>> texts = settings.Texts("one_of");
  if (!texts) {
    Error error = std::move(texts).error();
    if (error.remedy.empty()) error.remedy = "write one_of = [\"" + allowed.front() + "\"], " + all;
    return tl::unexpected<Error>(std::move(error));
  }
  rule.one_of = *std::move(texts);
  if (rule.one_of.empty()) {
    return settings.FailAt("one_of", "the list 'one_of' is empty: nobody is eligible",
                           "list " + all);
  }
  TRY_STATUS(CheckTexts(settings, "one_of", rule.one_of, kMaxLevels));
  for (const std::string& choice : rule.one_of) {
    if (std::find(allowed.begin(), allowed.end(), choice) == allowed.end()) {
      return settings.FailAt("one_of", "\"" + choice + "\" is no value of \"" + column.name + "\"",
                             "it can be " + all);
    }
  }
  return {};
}

Result<double> ParseDay(const Settings& settings, std::string_view key) {
  Result<Date> day = settings.Day(key);
  if (day) return static_cast<double>(DaysSinceEpoch(*day));
  Error error = std::move(day).error();
  if (error.remedy.empty()) error.remedy = "write a day without quotes, as 2020-01-31";
  return tl::unexpected<Error>(std::move(error));
}

Status ParseDays(const Settings& settings, const ContractColumn& column, EligibilityRule& rule) {
  if (settings.Has("one_of")) {
    return settings.FailAt("one_of", "\"" + column.name + "\" is a date",
                           "use minimum and maximum");
  }
  if (settings.Has("minimum")) {
    TRY(rule.minimum, ParseDay(settings, "minimum"));
  }
  if (settings.Has("maximum")) {
    TRY(rule.maximum, ParseDay(settings, "maximum"));
  }
  if (!rule.minimum && !rule.maximum) {
    return settings.FailHere("the rule on \"" + column.name + "\" needs minimum, maximum or both");
  }
  if (rule.minimum && rule.maximum && *rule.minimum > *rule.maximum) {
    return settings.FailHere("no day can satisfy this rule on \"" + column.name + "\"",
                             "correct minimum or maximum");
  }
  return {};
}

Result<EligibilityRule> ParseRule(const Settings& settings, const Contract& contract) {
  EligibilityRule rule;
  TRY(rule.column, settings.Text("column"));
  const ContractColumn* column = contract.Find(rule.column);
  if (column == nullptr) {
    return settings.FailAt("column", NoColumn(contract, rule.column));
  }
  if (column->type == ColumnType::kDate) {
    TRY_STATUS(ParseDays(settings, *column, rule));
  } else if (NeedsRange(column->type)) {
    TRY_STATUS(ParseBounds(settings, *column, rule));
  } else {
    TRY_STATUS(ParseChoices(settings, *column, rule));
  }
  TRY_STATUS(settings.RequireNoOtherKeys());
  return rule;
}

Status ParseColumns(const Settings& settings, Contract& contract) {
  TRY(const std::vector<Settings> tables, settings.Tables("column"));
  if (tables.empty() || tables.size() > kMaxColumns) {
    return settings.FailHere("a contract has 1 to 500 columns");
  }
  std::set<std::string, std::less<>> names;
  for (const Settings& table : tables) {
    TRY(std::vector<ContractColumn> columns, ParseSeries(table));
    if (contract.columns.size() + columns.size() > kMaxSeries + kMaxColumns) {
      return table.FailAt("count", "the contract would have more than 10500 columns");
    }
    for (ContractColumn& column : columns) {
      if (column.name == contract.patient || column.series == contract.patient) {
        return table.FailAt("name", "\"" + column.name + "\" is the patient column already",
                            "the patient identifier is no variable: leave it out of the columns");
      }
      const bool is_new = names.insert(column.name).second;
      if (!is_new || (column.name != column.series && names.contains(column.series))) {
        return table.FailAt("name", "a second column is called \"" + column.name + "\"");
      }
      contract.columns.push_back(std::move(column));
    }
  }
  return {};
}

Status ParseAllDerived(const Settings& settings, Contract& contract) {
  TRY(const std::vector<Settings> tables, settings.TablesIfAny("derived"));
  for (const Settings& table : tables) {
    TRY(std::vector<DerivedColumn> columns, ParseDerived(table, contract));
    for (DerivedColumn& derived : columns) {
      const std::string& name = derived.column.name;
      if (name == contract.patient || !contract.ColumnsOf(name).empty()) {
        return table.FailAt("name", "a second column is called \"" + name + "\"");
      }
      contract.derived.push_back(std::move(derived));
    }
    if (contract.derived.size() > kMaxColumns) {
      return table.FailHere("more than 500 columns are derived");
    }
  }
  return {};
}

}  // namespace

Status CheckColumnName(const Settings& settings, std::string_view key, std::string_view name) {
  if (!name.empty() && name.size() <= kMaxNameLength &&
      std::all_of(name.begin(), name.end(), IsNameCharacter)) {
    return {};
  }
  return settings.FailAt(
      key, "\"" + std::string(name.substr(0, kMaxNameLength)) + "\" is no column name",
      "use 1 to 64 letters, digits, '_', '-' or '.'; a site maps its own header "
      "to this name in its source file");
}

std::string BoundInWords(const ContractColumn& column, double bound) {
  if (column.type == ColumnType::kDate) {
    constexpr double kDay = 24 * 60 * 60;
    return ToText(DateOf(UtcSeconds{static_cast<std::int64_t>(bound * kDay)}));
  }
  char text[32];
  std::snprintf(text, sizeof text, "%.15g", bound);
  return text;
}

std::optional<std::size_t> Contract::IndexOf(std::string_view name) const {
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (columns[i].name == name) return i;
  }
  return std::nullopt;
}

std::optional<std::size_t> Contract::PlaceOf(std::string_view name) const {
  if (const std::optional<std::size_t> index = IndexOf(name)) return index;
  for (std::size_t i = 0; i < derived.size(); ++i) {
    if (derived[i].column.name == name) return columns.size() + i;
  }
  return std::nullopt;
}

const ContractColumn& Contract::At(std::size_t place) const {
  return place < columns.size() ? columns[place] : derived[place - columns.size()].column;
}

const ContractColumn* Contract::Find(std::string_view name) const {
  const std::optional<std::size_t> place = PlaceOf(name);
  return place ? &At(*place) : nullptr;
}

std::vector<std::string> Contract::ColumnsOf(std::string_view name) const {
  std::vector<std::string> names;
  for (std::size_t place = 0; place < columns.size() + derived.size(); ++place) {
    const ContractColumn& column = At(place);
    if (column.name == name || (!column.series.empty() && column.series == name)) {
      names.push_back(column.name);
    }
  }
  return names;
}

Error NoColumn(const Contract& contract, const std::string& name, std::string_view where) {
  const std::string quoted = "\"" + name.substr(0, kMaxNameLength) + "\"";
  const auto error = [&quoted](const std::string& message, std::string remedy) {
    return Error{ErrorCode::kInvalidArgument, quoted + message, std::move(remedy)};
  };
  if (name == contract.patient) {
    return error(" is the patient identifier, which is no variable", "name another column");
  }
  if (const std::vector<std::string> series = contract.ColumnsOf(name); !series.empty()) {
    return error(" stands for " + JoinNames(series, 3) + ", and one column is asked for",
                 "name one of these");
  }
  std::vector<std::string> known;
  for (std::size_t place = 0; place < contract.columns.size() + contract.derived.size(); ++place) {
    const ContractColumn& column = contract.At(place);
    for (const std::string& level : column.levels) {
      if (name != column.name + "_" + level) continue;
      return error(" is the level \"" + level + "\" of \"" + column.name + "\", and no column",
                   "name \"" + column.name + "\"");
    }
    known.push_back(column.name);
  }
  const std::string nearest = NearestName(name, known);
  return {ErrorCode::kInvalidArgument, "the contract has no column " + quoted + std::string(where),
          nearest.empty() ? "its columns are " + JoinNames(known)
                          : "did you mean \"" + nearest + "\"?"};
}

Result<Contract> ParseContract(const Settings& settings) {
  Contract contract;
  TRY(contract.patient, settings.Text("patient"));
  TRY_STATUS(CheckColumnName(settings, "patient", contract.patient));
  TRY(const std::int64_t most,
      settings.IntegerBetween("maximum_patients", 1, kLargestCohort, 1'000'000));
  contract.maximum_patients = static_cast<std::uint64_t>(most);
  TRY(contract.one_row_per_patient, settings.BooleanOr("one_row_per_patient", false));
  TRY_STATUS(ParseColumns(settings, contract));
  TRY_STATUS(ParseAllDerived(settings, contract));
  TRY(const std::vector<Settings> rules, settings.TablesIfAny("eligible"));
  if (rules.size() > kMaxRules) return settings.FailAt("eligible", "more than 100 rules");
  for (const Settings& table : rules) {
    TRY(EligibilityRule rule, ParseRule(table, contract));
    contract.eligibility.push_back(std::move(rule));
  }
  TRY_STATUS(settings.RequireNoOtherKeys());
  return contract;
}

}  // namespace consilium
