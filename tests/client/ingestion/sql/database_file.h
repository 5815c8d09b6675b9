#pragma once

// SQLite files, and tables read out of them, for tests.

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <sqlite3.h>

#include "client/ingestion/table_reader.h"

namespace consilium {

/// Runs the statements on the file, which is made if it is not there.
inline void RunSql(const std::filesystem::path& file, const std::string& statements) {
  sqlite3* database = nullptr;
  ASSERT_EQ(sqlite3_open(file.c_str(), &database), SQLITE_OK);
  char* error = nullptr;
  EXPECT_EQ(sqlite3_exec(database, statements.c_str(), nullptr, nullptr, &error), SQLITE_OK)
      << (error == nullptr ? "" : error);
  sqlite3_free(error);
  sqlite3_close(database);
}

/// All rows of a table, or of what the first error said: {{"error: ..."}}.
inline std::vector<std::vector<std::string>> RowsOf(Result<std::unique_ptr<TableReader>> reader) {
  if (!reader) return {{"error: " + Describe(reader.error())}};
  std::vector<std::vector<std::string>> rows;
  TableRow row;
  for (;;) {
    const auto any = (*reader)->Next(row);
    if (!any) return {{"error: " + Describe(any.error())}};
    if (!*any) return rows;
    EXPECT_EQ(row.place, rows.size() + 1);
    rows.emplace_back(row.fields.begin(), row.fields.end());
  }
}

}  // namespace consilium
