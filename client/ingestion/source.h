#pragma once

// A site's source: the private file that says where its data are and how they become a study's
// contract. docs/source-file.md has every key.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "client/ingestion/csv.h"
#include "client/ingestion/fhir/fhir_source.h"
#include "client/ingestion/redcap/redcap_table.h"
#include "client/ingestion/row_groups.h"
#include "client/ingestion/source_unit.h"
#include "client/ingestion/sql/sql_source.h"
#include "client/ingestion/stat/stat_file.h"
#include "client/ingestion/values.h"
#include "client/policy/patient_codes.h"
#include "client/quality/quality_report.h"
#include "common/result.h"
#include "common/settings.h"
#include "protocols/cohort.h"
#include "protocols/contract.h"

namespace consilium {

/// What a column is that is computed from two days.
enum class TimeBetween {
  kNone,
  kCompletedYears,
  kDecimalYears,
  kDuration  ///< In the contract's unit.
};

/// How one column of the contract comes out of the file. A contract column without a mapping is
/// read from the header of the same name.
struct ColumnMapping {
  std::string name;   ///< In the contract.
  std::string from;   ///< Header in the file.
  double factor = 1;  ///< contract value = file value * factor + offset.
  double offset = 0;
  std::map<std::string, std::string, std::less<>>
      map;                                        ///< Text in the file -> value of the contract.
  std::vector<std::string> missing;               ///< Texts that mean "not known".
  std::vector<DateFormat> date_formats;           ///< Empty: the source's.
  SourceUnit unit;                                ///< Instead of factor and offset.
  TimeBetween time_between = TimeBetween::kNone;  ///< From the day in `from` to that in `until`.
  std::string until;                              ///< Header in the file.
};

struct Source {
  std::string name;            ///< The source file, for messages.
  std::string type = "csv";    ///< One of source_types.h.
  std::filesystem::path file;  ///< The data, absolute or as found from the source file; may be "".
  std::string place;           ///< What messages call data that are in no file of the site's.
  CsvOptions csv;
  SqlSource sql;  ///< Of the types that are queries.
  FhirOptions fhir;
  StatOptions stat;
  RedcapOptions redcap;
  NumberFormat number;
  std::vector<DateFormat> date_formats{DateFormat::kIso};
  std::vector<std::string> missing;    ///< For every column.
  std::vector<ColumnMapping> columns;  ///< May serve several studies.
  std::vector<RowGroup> rows;          ///< Several rows a patient, which become values.

  const ColumnMapping* Find(std::string_view column) const;
  /// The files that the data are in: what was read is old when one of them changes.
  std::vector<std::filesystem::path> Files() const;
  /// What messages call the data.
  std::string DataName() const { return file.empty() ? place : file.string(); }
};

/// The keys that say where data are and how numbers, days and missing values are written there;
/// what is not said stays as it is.
Status ParseSourceData(const Settings& settings,
                       const std::filesystem::path& folder,
                       Source& source);
/// `folder` is where a relative `file` starts.
Result<Source> ParseSource(const Settings& settings, const std::filesystem::path& folder);
Result<Source> ReadSource(const std::filesystem::path& file);

/// The size in bytes of all files that the data are in; an error names one that is not there.
Result<std::uintmax_t> SizeOfData(const Source& source);

/// Where the rows of a source can be read, one after the other.
Result<std::unique_ptr<TableReader>> OpenTable(const Source& source);

struct LoadedTable {
  DataTable table;
  QualityReport report;
  std::vector<std::string>
      groups;  ///< The text of `group_header` a row; empty if none was asked for.
};

/// Told from time to time which share of the data has been read, where that is known, and how many
/// rows.
using LoadProgress = std::function<void(std::optional<double> share, std::uint64_t rows)>;

/// Reads the whole table. Fails when it itself cannot be read as a table of the contract's
/// columns; values that break the contract are in the report (and NaN in the table), for people to
/// see all at once: use the table only if the report has no problems. `group_header` names a header
/// whose text splits the rows, as a simulation's virtual hospitals do. Rows of patients whom the
/// site excludes are in the table, marked, for the cohort's flow to count; nothing of them is
/// looked at, and they are in no count of the report but excluded_patients_found.
Result<LoadedTable> LoadSource(const Source& source,
                               const Contract& contract,
                               std::string_view group_header = {},
                               const LoadProgress& progress = {},
                               const PatientRegister& patients = {});

}  // namespace consilium
