#include "client/ingestion/source_unit.h"

#include <algorithm>
#include <utility>

#include "common/names.h"

namespace consilium {
namespace {

using UnitMap = std::map<std::string, std::string, std::less<>>;

/// A source file may name a unit of which the contract has the very text, whatever it is. All other
/// texts must be units.
bool IsSame(std::string_view unit, std::string_view other) { return Trimmed(unit) == other; }

/// More different texts than this are no units.
constexpr std::size_t kMostUnits = 1000;

/// One header, or several of which the first that has something counts.
Result<std::vector<std::string>> ParseUnitHeaders(const Settings& settings) {
  std::vector<std::string> headers;
  if (!settings.Has("unit_from")) return headers;
  if (auto one = settings.Text("unit_from"); one) {
    headers.push_back(*std::move(one));
  } else {
    TRY(headers, settings.Texts("unit_from"));
  }
  const bool empty = std::any_of(headers.begin(), headers.end(),
                                 [](const std::string& header) { return Trimmed(header).empty(); });
  if (headers.empty() || empty) {
    return settings.FailAt("unit_from", "'unit_from' is empty", "Leave it out.");
  }
  return headers;
}

}  // namespace

Result<UnitMap> ParseUnitMap(const Settings& settings) {
  UnitMap units;
  TRY(const std::optional<Settings> map, settings.TableIfAny("unit_map"));
  if (!map) return units;
  for (const std::string& key : map->Keys()) {
    TRY(const std::string unit, map->Text(key));
    units.emplace(key, unit);
  }
  TRY_STATUS(map->RequireNoOtherKeys());
  return units;
}

Result<SourceUnit> ParseSourceUnit(const Settings& settings) {
  SourceUnit source;
  TRY(source.unit, settings.TextOr("unit", ""));
  TRY(source.unit_from, ParseUnitHeaders(settings));
  TRY(source.analyte, settings.TextOr("analyte", ""));
  for (const std::string_view key : {"unit", "analyte"}) {
    if (settings.Has(key) && Trimmed(*settings.Text(key)).empty()) {
      return settings.FailAt(key, "'" + std::string(key) + "' is empty", "Leave it out.");
    }
  }
  TRY(source.unit_map, ParseUnitMap(settings));
  if (settings.Has("unit_map") && source.unit_from.empty()) {
    return settings.FailAt("unit_map", "`unit_map` translates what `unit_from` finds",
                           "Add unit_from = \"...\", the header with the rows' units.");
  }
  if (!source.analyte.empty()) {
    if (const auto found = FindAnalyte(source.analyte); !found) {
      return settings.FailAt("analyte", found.error());
    }
    if (!source.IsSaid()) {
      return settings.FailAt("analyte", "`analyte` says nothing without a unit",
                             "Add unit = \"...\", in which the data are.");
    }
  }
  return source;
}

Result<SourceUnit> ParseTakenUnit(const Settings& settings, const std::string& name) {
  TRY(SourceUnit taken, ParseSourceUnit(settings));
  if (!taken.IsSaid()) return taken;
  if (taken.unit_from.empty()) {
    return settings.FailAt(
        "unit", "`unit` of a take says what `unit_from` is converted to",
        "Say the unit of all rows in the [[column]] that takes \"" + name + "\".");
  }
  if (taken.unit.empty()) {
    return settings.FailAt("unit_from", "the rows' units differ, so one must be said for the value",
                           "Add unit = \"...\"; the contract's is made of it.");
  }
  const Result<UnitConverter> units = UnitConverter::OfTaken(taken);
  if (!units) return settings.FailAt("unit", units.error());
  return taken;
}

Result<UnitConverter> UnitConverter::Make(const SourceUnit& source,
                                          std::string_view unit,
                                          std::string_view analyte) {
  UnitConverter converter;
  if (!source.IsSaid()) return converter;
  converter.source_ = source;
  converter.unit_ = unit;
  converter.analyte_ = analyte;
  converter.usual_.reset();
  if (unit.empty()) {
    return Fail(ErrorCode::kInvalidArgument,
                "the source file names a unit where the contract has none",
                "Leave `unit` and `unit_from` out if the numbers are what the contract means.");
  }
  if (!source.unit.empty()) {
    TRY(converter.usual_, converter.Between(source.unit));
  }
  for (const auto& [text, meant] : source.unit_map) {
    TRY(const Conversion conversion, converter.Between(meant));
    converter.seen_.emplace(text, conversion);
  }
  return converter;
}

Result<UnitConverter> UnitConverter::OfTaken(const SourceUnit& taken) {
  // What a value becomes says nothing of a row that names no unit.
  SourceUnit of_rows = taken;
  of_rows.unit.clear();
  return Make(of_rows, taken.unit, taken.analyte);
}

Result<Conversion> UnitConverter::Between(std::string_view unit) const {
  const bool one_analyte =
      source_.analyte.empty() || analyte_.empty() || source_.analyte == analyte_;
  if (IsSame(unit, unit_) && one_analyte) return Conversion{};
  return ConversionBetween({unit, source_.analyte}, {unit_, analyte_});
}

const Conversion* UnitConverter::For(std::string_view unit_of_row) {
  const std::string_view text = Trimmed(unit_of_row);
  auto found = source_.unit_from.empty() ? seen_.end() : seen_.find(text);
  if (found == seen_.end()) {
    if (source_.unit_from.empty() || text.empty()) return usual_ ? &*usual_ : nullptr;
    if (seen_.size() >= kMostUnits) return nullptr;
    const Result<Conversion> conversion = Between(text);
    found = seen_
                .emplace(std::string(text),
                         conversion ? std::optional<Conversion>(*conversion) : std::nullopt)
                .first;
  }
  return found->second ? &*found->second : nullptr;
}

tl::expected<double, DataFault> NumberOfRow(std::string_view text,
                                            const NumberFormat& format,
                                            std::string_view unit_of_row,
                                            UnitConverter& units) {
  const auto number = ParseNumber(text, format);
  if (!number) return number;
  const Conversion* conversion = units.For(unit_of_row);
  if (conversion == nullptr) return tl::make_unexpected(DataFault::kUnknownUnit);
  return (*conversion)(*number);
}

std::optional<std::string> NameableUnit(std::string_view unit_of_row) {
  const std::string_view text = Trimmed(unit_of_row);
  constexpr std::string_view kConcept = "concept ";
  constexpr std::size_t kMostDigits = 10;
  const bool is_concept = text.starts_with(kConcept) &&
                          text.size() <= kConcept.size() + kMostDigits &&
                          text.find_first_not_of("0123456789", kConcept.size()) == text.npos;
  // What stands in braces is free text, and a number alone may be a value.
  const bool is_unit = text.find('{') == text.npos &&
                       text.find_first_not_of("0123456789.") != text.npos &&
                       (ParseUnit(text).has_value() || !UsualSpelling(text).empty());
  if (!is_concept && !is_unit) return std::nullopt;
  return std::string(text);
}

}  // namespace consilium
