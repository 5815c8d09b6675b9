#pragma once

#include <cmath>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "common/time.h"
#include "protocols/cohort.h"

namespace consilium {

/// Stands for a missing value in tables of tests.
inline const double kGone = std::nan("");

/// Columns of one length with a patient a row: P0, P1, ...
inline DataTable MakeTable(std::vector<std::vector<double>> columns) {
  DataTable table;
  for (std::size_t row = 0; row < columns[0].size(); ++row) {
    table.patients.push_back("P" + std::to_string(row));
  }
  table.columns = std::move(columns);
  return table;
}

/// Days since 1970, as tables have dates.
inline double Day(int year, unsigned month, unsigned day = 1) {
  return static_cast<double>(DaysSinceEpoch(Date{year, month, day}));
}

}  // namespace consilium
