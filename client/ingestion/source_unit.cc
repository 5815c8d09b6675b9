#include "client/ingestion/source_unit.h"

#include <utility>

#include "common/names.h"

namespace consilium {
namespace {

/// A source file may name a unit of which the contract has the very text, whatever it is. All other
/// texts must be units.
bool IsSame(std::string_view unit, std::string_view other) { return Trimmed(unit) == other; }

/// More different texts than this are no units.
constexpr std::size_t kMostUnits = 1000;

}  // namespace

Result<SourceUnit> ParseSourceUnit(const Settings& settings) {
  SourceUnit source;
  TRY(source.unit, settings.TextOr("unit", ""));
  TRY(source.unit_from, settings.TextOr("unit_from", ""));
  TRY(source.analyte, settings.TextOr("analyte", ""));
  for (const std::string_view key : {"unit", "unit_from", "analyte"}) {
    if (settings.Has(key) && Trimmed(*settings.Text(key)).empty()) {
      return settings.FailAt(key, "'" + std::string(key) + "' is empty", "Leave it out.");
    }
  }
  TRY(const std::optional<Settings> map, settings.TableIfAny("unit_map"));
  if (map) {
    for (const std::string& key : map->Keys()) {
      TRY(const std::string unit, map->Text(key));
      source.unit_map.emplace(key, unit);
    }
    TRY_STATUS(map->RequireNoOtherKeys());
    if (source.unit_from.empty()) {
      return settings.FailAt("unit_map", "`unit_map` translates what `unit_from` finds",
                             "Add unit_from = \"...\", the header with the rows' units.");
    }
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

}  // namespace consilium
