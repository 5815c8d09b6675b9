#include "client/ingestion/source_types.h"

#include <array>
#include <utility>

#include "client/ingestion/csv.h"
#include "client/ingestion/fhir/fhir_table.h"

namespace consilium {
namespace {

Status ParseCsv(const Settings& settings, const std::filesystem::path& folder, Source& source) {
  TRY(source.file, ParseFile(settings, folder));
  if (settings.Has("delimiter")) {
    TRY(const std::string delimiter, settings.Text("delimiter"));
    if (delimiter.size() != 1 || !IsCsvDelimiter(delimiter[0])) {
      return settings.FailAt("delimiter",
                             "delimiter must be one of \",\" \";\" \"\\t\" (tab) and \"|\"");
    }
    source.csv.delimiter = delimiter[0];
  }
  TRY(const std::string encoding, settings.TextOr("encoding", "utf-8"));
  const auto found = FindTextEncoding(encoding);
  if (!found) {
    return settings.FailAt("encoding", "no encoding is called \"" + encoding + "\"",
                           "Use \"utf-8\", \"windows-1252\" or \"latin-1\".");
  }
  source.csv.encoding = *found;
  return {};
}

Result<std::unique_ptr<TableReader>> OpenCsv(const Source& source) {
  TRY(std::unique_ptr<TableReader> reader, CsvReader::Open(source.file, source.csv));
  return reader;
}

Status ParseFhir(const Settings& settings, const std::filesystem::path& folder, Source& source) {
  TRY(source.fhir, ParseFhirOptions(settings, folder));
  source.place = source.fhir.DataName();
  return {};
}

Result<std::unique_ptr<TableReader>> OpenFhir(const Source& source) {
  TRY(std::unique_ptr<TableReader> reader, FhirTable::Open(source.fhir));
  return reader;
}

constexpr std::array kSourceTypes = {
    SourceType{"csv", ParseCsv, OpenCsv},
    SourceType{"fhir", ParseFhir, OpenFhir},
};

}  // namespace

const SourceType* FindSourceType(std::string_view name) {
  for (const SourceType& type : kSourceTypes) {
    if (type.name == name) return &type;
  }
  return nullptr;
}

std::vector<std::string> SourceTypeNames() {
  std::vector<std::string> names;
  for (const SourceType& type : kSourceTypes) names.push_back("\"" + std::string(type.name) + "\"");
  return names;
}

Result<std::filesystem::path> ParseFile(const Settings& settings,
                                        const std::filesystem::path& folder) {
  TRY(const std::string file, settings.Text("file"));
  if (file.empty()) return settings.FailAt("file", "no file is named");
  const std::filesystem::path path(file);
  return path.is_absolute() ? path : folder / path;
}

Result<std::unique_ptr<TableReader>> OpenTable(const Source& source) {
  const SourceType* type = FindSourceType(source.type);
  if (type == nullptr) {
    return Fail(ErrorCode::kInvalidArgument, "there is no source type \"" + source.type + "\"");
  }
  return type->open(source);
}

}  // namespace consilium
