// The conformance tests of SQL on FHIR v2: https://sql-on-fhir.org, where the result can be
// registered. They are no part of this project; the cases beside this file cover the same ground.

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "client/ingestion/fhir/view_definition.h"
#include "client/ingestion/fhir/view_rows.h"
#include "tests/client/ingestion/fhir/view_table.h"
#include "tests/support/clinical_data.h"

namespace consilium {
namespace {

using nlohmann::json;

std::vector<std::string> Sorted(const json& rows, const std::vector<std::string>& columns) {
  std::vector<std::string> texts;
  for (const json& row : rows) {
    std::string text;
    for (const std::string& column : columns) {
      json value = row.contains(column) ? row[column] : json();
      // 5 and 5.0 are one number.
      if (value.is_number()) value = value.get<double>();
      text += value.dump() + " ";
    }
    texts.push_back(text);
  }
  std::sort(texts.begin(), texts.end());
  return texts;
}

// Why the test fails; empty if it passes.
std::string Judge(const json& test, const json& resources) {
  const auto table = TableOf(test["view"].dump(), resources);
  if (test.value("expectError", false)) return table ? "no error" : "";
  if (!table) return Describe(table.error());
  if (test.contains("expectColumns") && test["expectColumns"] != json(table->columns)) {
    return "columns " + json(table->columns).dump();
  }
  if (test.contains("expectCount")) {
    return test["expectCount"] == table->rows.size() ? ""
                                                     : std::to_string(table->rows.size()) + " rows";
  }
  // The order of rows is not part of the format.
  return Sorted(table->rows, table->columns) == Sorted(test["expect"], table->columns)
             ? ""
             : json(table->rows).dump();
}

TEST(SqlOnFhirTest, PassesEveryConformanceTest) {
  REQUIRE_CLINICAL_DATA("sql_on_fhir_v2/tests");
  json report;
  std::size_t tests = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator(ClinicalData("sql_on_fhir_v2/tests"))) {
    if (entry.path().extension() != ".json") continue;
    std::ifstream stream(entry.path());
    const json file = json::parse(stream);
    json results = json::array();
    for (const json& test : file["tests"]) {
      const std::string failure = Judge(test, file["resources"]);
      EXPECT_EQ(failure, "") << entry.path().filename() << ": " << test["title"];
      results.push_back({{"name", test["title"]}, {"result", {{"passed", failure.empty()}}}});
      ++tests;
    }
    report[entry.path().filename().string()] = {{"tests", results}};
  }
  EXPECT_EQ(tests, 134U);
  const std::string file = ::testing::TempDir() + "test_report.json";
  std::ofstream(file) << report.dump(2) << "\n";
  RecordProperty("report", file);
}

}  // namespace
}  // namespace consilium
