#pragma once

// Files as the library's own writer makes them, read back by the real program.

#include <array>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <sys/wait.h>

#include "client/ingestion/stat/stat_file.h"
#include "tests/client/ingestion/stat/stat_writer.h"
#include "tests/client/temporary_folder.h"

namespace consilium {

using Row = std::vector<std::string>;
using Rows = std::vector<Row>;

inline constexpr std::array kFormats = {StatFormat::kSas7bdat, StatFormat::kXpt, StatFormat::kSav,
                                        StatFormat::kPor, StatFormat::kDta};

/// What all five can hold.
inline StatTable PlainTable() {
  StatTable table;
  table.variables = {
      {.name = "ID", .storage = StatStorage::kText, .width = 12}, {.name = "X"}, {.name = "N"}};
  table.rows = {{"P1", 0.1, 100000.0}, {"P2", Missing{}, -7.0}, {"", 1e-3, 0.0}};
  return table;
}

class StatFileTest : public ::testing::Test {
 protected:
  Result<std::unique_ptr<StatFile>> Open(const std::string& bytes, const StatOptions& options) {
    return StatFile::Open(folder_.Write("data", bytes), options);
  }

  Result<Rows> ReadAll(StatFile& file) {
    Rows rows;
    TableRow row;
    for (;;) {
      TRY(const bool any, file.Next(row));
      if (!any) return rows;
      rows.emplace_back(row.fields.begin(), row.fields.end());
    }
  }

  Result<Rows> Try(const std::string& bytes, const StatOptions& options) {
    TRY(const std::unique_ptr<StatFile> file, Open(bytes, options));
    return ReadAll(*file);
  }

  Rows Read(const StatTable& table, const StatOptions& options) {
    const auto rows = Try(Written(options.format, table), options);
    EXPECT_TRUE(rows.has_value()) << Describe(rows.error());
    return rows ? *rows : Rows{};
  }

  std::string ErrorOf(const std::string& bytes, const StatOptions& options) {
    const auto rows = Try(bytes, options);
    EXPECT_FALSE(rows.has_value());
    return rows ? "" : Describe(rows.error());
  }

  void TearDown() override { EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1) << "a zombie is left"; }

  TemporaryFolder folder_;
};

inline StatTable LabelledTable() {
  StatTable table;
  table.variables = {{.name = "id", .storage = StatStorage::kText},
                     {.name = "sex", .labels = {{1, "male"}, {2, "female"}}},
                     {.name = "nyha", .labels = {{1, "no symptoms"}, {4, "at rest"}}}};
  table.rows = {{"P1", 2.0, 1.0}, {"P2", 1.0, 3.0}, {"P3", 9.0, 4.0}};
  return table;
}

}  // namespace consilium
