// Public FHIR exports, read as a site reads its own.

#include <filesystem>
#include <map>
#include <set>
#include <string>

#include <gtest/gtest.h>

#include "client/ingestion/fhir/fhir_export.h"
#include "client/ingestion/fhir/fhir_table.h"
#include "tests/client/temporary_folder.h"
#include "tests/support/clinical_data.h"

namespace consilium {
namespace {

constexpr const char* kPatientView = R"v({"resource": "Patient", "select": [{"column": [
  {"name": "id", "path": "getResourceKey()"}]}]})v";

constexpr const char* kWeightView = R"v({"resource": "Observation", "select": [{"column": [
  {"name": "patient", "path": "subject.getReferenceKey(Patient)"},
  {"name": "time", "path": "effective.ofType(dateTime)"},
  {"name": "kg", "path": "value.ofType(Quantity).value"}]}],
  "where": [{"path": "code.coding.exists(system = 'http://loinc.org' and code = '29463-7')"}]})v";

std::size_t CountOf(const std::string& folder, const std::string& type) {
  FhirOptions options;
  options.folder = ClinicalData(folder);
  const auto files = FhirDataFiles(options);
  EXPECT_TRUE(files.has_value());
  FhirExport data(*files, FhirFileChoice::kFolder, {type});
  std::size_t count = 0;
  for (;;) {
    const auto any = data.Next();
    EXPECT_TRUE(any.has_value()) << Describe(any.error());
    if (!any || !*any) return count;
    ++count;
  }
}

TEST(FhirSamplesTest, EveryResourceIsRead) {
  REQUIRE_CLINICAL_DATA("fhir");
  const std::map<std::pair<std::string, std::string>, std::size_t> counts = {
      {{"fhir/bulk_10_patients", "Patient"}, 13},
      {{"fhir/bulk_10_patients", "AllergyIntolerance"}, 11},
      {{"fhir/bulk_10_patients", "Condition"}, 555},
      {{"fhir/bulk_10_patients", "Device"}, 16},
      {{"fhir/bulk_10_patients", "Encounter"}, 1215},
      {{"fhir/bulk_10_patients", "Immunization"}, 161},
      {{"fhir/bulk_10_patients", "Location"}, 44},
      {{"fhir/bulk_10_patients", "MedicationRequest"}, 1745},
      {{"fhir/bulk_10_patients", "Organization"}, 43},
      {{"fhir/bulk_10_patients", "Practitioner"}, 43},
      {{"fhir/bulk_10_patients", "PractitionerRole"}, 43},
      {{"fhir/bulk_10_patients", "Procedure"}, 2056},
      {{"fhir/pathling_9_patients", "Patient"}, 9},
      {{"fhir/pathling_9_patients", "Condition"}, 71},
      {{"fhir/pathling_9_patients", "Observation"}, 1502},
      {{"fhir/pathling_100_patients", "Patient"}, 100},
      {{"fhir/pathling_100_patients", "Condition"}, 639},
      {{"fhir/pathling_100_patients", "Encounter"}, 3697}};
  for (const auto& [place, count] : counts) {
    EXPECT_EQ(CountOf(place.first, place.second), count) << place.first << " " << place.second;
  }
}

// Body weights of the nine patients, counted and averaged by another program (Python's json).
TEST(FhirSamplesTest, JoinsMeasurementsToPatients) {
  REQUIRE_CLINICAL_DATA("fhir");
  const TemporaryFolder folder;
  FhirOptions options;
  options.folder = ClinicalData("fhir/pathling_9_patients");
  options.views.resize(2);
  options.views[0].patient = "id";
  options.views[0].file = folder.Write("p.json", kPatientView);
  options.views[1].patient = "patient";
  options.views[1].file = folder.Write("o.json", kWeightView);
  options.views[1].takes = {{"n", TakeUse::kCount, "kg", "", {}},
                            {"last", TakeUse::kLast, "kg", "time", {}},
                            {"max", TakeUse::kMax, "kg", "", {}}};
  auto table = FhirTable::Open(options);
  ASSERT_TRUE(table.has_value()) << Describe(table.error());
  std::map<std::string, std::string> found;
  TableRow row;
  for (auto any = (*table)->Next(row); any && *any; any = (*table)->Next(row)) {
    found[std::string(row.fields[0])] = std::string(row.fields[1]) + " " +
                                        std::string(row.fields[2]) + " " +
                                        std::string(row.fields[3]);
  }
  const std::map<std::string, std::string> expected = {
      {"121503c8-9564-4b48-9086-a22df717948e", "9 75.54265761928148 78.5567720660641"},
      {"2b36c1e2-bbe1-45ae-8124-4adad2677702", "10 62.51557776715935 62.51557776715935"},
      {"7001ad9c-34d2-4eb5-8165-5fdc2147f469", "10 85.03986261060689 88.68768220604419"},
      {"8ee183e2-b3c0-4151-be94-b945d6aa8c6d", "6 88.64467969570966 88.64467969570966"},
      {"9360820c-8602-4335-8b50-c88d627a0c20", "7 70.83033341315758 76.39057547281658"},
      {"a7eb2ce7-1075-426c-addd-957b861b0e55", "13 79.24041319014802 81.48938793414156"},
      {"bbd33563-70d9-4f6d-a79a-dd1fc55f5ad9", "17 24.77510155838593 24.77510155838593"},
      {"beff242e-580b-47c0-9844-c1a68c36c5bf", "4 97.90558220816062 97.90558220816062"},
      {"e62e52ae-2d75-4070-a0ae-3cc78d35ed08", "7 76.25680226902483 83.14316718478312"}};
  EXPECT_EQ(found, expected);
}

}  // namespace
}  // namespace consilium
