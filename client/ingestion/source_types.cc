#include "client/ingestion/source_types.h"

#include <array>
#include <utility>

#include "client/ingestion/csv.h"
#include "client/ingestion/fhir/fhir_table.h"
#include "client/ingestion/omop/omop.h"

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

Status ParseSqlite(const Settings& settings, const std::filesystem::path& folder, Source& source) {
  TRY(source.file, ParseFile(settings, folder));
  TRY(source.sql.query, ParseQuery(settings, folder));
  return {};
}

Result<std::unique_ptr<TableReader>> OpenSqliteTable(const Source& source) {
  TRY(std::unique_ptr<RowCursor> rows, OpenSqlite(source.file, source.sql.query));
  return TableOf(std::move(rows), source.file.string());
}

Status ParsePostgresql(const Settings& settings,
                       const std::filesystem::path& folder,
                       Source& source) {
  TRY(source.sql.connection, ParsePostgresqlConnection(settings, folder));
  TRY(source.sql.query, ParseQuery(settings, folder));
  source.place = NameOf(source.sql.connection);
  return {};
}

Result<std::unique_ptr<TableReader>> OpenPostgresqlTable(const Source& source) {
  TRY(std::unique_ptr<RowCursor> rows,
      OpenPostgresql(source.sql.connection, source.place, source.sql.query));
  return TableOf(std::move(rows), source.place);
}

Status ParseOdbc(const Settings& settings, const std::filesystem::path& folder, Source& source) {
  TRY(source.sql.connection, ParseOdbcConnection(settings, folder));
  TRY(source.sql.query, ParseQuery(settings, folder));
  source.place = NameOf(source.sql.connection);
  return {};
}

Result<std::unique_ptr<TableReader>> OpenOdbcTable(const Source& source) {
  TRY(std::unique_ptr<RowCursor> rows,
      OpenOdbc(source.sql.connection, source.place, source.sql.query));
  return TableOf(std::move(rows), source.place);
}

/// The query is made of the source file's concepts; everything else is as with a query.
Status ParseOmop(const Settings& settings, const std::filesystem::path& folder, Source& source) {
  TRY(const std::string server, settings.Choice("server", {"sqlite", "postgresql"}));
  const bool sqlite = server == "sqlite";
  if (sqlite) {
    TRY(source.file, ParseFile(settings, folder));
  } else {
    TRY(source.sql.connection, ParsePostgresqlConnection(settings, folder));
    source.place = NameOf(source.sql.connection);
  }
  TRY(source.sql.query,
      OmopQuery(settings, sqlite ? SqlDialect::kSqlite : SqlDialect::kPostgresql));
  return {};
}

Result<std::unique_ptr<TableReader>> OpenOmop(const Source& source) {
  return source.file.empty() ? OpenPostgresqlTable(source) : OpenSqliteTable(source);
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
    SourceType{"sqlite", ParseSqlite, OpenSqliteTable},
    SourceType{"postgresql", ParsePostgresql, OpenPostgresqlTable},
    SourceType{"odbc", ParseOdbc, OpenOdbcTable},
    SourceType{"omop", ParseOmop, OpenOmop},
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
