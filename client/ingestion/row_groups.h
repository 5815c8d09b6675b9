#pragma once

// What a source file says of data with several rows a patient: which value of which rows becomes
// one of the patient's.

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "client/ingestion/source_unit.h"
#include "client/ingestion/taken_value.h"
#include "common/result.h"
#include "common/settings.h"

namespace consilium {

struct Source;

/// Rows in which a header has one of these texts.
struct RowCondition {
  std::string header;
  std::vector<std::string> texts;
};

/// Days counted from the index date, both included.
struct DayWindow {
  std::int64_t first = 0;
  std::int64_t last = 0;
};

/// One value a patient out of the rows of a group.
struct RowTake {
  std::string name;  ///< The header it gets.
  TakeUse use = TakeUse::kLast;
  std::string from;  ///< Header in these rows; empty: the row itself is counted.
  std::vector<RowCondition> where;
  std::optional<DayWindow> window;
  SourceUnit unit;  ///< With unit_from: values are converted to `unit`, each by its row's.
};

struct RowGroup {
  /// Where the rows are; nothing for those of the source itself, which then has one row a patient.
  std::shared_ptr<const Source> source;
  std::string patient;  ///< Header in these rows.
  std::string same_as;  ///< Header of the source that has the same patients.
  std::string date;     ///< Header in these rows; may be empty.
  std::string index;    ///< Header of the source, or a take of an earlier group; may be empty.
  std::vector<RowTake> takes;
};

/// The tables [[rows]] of a source file. `outer` is what the file says beside them: a group without
/// keys of its own reads numbers and dates as it does.
Result<std::vector<RowGroup>> ParseRowGroups(const Settings& settings,
                                             const std::filesystem::path& folder,
                                             const Source& outer);

}  // namespace consilium
