#pragma once

// What a source file says of FHIR data: where they are, the views that make rows of them, and what
// of further views becomes one value a patient.

#include <filesystem>
#include <string>
#include <vector>

#include "client/ingestion/source_unit.h"
#include "client/ingestion/taken_value.h"
#include "common/result.h"
#include "common/settings.h"

namespace consilium {

/// One value a patient out of the rows of a view.
struct FhirTake {
  std::string name;  ///< The header it gets.
  TakeUse use = TakeUse::kLast;
  std::string from;  ///< Column of the view; empty: the row itself is counted.
  std::string by;    ///< Of kFirst and kLast: the column with the time that orders the rows.
  SourceUnit unit;   ///< With unit_from, columns of the view: values are converted to `unit`.
};

struct FhirView {
  std::filesystem::path file;  ///< Of the ViewDefinition.
  std::string patient;         ///< The column with the patient's key; may be empty if alone.
  std::vector<FhirTake> takes;
};

struct FhirOptions {
  std::filesystem::path folder;              ///< Either this,
  std::vector<std::filesystem::path> files;  ///< or these.
  std::vector<FhirView> views;               ///< The first makes the rows.

  /// What messages call the data.
  std::string DataName() const;
};

/// Reads `folder` or `files`, and `view`. Relative paths start at `start`.
Result<FhirOptions> ParseFhirOptions(const Settings& settings, const std::filesystem::path& start);

/// The files with the data: those named, or in order of their names all of the folder that end in
/// .ndjson or .ndjson.gz.
Result<std::vector<std::filesystem::path>> FhirDataFiles(const FhirOptions& options);

}  // namespace consilium
