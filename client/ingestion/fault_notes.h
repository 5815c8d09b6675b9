#pragma once

// Whose rows are faulty, and which faulty cells hold a usual word for "not known": what a table's
// reader notes on the way for the quality report.

#include <cstddef>
#include <cstdint>
#include <map>
#include <string_view>
#include <utility>
#include <vector>

#include "client/quality/quality_report.h"
#include "protocols/patient_list.h"

namespace consilium {

/// Of what people and programs write for "not known", the word that this text is; else empty. They
/// are the program's own words, so that a report can name them: a cell's text may be a patient's.
std::string_view UsualCode(std::string_view text);

class FaultNotes {
 public:
  /// After a cell that gave no value: what `quality` counts since the last call is this row's.
  void Look(std::size_t column, std::size_t row, std::string_view text, ColumnQuality& quality);
  /// Fills in DataProblem::patients once all rows and their patients are known.
  void CountPatients(const PatientList& patients, std::vector<ColumnQuality>& columns) const;

 private:
  struct Rows {
    std::uint64_t count = 0;   ///< As the report had it when last looked at.
    std::vector<bool> faulty;  ///< Up to the last faulty row.
  };
  std::map<std::pair<std::size_t, DataFault>, Rows> rows_;
};

}  // namespace consilium
