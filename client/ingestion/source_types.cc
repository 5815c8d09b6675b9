#include "client/ingestion/source_types.h"

#include <array>
#include <utility>

#include "client/ingestion/csv.h"
#include "client/ingestion/fhir/fhir_table.h"
#include "client/ingestion/omop/omop.h"
#include "client/ingestion/patient_rows.h"
#include "client/ingestion/redcap/redcap_contract.h"

namespace consilium {
namespace {

Result<TextEncoding> ParseEncoding(const Settings& settings) {
  TRY(const std::string encoding, settings.TextOr("encoding", "utf-8"));
  const auto found = FindTextEncoding(encoding);
  if (found) return *found;
  return settings.FailAt("encoding", "no encoding is called \"" + encoding + "\"",
                         "Use \"utf-8\", \"windows-1252\" or \"latin-1\".");
}

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
  TRY(source.csv.encoding, ParseEncoding(settings));
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

/// The queries are made of the source file's concepts; everything else is as with a query.
Status ParseOmop(const Settings& settings, const std::filesystem::path& folder, Source& source) {
  TRY(const std::string server, settings.Choice("server", {"sqlite", "postgresql"}));
  const bool sqlite = server == "sqlite";
  if (sqlite) {
    TRY(source.file, ParseFile(settings, folder));
  } else {
    TRY(source.sql.connection, ParsePostgresqlConnection(settings, folder));
    source.place = NameOf(source.sql.connection);
  }
  TRY(OmopQueries queries,
      MakeOmopQueries(settings, sqlite ? SqlDialect::kSqlite : SqlDialect::kPostgresql));
  source.sql.query = std::move(queries.cohort);
  for (OmopMeasurements& measurements : queries.measurements) {
    Source rows;
    rows.type = source.type;
    rows.file = source.file;
    rows.sql = {std::move(measurements.query), source.sql.connection};
    rows.place = "the measurements of \"" + measurements.rows.takes[0].name + "\" in " +
                 (sqlite ? source.file.filename().string() : source.place);
    TRY(rows.missing, settings.TextsOr("missing", {}));
    measurements.rows.source = std::make_shared<const Source>(std::move(rows));
    source.rows.push_back(std::move(measurements.rows));
  }
  return {};
}

Result<std::unique_ptr<TableReader>> OpenOmop(const Source& source) {
  if (source.file.empty()) return OpenPostgresqlTable(source);
  TRY(std::unique_ptr<RowCursor> rows, OpenSqlite(source.file, source.sql.query));
  return TableOf(std::move(rows), source.place.empty() ? source.file.string() : source.place);
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

/// Files of statistics programs.
template <StatFormat format>
Status ParseStat(const Settings& settings, const std::filesystem::path& folder, Source& source) {
  TRY(source.file, ParseFile(settings, folder));
  TRY(source.stat, ParseStatOptions(settings, format));
  return {};
}

Result<std::unique_ptr<TableReader>> OpenStat(const Source& source) {
  TRY(std::unique_ptr<TableReader> reader, StatFile::Open(source.file, source.stat));
  return reader;
}

Status ParseRedcap(const Settings& settings, const std::filesystem::path& folder, Source& source) {
  TRY(source.file, ParseFile(settings, folder));
  TRY(source.redcap, ParseRedcapOptions(settings, folder));
  TRY(source.redcap.csv.encoding, ParseEncoding(settings));
  return {};
}

Result<std::unique_ptr<TableReader>> OpenRedcap(const Source& source) {
  TRY(std::unique_ptr<TableReader> reader, RedcapTable::Open(source.file, source.redcap));
  return reader;
}

Result<std::vector<Suspicion>> CompareRedcap(const Source& source, const Contract& contract) {
  TRY(const RedcapDictionary dictionary, RedcapDictionary::Read(source.redcap.dictionary));
  std::vector<RedcapUse> uses;
  for (const ContractColumn& column : contract.columns) {
    RedcapUse use{&column, column.name, false, {}, source.missing};
    if (const ColumnMapping* mapping = source.Find(column.name)) {
      use.header = mapping->from;
      // An age or a duration is none of the dictionary's fields.
      if (mapping->time_between != TimeBetween::kNone) continue;
      use.converted = mapping->factor != 1 || mapping->offset != 0 || mapping->unit.IsSaid();
      use.map = mapping->map;
      use.missing.insert(use.missing.end(), mapping->missing.begin(), mapping->missing.end());
    }
    use.header = use.header.substr(0, use.header.find('@'));
    uses.push_back(std::move(use));
  }
  return CompareWithContract(dictionary, source.redcap, uses);
}

constexpr std::array kSourceTypes = {
    SourceType{"csv", ParseCsv, OpenCsv},
    SourceType{"sqlite", ParseSqlite, OpenSqliteTable},
    SourceType{"postgresql", ParsePostgresql, OpenPostgresqlTable},
    SourceType{"odbc", ParseOdbc, OpenOdbcTable},
    SourceType{"omop", ParseOmop, OpenOmop},
    SourceType{"fhir", ParseFhir, OpenFhir},
    SourceType{"redcap", ParseRedcap, OpenRedcap, CompareRedcap},
    SourceType{"sas7bdat", ParseStat<StatFormat::kSas7bdat>, OpenStat},
    SourceType{"xpt", ParseStat<StatFormat::kXpt>, OpenStat},
    SourceType{"sav", ParseStat<StatFormat::kSav>, OpenStat},
    SourceType{"por", ParseStat<StatFormat::kPor>, OpenStat},
    SourceType{"dta", ParseStat<StatFormat::kDta>, OpenStat},
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
  TRY(std::unique_ptr<TableReader> reader, type->open(source));
  if (source.rows.empty()) return reader;
  TRY(std::unique_ptr<TableReader> table, PatientRows::Open(source, std::move(reader)));
  return table;
}

}  // namespace consilium
