#include "client/ingestion/fault_notes.h"

#include <algorithm>
#include <iterator>
#include <string>

#include "client/quality/patient_count.h"
#include "common/names.h"

namespace consilium {

std::string_view UsualCode(std::string_view text) {
  static constexpr std::string_view kWords[] = {
      "na",        "n/a",     "#n/a",    "n.a.", "nan",  "null", "none",  "nil",
      "unknown",   "unk",     "missing", "nd",   "n.d.", "k.a.", "k. a.", "?",
      "unbekannt", "inconnu", "-",       "--",   ".",    "*",    "-1",    "-9",
      "-99",       "-999",    "-9999",   "9",    "99",   "999",  "9999"};
  static constexpr std::string_view kNone;
  const std::string lower = LowerCase(text);
  const auto* const found = std::find(std::begin(kWords), std::end(kWords), lower);
  // The text itself, whose letters may be large: a source file compares them.
  return found == std::end(kWords) ? kNone : text;
}

void FaultNotes::Look(std::size_t column,
                      std::size_t row,
                      std::string_view text,
                      ColumnQuality& quality) {
  for (const auto& [fault, problem] : quality.problems) {
    Rows& rows = rows_[{column, fault}];
    if (rows.count == problem.count) continue;
    rows.count = problem.count;
    rows.faulty.resize(row + 1);
    rows.faulty[row] = true;
    // Codes among numbers are found by how often they come, and a number in an unknown unit is no
    // code: its unit is what is wrong.
    if (fault == DataFault::kOutOfRange || fault == DataFault::kRequiredMissing ||
        fault == DataFault::kUnknownUnit) {
      continue;
    }
    const std::string_view word = UsualCode(Trimmed(text));
    if (!word.empty()) ++quality.usual_codes[std::string(word)];
  }
}

void FaultNotes::CountPatients(const PatientList& patients,
                               std::vector<ColumnQuality>& columns) const {
  for (const auto& [where, rows] : rows_) {
    PatientCount count(patients);
    for (std::size_t row = 0; row < rows.faulty.size(); ++row) {
      if (rows.faulty[row]) count.Add(row);
    }
    columns[where.first].problems[where.second].patients = count.count();
  }
}

}  // namespace consilium
