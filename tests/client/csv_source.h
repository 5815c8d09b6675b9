#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <utility>

#include <gtest/gtest.h>

#include "client/ingestion/source.h"
#include "tests/client/temporary_folder.h"

namespace consilium {

/// A site whose data are one delimited file, p.csv.
class CsvSource {
 public:
  /// With nothing said about it.
  Source Of(std::string_view csv) const {
    Source source;
    source.file = folder_.Write("p.csv", csv);
    return source;
  }
  /// As a source file describes it that has these keys beside `type` and `file`.
  Result<Source> Of(std::string_view csv, const std::string& keys) const {
    folder_.Write("p.csv", csv);
    return ReadSource(folder_.Write("source.toml", "type = \"csv\"\nfile = \"p.csv\"\n" + keys));
  }
  /// Fails the test where the table cannot be read.
  LoadedTable Load(std::string_view csv, const Contract& contract) const {
    auto loaded = LoadSource(Of(csv), contract);
    EXPECT_TRUE(loaded.has_value()) << Describe(loaded.error());
    return std::move(*loaded);
  }
  const TemporaryFolder& folder() const { return folder_; }

 private:
  TemporaryFolder folder_;
};

}  // namespace consilium
