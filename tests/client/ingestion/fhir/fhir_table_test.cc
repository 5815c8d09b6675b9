#include "client/ingestion/fhir/fhir_table.h"

#include <cmath>
#include <map>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/ingestion/fhir/fhir_source.h"
#include "client/ingestion/fhir/fhir_takes.h"
#include "client/ingestion/source.h"
#include "protocols/contract.h"
#include "tests/client/ingestion/fhir/gzip.h"
#include "tests/client/study_builder.h"
#include "tests/client/temporary_folder.h"

namespace consilium {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kPatients =
    R"({"resourceType":"Patient","id":"p1","gender":"male","birthDate":"1960-02-03"}
{"resourceType":"Patient","id":"p2","gender":"female"}
{"resourceType":"Patient","id":"p3","gender":"female","birthDate":"1990-12-31"}
)";

// Creatinine of p1 in no order, of p2 without a time, and of a group.
constexpr const char* kObservations =
    R"({"resourceType":"Observation","id":"o1","subject":{"reference":"Patient/p1"},)"
    R"("effectiveDateTime":"2020-03-01T10:00:00+01:00","valueQuantity":{"value":1.30}})"
    "\n"
    R"({"resourceType":"Observation","id":"o2","subject":{"reference":"Patient/p1"},)"
    R"("effectiveDateTime":"2020-03-01T09:30:00Z","valueQuantity":{"value":0.9}})"
    "\n"
    R"({"resourceType":"Observation","id":"o3","subject":{"reference":"Patient/p1"},)"
    R"("effectiveDateTime":"2019","valueQuantity":{"value":1.1}})"
    "\n"
    R"({"resourceType":"Observation","id":"o4","subject":{"reference":"Patient/p1"},)"
    R"("effectiveDateTime":"2021-01-01","status":"cancelled"})"
    "\n"
    R"({"resourceType":"Observation","id":"o5","subject":{"reference":"Patient/p2"},)"
    R"("valueQuantity":{"value":2}})"
    "\n"
    R"({"resourceType":"Observation","id":"o6","subject":{"reference":"Group/p3"},)"
    R"("effectiveDateTime":"2020","valueQuantity":{"value":7}})"
    "\n";

constexpr const char* kPatientView = R"v({"resource": "Patient", "select": [{"column": [
  {"name": "id", "path": "getResourceKey()"}, {"name": "sex", "path": "gender"},
  {"name": "born", "path": "birthDate"}]}]})v";

constexpr const char* kObservationView = R"v({"resource": "Observation", "select": [{"column": [
  {"name": "patient", "path": "subject.getReferenceKey(Patient)"},
  {"name": "time", "path": "effective.ofType(dateTime)"},
  {"name": "status", "path": "status"},
  {"name": "value", "path": "value.ofType(Quantity).value"}]}]})v";

constexpr const char* kJoined = R"(
type = "fhir"
folder = "export"
[[view]]
file = "patient.json"
patient = "id"
[[view]]
file = "observation.json"
patient = "patient"
[[view.take]]
name = "first"
use = "first"
from = "value"
by = "time"
[[view.take]]
name = "last"
use = "last"
from = "value"
by = "time"
[[view.take]]
name = "lowest"
use = "min"
from = "value"
[[view.take]]
name = "highest"
use = "max"
from = "value"
[[view.take]]
name = "mean"
use = "mean"
from = "value"
[[view.take]]
name = "measured"
use = "count"
from = "value"
[[view.take]]
name = "cancelled"
use = "any"
from = "status"
[[view.take]]
name = "tests"
use = "count"
)";

class FhirTableTest : public ::testing::Test {
 protected:
  FhirTableTest() {
    std::filesystem::create_directory(folder_.path() / "export");
    folder_.Write("export/Patient.000.ndjson", kPatients);
    folder_.Write("export/Observation.ndjson.gz", Gzipped(kObservations));
    folder_.Write("export/log.ndjson", "{\"exported\": 9}\n");
    folder_.Write("patient.json", kPatientView);
    folder_.Write("observation.json", kObservationView);
  }

  Result<Source> SourceOf(const std::string& toml) {
    return ReadSource(folder_.Write("source.toml", toml));
  }

  // Rows as "p1|male|..."; the last is "error: ..." if there is one.
  std::vector<std::string> RowsOf(const std::string& toml) {
    const auto source = SourceOf(toml);
    if (!source) return {"error: " + source.error().message};
    auto table = OpenTable(*source);
    if (!table) return {"error: " + table.error().message};
    std::vector<std::string> rows;
    TableRow row;
    for (;;) {
      const auto any = (*table)->Next(row);
      if (!any) rows.push_back("error: " + any.error().message);
      if (!any || !*any) return rows;
      EXPECT_EQ(row.fields.size(), (*table)->header().size());
      std::string text;
      for (const std::string_view field : row.fields) text += std::string(field) + "|";
      rows.push_back(text);
    }
  }

  TemporaryFolder folder_;
};

TEST_F(FhirTableTest, MakesTheRowsOfOneView) {
  EXPECT_THAT(RowsOf("type = \"fhir\"\nfolder = \"export\"\nview = \"patient.json\"\n"),
              ElementsAre("p1|male|1960-02-03|", "p2|female||", "p3|female|1990-12-31|"));
  EXPECT_THAT(RowsOf("type = \"fhir\"\nfiles = [\"export/Patient.000.ndjson\"]\n"
                     "view = \"patient.json\"\n"),
              ElementsAre("p1|male|1960-02-03|", "p2|female||", "p3|female|1990-12-31|"));
}

TEST_F(FhirTableTest, TakesOneValueAPatientOutOfFurtherViews) {
  EXPECT_THAT(RowsOf(kJoined),
              ElementsAre("p1|male|1960-02-03|1.1|0.9|0.9|1.30|1.1|3|true|4|",
                          "p2|female||||2|2|2|1|false|1|", "p3|female|1990-12-31||||||0|false|0|"));
}

TEST_F(FhirTableTest, LoadsIntoAContract) {
  const auto source = SourceOf(std::string(kJoined) + R"(
[[column]]
name = "patient_id"
from = "id"
[[column]]
name = "creatinine"
from = "last"
factor = 88.42
[[column]]
name = "gender"
from = "sex"
map = { "male" = "m", "female" = "f" }
)");
  ASSERT_TRUE(source.has_value()) << Describe(source.error());
  const Contract contract = MakeContract(R"(
patient = "patient_id"
[[column]]
name = "creatinine"
type = "number"
range = [1, 100]
[[column]]
name = "gender"
type = "category"
levels = ["f", "m"]
[[column]]
name = "born"
type = "date"
)");
  const auto loaded = LoadSource(*source, contract);
  ASSERT_TRUE(loaded.has_value()) << Describe(loaded.error());
  const QualityReport& report = loaded->report;
  EXPECT_EQ(report.rows, 3U);
  EXPECT_EQ(report.patients, 3U);
  EXPECT_EQ(report.columns[0].values, 1U);
  EXPECT_EQ(report.columns[0].missing, 2U);
  EXPECT_DOUBLE_EQ(loaded->table.columns[0][0], 0.9 * 88.42);
  EXPECT_EQ(loaded->table.columns[1][1], 0);
  EXPECT_FALSE(report.HasProblems());
}

TEST_F(FhirTableTest, NamesTheFileAndLineThatAValueIsFrom) {
  const auto source =
      SourceOf(std::string(kJoined) + "[[column]]\nname = \"born\"\nfrom = \"sex\"\n");
  ASSERT_TRUE(source.has_value());
  const Contract contract = MakeContract(R"(
patient = "id"
[[column]]
name = "last"
type = "number"
range = [5, 9]
[[column]]
name = "born"
type = "date"
)");
  const auto loaded = LoadSource(*source, contract);
  ASSERT_TRUE(loaded.has_value()) << Describe(loaded.error());
  const std::string text = RenderText(loaded->report);
  EXPECT_THAT(text, HasSubstr("at Observation.ndjson.gz:2"));
  EXPECT_THAT(text, HasSubstr("at Patient.000.ndjson:1, Patient.000.ndjson:2"));
  EXPECT_THAT(RenderJson(loaded->report), HasSubstr("Observation.ndjson.gz:2"));
}

constexpr const char* kInUnits = R"(
type = "fhir"
folder = "export"
[[view]]
file = "patient.json"
patient = "id"
[[view]]
file = "observation.json"
patient = "patient"
[[column]]
name = "patient_id"
from = "id"
)";

/// One observation: patient, day, and what stands in its Quantity.
std::string Measured(const char* patient, const char* day, const std::string& quantity) {
  return std::string(R"({"resourceType":"Observation","subject":{"reference":"Patient/)") +
         patient + R"("},"effectiveDateTime":")" + day + R"(","valueQuantity":{)" + quantity +
         "}}\n";
}

class FhirUnitsTest : public FhirTableTest {
 protected:
  FhirUnitsTest() {
    folder_.Write("observation.json", R"v({"resource": "Observation", "select": [{"column": [
      {"name": "patient", "path": "subject.getReferenceKey(Patient)"},
      {"name": "time", "path": "effective.ofType(dateTime)"},
      {"name": "value", "path": "value.ofType(Quantity).value"},
      {"name": "code", "path": "value.ofType(Quantity).code"},
      {"name": "unit", "path": "value.ofType(Quantity).unit"}]}]})v");
    std::filesystem::remove(folder_.path() / "export/Observation.ndjson.gz");
  }

  /// Creatinine, taken in umol/L, for a contract in `unit`.
  Result<LoadedTable> Creatinine(const std::string& observations,
                                 const std::string& use,
                                 const std::string& unit = "umol/L",
                                 const std::string& more = "") {
    folder_.Write("export/Observation.ndjson", observations);
    std::string toml = kInUnits;
    const std::string by = use == "first" || use == "last" ? "by = \"time\"\n" : "";
    toml.insert(toml.find("[[column]]"), "[[view.take]]\nname = \"x\"\nuse = \"" + use +
                                             "\"\nfrom = \"value\"\n" + by +
                                             "unit_from = [\"code\", \"unit\"]\nunit = \"umol/L\"\n"
                                             "analyte = \"creatinine\"\n" +
                                             more);
    TRY(const Source source, SourceOf(toml));
    return LoadSource(source, MakeContract("patient = \"patient_id\"\n[[column]]\nname = \"x\"\n"
                                           "type = \"number\"\nunit = \"" +
                                           unit + "\"\nrange = [0, 2000]\n"));
  }
};

/// By hand: 1 mg/dL of creatinine (113.120 g/mol) is 10000 / 113.120 = 88.40170 umol/L.
TEST_F(FhirUnitsTest, EachObservationIsConvertedByItsUnit) {
  constexpr double kMgPerDl = 10'000 / 113.120;
  const std::string observations =
      Measured("p1", "2020-01-01", R"("value":1.2,"code":"mg/dL","unit":"mg/dl")") +
      Measured("p1", "2020-01-02", R"("value":90,"unit":"umol/L")") +
      Measured("p1", "2020-01-03", R"("value":0.9,"unit":"mg/dL")") +
      Measured("p2", "2020-01-01", R"("value":0.08,"code":"mmol/L")");
  const auto value = [&](const char* use, const char* unit = "umol/L") {
    const auto loaded = Creatinine(observations, use, unit);
    EXPECT_TRUE(loaded.has_value()) << Describe(loaded.error());
    EXPECT_FALSE(loaded->report.HasProblems()) << RenderText(loaded->report);
    EXPECT_NEAR(loaded->table.columns[0].at(1), std::string(unit) == "umol/L" ? 80 : 80 / kMgPerDl,
                1e-9);
    EXPECT_TRUE(std::isnan(loaded->table.columns[0].at(2)));
    return loaded->table.columns[0].at(0);
  };
  EXPECT_NEAR(value("first"), 106.082, 0.0005);
  EXPECT_NEAR(value("last"), 0.9 * kMgPerDl, 1e-9);
  EXPECT_NEAR(value("min"), 0.9 * kMgPerDl, 1e-9);
  EXPECT_NEAR(value("max"), 1.2 * kMgPerDl, 1e-9);
  EXPECT_NEAR(value("mean"), (2.1 * kMgPerDl + 90) / 3, 1e-9);
  // A contract in another unit than that of the take needs nothing more.
  EXPECT_NEAR(value("first", "mg/dL"), 1.2, 1e-12);
}

TEST_F(FhirUnitsTest, AnUnknownUnitIsAProblemWhereTheRowIsMeant) {
  const std::string observations =
      Measured("p1", "2020-01-01", R"("value":1.2,"code":"mg/dL")") +
      Measured("p1", "2020-01-02", R"("value":90,"code":"mm[Hg]")") +
      Measured("p2", "2020-01-01", R"("value":0.9)") +
      Measured("p3", "2020-01-01", R"("value":0.9,"unit":"Mrs Miller")");
  for (const char* use : {"last", "mean"}) {
    const auto loaded = Creatinine(observations, use);
    ASSERT_TRUE(loaded.has_value()) << Describe(loaded.error());
    const ColumnQuality& x = loaded->report.columns[0];
    EXPECT_EQ(x.problems.at(DataFault::kUnknownUnit).count, 3U);
    EXPECT_EQ(x.problems.at(DataFault::kUnknownUnit).patients, 3U);
    EXPECT_EQ(x.unknown_units, (std::map<std::string, std::uint64_t>{{"", 1}, {"mm[Hg]", 1}}));
    EXPECT_THAT(RenderText(loaded->report),
                AllOf(HasSubstr("Observation.ndjson:2"), Not(HasSubstr("Miller"))));
  }
  const auto first = Creatinine(observations, "first", "umol/L",
                                "unit_map = { \"\" = \"mg/dL\", \"Mrs Miller\" = \"mg/dL\" }\n");
  ASSERT_TRUE(first.has_value()) << Describe(first.error());
  EXPECT_FALSE(first->report.HasProblems()) << RenderText(first->report);
}

TEST_F(FhirUnitsTest, AUnitNeedsWhatItIsMadeOf) {
  const std::string take = "[[view.take]]\nname = \"x\"\nfrom = \"value\"\nby = \"time\"\nuse = ";
  const auto error = [&](const std::string& keys) {
    std::string toml = kInUnits;
    toml.insert(toml.find("[[column]]"), take + keys);
    const auto source = SourceOf(toml);
    if (!source) return Describe(source.error());
    const auto table = OpenTable(*source);
    return table ? std::string("no error") : Describe(table.error());
  };
  EXPECT_THAT(error("\"last\"\nunit = \"g/L\"\n"), HasSubstr("unit_from"));
  EXPECT_THAT(error("\"last\"\nunit_from = \"code\"\n"), HasSubstr("must be said"));
  EXPECT_THAT(error("\"last\"\nunit_from = []\nunit = \"g/L\"\n"), HasSubstr("empty"));
  EXPECT_THAT(error("\"last\"\nunit_from = \"Code\"\nunit = \"g/L\"\n"),
              HasSubstr("did you mean \"code\"?"));
  EXPECT_THAT(
      error("\"last\"\nunit_from = \"code\"\nunit = \"g/L\"\nunit_map = { a = \"mol/L\" }\n"),
      HasSubstr("analyte"));
}

TEST_F(FhirTableTest, ChecksTheSourceFile) {
  const auto error = [&](const std::string& rest) {
    const auto source = SourceOf("type = \"fhir\"\n" + rest);
    return source ? "" : source.error().message;
  };
  EXPECT_THAT(error("view = \"v\"\n"), HasSubstr("needs `folder` or `files`"));
  EXPECT_THAT(error("folder = \"a\"\nfiles = [\"b\"]\nview = \"v\"\n"), HasSubstr("both there"));
  EXPECT_THAT(error("files = []\nview = \"v\"\n"), HasSubstr("no file is named"));
  EXPECT_THAT(error("files = [\"a\", \"a\"]\nview = \"v\"\n"), HasSubstr("named twice"));
  EXPECT_THAT(error("folder = \"a\"\n"), HasSubstr("view"));
  EXPECT_THAT(error("folder = \"a\"\nview = \"v\"\nfile = \"x\"\n"), HasSubstr("file"));
  const std::string two =
      "folder = \"a\"\n[[view]]\nfile = \"v\"\npatient = \"id\"\n[[view]]\nfile = \"w\"\n";
  EXPECT_THAT(error(two), HasSubstr("patient"));
  EXPECT_THAT(error(two + "patient = \"p\"\n"), HasSubstr("nothing is taken out of this view"));
  const std::string take =
      two + "patient = \"p\"\n[[view.take]]\nname = \"n\"\nfrom = \"f\"\nuse = ";
  EXPECT_THAT(error(take + "\"last\"\n"), HasSubstr("needs `by`"));
  EXPECT_THAT(error(take + "\"mean\"\nby = \"t\"\n"), HasSubstr("does not depend on an order"));
  EXPECT_THAT(error(take + "\"median\"\n"), HasSubstr("median"));
  EXPECT_EQ(error(take + "\"mean\"\n"), "");
}

TEST_F(FhirTableTest, ChecksViewsAgainstTheSourceFile) {
  const auto error = [&](const std::string& old_text, const std::string& new_text) {
    std::string toml = kJoined;
    toml.replace(toml.find(old_text), old_text.size(), new_text);
    const auto rows = RowsOf(toml);
    return rows.empty() ? "" : rows.back();
  };
  EXPECT_THAT(error("by = \"time\"", "by = \"tme\""),
              AllOf(HasSubstr("observation.json has no column \"tme\""),
                    HasSubstr("did you mean \"time\"?")));
  EXPECT_THAT(error("name = \"first\"", "name = \"sex\""), HasSubstr("the same name \"sex\""));
  EXPECT_THAT(error("folder = \"export\"", "folder = \"none\""), HasSubstr("is no folder"));
  EXPECT_THAT(error("use = \"min\"\nfrom = \"value\"", "use = \"min\"\nfrom = \"patient\""),
              AllOf(HasSubstr("Observation.ndjson.gz:1: "), HasSubstr("it is no number"),
                    Not(HasSubstr("p1"))));
  EXPECT_THAT(error("by = \"time\"", "by = \"value\""), HasSubstr("it is no date or dateTime"));
  std::filesystem::remove(folder_.path() / "export/Observation.ndjson.gz");
  EXPECT_THAT(RowsOf(kJoined), ElementsAre(HasSubstr("no resource of type Observation")));
  folder_.Write("patient.json", R"({"resource": "Encounter", "select": [{"column": [
      {"name": "id", "path": "id"}]}]})");
  EXPECT_THAT(RowsOf("type = \"fhir\"\nfolder = \"export\"\nview = \"patient.json\"\n"),
              ElementsAre(HasSubstr("no resource of type Encounter")));
}

TEST_F(FhirTableTest, SaysWhichCellHasNoValue) {
  const auto with = [&](const std::string& column) {
    folder_.Write("patient.json",
                  R"({"resource": "Patient", "select": [{"column": [)" + column + "]}]}");
    return RowsOf("type = \"fhir\"\nfolder = \"export\"\nview = \"patient.json\"\n").back();
  };
  EXPECT_THAT(with(R"({"name": "all", "path": "$this"})"),
              AllOf(HasSubstr("Patient.000.ndjson:1: "), HasSubstr("patient.json: column \"all\""),
                    HasSubstr("an object, where one value belongs")));
  EXPECT_THAT(with(R"({"name": "all", "path": "id", "collection": true})"),
              HasSubstr("is a list, which has no place in a table"));
}

TEST_F(FhirTableTest, MakesADayOfADateTimeInAColumnOfDates) {
  folder_.Write("patient.json", R"v({"resource": "Observation", "select": [{"column": [
      {"name": "day", "path": "effective.ofType(dateTime)", "type": "date"},
      {"name": "time", "path": "effective.ofType(dateTime)"}]}]})v");
  const auto rows = RowsOf("type = \"fhir\"\nfolder = \"export\"\nview = \"patient.json\"\n");
  ASSERT_EQ(rows.size(), 6U);
  EXPECT_EQ(rows[0], "2020-03-01|2020-03-01T10:00:00+01:00|");
  EXPECT_EQ(rows[2], "2019|2019|");
}

TEST_F(FhirTableTest, NamesAllFilesWhoseChangeMatters) {
  const auto source = SourceOf(kJoined);
  ASSERT_TRUE(source.has_value());
  std::vector<std::string> names;
  for (const auto& file : source->Files()) names.push_back(file.filename().string());
  EXPECT_THAT(names, ElementsAre("Observation.ndjson.gz", "Patient.000.ndjson", "log.ndjson",
                                 "patient.json", "observation.json"));
  EXPECT_GT(SizeOfData(*source).value_or(0), 500U);
  std::filesystem::remove(folder_.path() / "observation.json");
  EXPECT_THAT(SizeOfData(*source).error().message,
              AllOf(HasSubstr("observation.json"), HasSubstr("cannot be read")));
  std::filesystem::remove_all(folder_.path() / "export");
  EXPECT_THAT(SizeOfData(*source).error().message, HasSubstr("export is no folder"));
}

}  // namespace
}  // namespace consilium
