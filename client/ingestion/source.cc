#include "client/ingestion/source.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <set>
#include <string>
#include <system_error>
#include <utility>

#include "client/ingestion/source_types.h"
#include "common/names.h"

namespace consilium {
namespace {

Result<char> OneCharacter(const Settings& settings,
                          std::string_view key,
                          std::string_view allowed,
                          std::string_view words) {
  TRY(const std::string text, settings.Text(key));
  if (text.size() != 1 || allowed.find(text[0]) == std::string_view::npos) {
    return settings.FailAt(key, std::string(key) + " must be one of " + std::string(words));
  }
  return text[0];
}

Status ParseNumberFormat(const Settings& settings, NumberFormat& format) {
  if (settings.Has("decimal")) {
    TRY(format.decimal, OneCharacter(settings, "decimal", ".,", "\".\" and \",\""));
  }
  if (settings.Has("thousands")) {
    TRY(format.thousands,
        OneCharacter(settings, "thousands", ".,' ", "\".\" \",\" \"'\" and \" \" (space)"));
  }
  if (format.thousands == format.decimal) {
    return settings.FailAt("thousands", "decimal and thousands are the same character");
  }
  return {};
}

Result<std::vector<DateFormat>> ParseDateFormats(const Settings& settings) {
  std::vector<std::string> names;
  if (auto one = settings.Text("date_format"); one) {
    names.push_back(*std::move(one));
  } else {
    TRY(names, settings.Texts("date_format"));
  }
  std::vector<DateFormat> formats;
  for (const std::string& name : names) {
    const auto format = FindDateFormat(name);
    if (!format) {
      return settings.FailAt("date_format", "no date format is called \"" + name + "\"",
                             "Use YYYY-MM-DD, DD.MM.YYYY, MM/DD/YYYY, DD/MM/YYYY or YYYYMMDD.");
    }
    formats.push_back(*format);
  }
  const auto has = [&](DateFormat format) {
    return std::find(formats.begin(), formats.end(), format) != formats.end();
  };
  if (formats.empty()) return settings.FailAt("date_format", "the list is empty");
  if (has(DateFormat::kMonthDayYear) && has(DateFormat::kDayMonthYear)) {
    return settings.FailAt("date_format",
                           "MM/DD/YYYY and DD/MM/YYYY together: 03/04/2024 would be two days",
                           "Name the one that the file uses.");
  }
  return formats;
}

Status ParseValueMap(const Settings& settings, ColumnMapping& mapping) {
  TRY(const std::optional<Settings> map, settings.TableIfAny("map"));
  if (!map) return {};
  for (const std::string& key : map->Keys()) {
    TRY(const std::string value, map->ScalarAsText(key));
    if (std::string(Trimmed(key)) != key) {
      return map->FailAt(key, "a text to translate starts or ends with a space",
                         "Spaces around a field are ignored; leave them out here too.");
    }
    mapping.map.emplace(key, value);
  }
  return map->RequireNoOtherKeys();
}

/// An age or a duration is computed from two days, and from nothing else.
Status ParseTimeBetween(const Settings& settings, ColumnMapping& mapping) {
  const bool age = settings.Has("age");
  const std::string key = age ? "age" : "duration";
  if (age && settings.Has("duration")) {
    return settings.FailAt("duration", "a column is an age or a duration", "Keep one of the two.");
  }
  for (const std::string_view other :
       {"from", "factor", "offset", "map", "unit", "unit_from", "analyte"}) {
    if (!settings.Has(other)) continue;
    return settings.FailAt(other, "`" + key + "` and `" + std::string(other) + "` together",
                           "`" + key +
                               "` names the two columns with dates, and gives what the "
                               "contract asks for.");
  }
  TRY(const std::vector<std::string> days, settings.Texts(key));
  if (days.size() != 2) {
    return settings.FailAt(key, "`" + key + "` takes two columns with dates",
                           age ? "age = [\"birth date\", \"index date\"]"
                               : "duration = [\"first day\", \"last day\"]");
  }
  mapping.from = days[0];
  mapping.until = days[1];
  mapping.time_between = TimeBetween::kDuration;
  if (!age) return {};
  TRY(const std::string years, settings.ChoiceOr("years", {"completed", "decimal"}, "completed"));
  mapping.time_between =
      years == "completed" ? TimeBetween::kCompletedYears : TimeBetween::kDecimalYears;
  return {};
}

Status ParseConversion(const Settings& settings, ColumnMapping& mapping) {
  TRY(mapping.factor, settings.NumberOr("factor", 1));
  TRY(mapping.offset, settings.NumberOr("offset", 0));
  if (mapping.factor == 0) {
    return settings.FailAt("factor", "a factor of 0 would make every value the same");
  }
  TRY(mapping.unit, ParseSourceUnit(settings));
  const bool scales = settings.Has("factor") || settings.Has("offset");
  if (scales && mapping.unit.IsSaid()) {
    return settings.FailAt(mapping.unit.unit.empty() ? "unit_from" : "unit",
                           "a unit, and `factor` or `offset`, together",
                           "Keep the unit: its conversion is known.");
  }
  return {};
}

Result<ColumnMapping> ParseMapping(const Settings& settings) {
  ColumnMapping mapping;
  TRY(mapping.name, settings.Text("name"));
  if (settings.Has("age") || settings.Has("duration")) {
    TRY_STATUS(ParseTimeBetween(settings, mapping));
  } else {
    TRY(mapping.from, settings.TextOr("from", mapping.name));
    TRY_STATUS(ParseConversion(settings, mapping));
    TRY_STATUS(ParseValueMap(settings, mapping));
  }
  TRY(mapping.missing, settings.TextsOr("missing", {}));
  for (const std::string& code : mapping.missing) {
    if (mapping.map.contains(code)) {
      return settings.FailAt(
          "missing", "\"" + code + "\" is a missing code and is translated by `map` at once",
          "Keep one of the two.");
    }
  }
  if (settings.Has("date_format")) {
    TRY(mapping.date_formats, ParseDateFormats(settings));
  }
  TRY_STATUS(settings.RequireNoOtherKeys());
  return mapping;
}

}  // namespace

const ColumnMapping* Source::Find(std::string_view column) const {
  for (const ColumnMapping& mapping : columns) {
    if (mapping.name == column) return &mapping;
  }
  return nullptr;
}

std::vector<std::filesystem::path> Source::Files() const {
  std::vector<std::filesystem::path> files;
  if (!fhir.views.empty()) {
    files = FhirDataFiles(fhir).value_or(std::vector<std::filesystem::path>());
    for (const FhirView& view : fhir.views) files.push_back(view.file);
  } else {
    for (const auto* each : {&file, &redcap.dictionary}) {
      if (!each->empty()) files.push_back(*each);
    }
  }
  for (const RowGroup& group : rows) {
    if (!group.source) continue;
    for (std::filesystem::path& more : group.source->Files()) {
      const bool known = std::find(files.begin(), files.end(), more) != files.end();
      if (!known) files.push_back(std::move(more));
    }
  }
  return files;
}

Result<std::uintmax_t> SizeOfData(const Source& source) {
  if (!source.fhir.views.empty()) TRY_STATUS(FhirDataFiles(source.fhir));
  std::uintmax_t bytes = 0;
  for (const std::filesystem::path& file : source.Files()) {
    std::error_code error;
    const std::uintmax_t size = std::filesystem::file_size(file, error);
    if (error) {
      return Fail(ErrorCode::kNotFound,
                  "the file " + file.string() + " cannot be read: " + error.message(),
                  "Correct its name in " + source.name + " or the file's permissions.");
    }
    bytes += size;
  }
  return bytes;
}

Status ParseSourceData(const Settings& settings,
                       const std::filesystem::path& folder,
                       Source& source) {
  TRY(source.type, settings.Text("type"));
  const SourceType* type = FindSourceType(source.type);
  if (type == nullptr) {
    return settings.FailAt("type", "sources of type \"" + source.type + "\" are not supported",
                           "The types are " + JoinNames(SourceTypeNames()) +
                               "; everything else can be exported as delimited text for "
                               "type = \"csv\".");
  }
  TRY_STATUS(type->parse(settings, folder, source));
  TRY_STATUS(ParseNumberFormat(settings, source.number));
  if (settings.Has("date_format")) {
    TRY(source.date_formats, ParseDateFormats(settings));
  }
  TRY(source.missing, settings.TextsOr("missing", source.missing));
  return {};
}

Result<Source> ParseSource(const Settings& settings, const std::filesystem::path& folder) {
  Source source;
  TRY_STATUS(ParseSourceData(settings, folder, source));
  // Behind those that the type has made itself.
  TRY(std::vector<RowGroup> groups, ParseRowGroups(settings, folder, source));
  std::move(groups.begin(), groups.end(), std::back_inserter(source.rows));
  TRY(const std::vector<Settings> columns, settings.TablesIfAny("column"));
  std::set<std::string> names;
  for (const Settings& column : columns) {
    TRY(ColumnMapping mapping, ParseMapping(column));
    if (!names.insert(mapping.name).second) {
      return column.FailAt("name", "column \"" + mapping.name + "\" is described twice");
    }
    source.columns.push_back(std::move(mapping));
  }
  TRY_STATUS(settings.RequireNoOtherKeys());
  return source;
}

Result<Source> ReadSource(const std::filesystem::path& file) {
  TRY(const Settings settings, Settings::Load(file));
  TRY(Source source, ParseSource(settings, file.parent_path()));
  source.name = file.string();
  return source;
}

}  // namespace consilium
