#include "client/ingestion/omop/omop.h"

#include <cstdlib>
#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/ingestion/csv.h"
#include "client/ingestion/source.h"
#include "tests/client/ingestion/sql/database_file.h"
#include "tests/client/study_builder.h"
#include "tests/client/temporary_folder.h"
#include "tests/support/clinical_data.h"
#include "tests/support/postgresql_server.h"

namespace consilium {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

using Rows = std::vector<std::vector<std::string>>;

/// Four persons; 201826 is the index condition, 3004410 a measurement, 321588 the outcome.
constexpr const char* kSmallModel =
    "CREATE TABLE person(person_id INTEGER, gender_concept_id INTEGER, year_of_birth INTEGER, "
    "month_of_birth INTEGER, day_of_birth INTEGER);"
    "INSERT INTO person VALUES(1, 8507, 1950, 3, 10), (2, 8532, 1960, NULL, NULL), "
    "(3, 0, 1970, 12, 31), (4, 8507, 1980, 1, 1);"
    "CREATE TABLE condition_occurrence(person_id INTEGER, condition_concept_id INTEGER, "
    "condition_start_date DATE);"
    "INSERT INTO condition_occurrence VALUES(1, 201826, '2020-03-09'), (1, 201826, '2021-01-01'), "
    "(2, 201826, '2020-01-01'), (3, 201826, '2020-12-31'), (1, 321588, '2020-03-10'), "
    "(2, 321588, '2021-01-01'), (4, 321588, '2020-01-01'), (2, 77, '2020-01-01');"
    "CREATE TABLE measurement(measurement_id INTEGER, person_id INTEGER, "
    "measurement_concept_id INTEGER, measurement_date DATE, value_as_number NUMERIC, "
    "unit_concept_id INTEGER);"
    "INSERT INTO measurement VALUES(1, 1, 3004410, '2020-03-09', 7.5, 8554), "
    "(2, 1, 3004410, '2020-03-09', 8.5, 8554), (3, 1, 3004410, '2020-03-10', 99, 8554), "
    "(4, 1, 3004410, '2019-03-10', 6.5, 8554), (5, 1, 3004410, '2019-03-09', 1, 8554), "
    "(6, 2, 3004410, '2020-01-01', NULL, 8554), (7, 1, 3004410, '2020-01-01', 50, 1);"
    "CREATE TABLE observation_period(person_id INTEGER, observation_period_start_date DATE, "
    "observation_period_end_date DATE);"
    "INSERT INTO observation_period VALUES(1, '2000-01-01', '2022-01-01'), "
    "(2, '2019-12-01', '2020-12-30'), (3, '2000-01-01', '2021-12-31'), "
    "(4, '2000-01-01', '2022-01-01');"
    "CREATE TABLE death(person_id INTEGER, death_date DATE);"
    "INSERT INTO death VALUES(3, '2021-01-15');"
    "CREATE TABLE concept_ancestor(ancestor_concept_id INTEGER, descendant_concept_id INTEGER);"
    "INSERT INTO concept_ancestor VALUES(70, 77), (70, 70)";

constexpr const char* kCohort = R"(
[index]
event = "condition"
concepts = [201826]
[[feature]]
name = "age"
kind = "age"
[[feature]]
name = "sex"
kind = "sex"
[[feature]]
name = "hba1c"
kind = "measurement"
concepts = [3004410]
unit = 8554
window = [-365, 0]
[[feature]]
name = "below_seventy"
kind = "condition"
concepts = [70]
descendants = true
[outcome]
name = "heart_failure"
kind = "condition"
concepts = [321588]
window = [1, 365]
)";

Result<Source> SourceOf(const std::string& toml, const std::filesystem::path& folder = "/data") {
  TRY(const Settings settings, Settings::Parse(toml, "source.toml"));
  return ParseSource(settings, folder);
}

Rows Read(const std::string& toml, const std::filesystem::path& folder) {
  const auto source = SourceOf(toml, folder);
  if (!source) return {{"error: " + Describe(source.error())}};
  return RowsOf(OpenTable(*source));
}

std::string ErrorOf(const std::string& tables) {
  const auto source = SourceOf("type = \"omop\"\nserver = \"sqlite\"\nfile = \"a.db\"\n" + tables);
  return source ? "no error" : Describe(source.error());
}

const std::string kOverSqlite = "type = \"omop\"\nserver = \"sqlite\"\nfile = \"cdm.db\"\n";

class OmopTest : public ::testing::Test {
 protected:
  OmopTest() { RunSql(folder_.path() / "cdm.db", kSmallModel); }
  Rows Ask(const std::string& tables) { return Read(kOverSqlite + tables, folder_.path()); }

  TemporaryFolder folder_;
};

TEST_F(OmopTest, MakesARowForEachPersonOfTheCohort) {
  EXPECT_THAT(Ask(kCohort),
              ElementsAre(ElementsAre("1", "2020-03-09", "69", "male", "8.5", "false", "true"),
                          ElementsAre("2", "2020-01-01", "60", "female", "", "true", ""),
                          ElementsAre("3", "2020-12-31", "50", "", "", "false", "false")));
}

TEST_F(OmopTest, EveryWayToTakeAMeasurement) {
  const auto value = [&](const std::string& which, const std::string& window) {
    const Rows rows =
        Ask("[index]\nevent = \"condition\"\nconcepts = [201826]\n[[feature]]\n"
            "name = \"x\"\nkind = \"measurement\"\nconcepts = [3004410]\nvalue = \"" +
            which + "\"\nwindow = " + window + "\n");
    return rows.at(0).back();
  };
  EXPECT_EQ(value("last", "[-365, 0]"), "8.5");
  EXPECT_EQ(value("first", "[-365, 0]"), "6.5");
  EXPECT_EQ(value("min", "[-366, 0]"), "1");
  EXPECT_EQ(value("max", "[-365, 0]"), "50");
  EXPECT_EQ(value("mean", "[0, 1]"), "38.333333333333336");
  EXPECT_EQ(value("max", "[1, 1]"), "99");
  EXPECT_EQ(value("last", "[-30, -1]"), "");
}

// -- Units -------------------------------------------------------------------------------------

/// Glucose (77001) in the units of three laboratories: by the vocabulary's code, which says more
/// than a text; by the text, where there is no code; by a concept that is no unit of UCUM.
constexpr const char* kInUnits =
    "ALTER TABLE measurement ADD COLUMN unit_source_value VARCHAR(50);"
    "CREATE TABLE concept(concept_id INTEGER, vocabulary_id VARCHAR(20), "
    "concept_code VARCHAR(50));"
    "INSERT INTO concept VALUES(8840, 'UCUM', 'mg/dL'), (8753, 'UCUM', 'mmol/L'), "
    "(9999, 'Local', 'mgdl');"
    "INSERT INTO measurement VALUES(20, 1, 77001, '2020-01-01', 90, 8840, NULL), "
    "(21, 1, 77001, '2020-02-01', 5.5, 8753, 'mg/dL'), "
    "(22, 1, 77001, '2020-03-01', 1.08, 0, 'g/L'), "
    "(23, 2, 77001, '2019-12-01', 126, NULL, 'mg/dL'), "
    "(24, 2, 77001, '2019-12-01', 7.5, 8753, NULL), "
    "(25, 3, 77001, '2020-12-01', 99, 9999, NULL), "
    "(26, 3, 77001, '2021-01-01', 1, 9999, NULL)";

std::string Glucose(const std::string& use, const std::string& more = {}) {
  return "[index]\nevent = \"condition\"\nconcepts = [201826]\n[[feature]]\nname = \"glucose\"\n"
         "kind = \"measurement\"\nconcepts = [77001]\nunit = \"mmol/L\"\nanalyte = \"glucose\"\n"
         "value = \"" +
         use + "\"\nwindow = [-365, 0]\n" + more;
}

/// As a study has it.
constexpr const char* kPatientColumn = "[[column]]\nname = \"patient\"\nfrom = \"person_id\"\n";

class OmopUnitsTest : public OmopTest {
 protected:
  OmopUnitsTest() { RunSql(folder_.path() / "cdm.db", kInUnits); }
  LoadedTable Load(const std::string& tables, const std::string& unit = "mmol/L") {
    const auto source = SourceOf(kOverSqlite + tables + kPatientColumn, folder_.path());
    EXPECT_TRUE(source.has_value()) << Describe(source.error());
    auto loaded =
        LoadSource(*source, MakeContract("patient = \"patient\"\n[[column]]\nname = \"glucose\"\n"
                                         "type = \"number\"\nrange = [0, 1000]\nunit = \"" +
                                         unit + "\"\n"));
    EXPECT_TRUE(loaded.has_value()) << Describe(loaded.error());
    return std::move(*loaded);
  }
};

const std::string kLocalUnit = "unit_map = { \"concept 9999\" = \"mg/dL\" }\n";

/// By hand, with 180.156 g/mol: 90, 108, 126 and 99 mg/dL are 4.99567, 5.99480, 6.99394 and 5.49524
/// mmol/L.
TEST_F(OmopUnitsTest, EachMeasurementIsConvertedByItsUnit) {
  const auto near = [](double value) { return ::testing::DoubleNear(value, 0.00001); };
  const auto values = [&](const char* use) {
    const LoadedTable loaded = Load(Glucose(use, kLocalUnit));
    EXPECT_FALSE(loaded.report.HasProblems()) << RenderText(loaded.report);
    EXPECT_THAT(loaded.table.patients, ElementsAre("1", "2", "3"));
    return loaded.table.columns[0];
  };
  EXPECT_THAT(values("first"), ElementsAre(near(4.99567), near(6.99394), near(5.49524)));
  EXPECT_THAT(values("last"), ElementsAre(near(5.99480), near(7.5), near(5.49524)));
  EXPECT_THAT(values("min"), ElementsAre(near(4.99567), near(6.99394), near(5.49524)));
  EXPECT_THAT(values("max"), ElementsAre(near(5.99480), near(7.5), near(5.49524)));
  EXPECT_THAT(values("mean"), ElementsAre(near(5.49682), near(7.24697), near(5.49524)));
}

/// A contract in mg/dL gets it, whatever unit the source file chose.
TEST_F(OmopUnitsTest, AContractGetsItsOwnUnit) {
  const LoadedTable loaded = Load(Glucose("first", kLocalUnit), "mg/dL");
  ASSERT_FALSE(loaded.report.HasProblems()) << RenderText(loaded.report);
  const std::vector<double>& glucose = loaded.table.columns[0];
  EXPECT_NEAR(glucose[0], 90, 1e-9);
  EXPECT_NEAR(glucose[1], 126, 1e-9);
  EXPECT_NEAR(glucose[2], 99, 1e-9);
}

TEST_F(OmopUnitsTest, AnUnknownUnitIsAProblemThatIsCountedAndNamed) {
  for (const char* use : {"last", "mean"}) {
    const LoadedTable loaded = Load(Glucose(use));
    const ColumnQuality& glucose = loaded.report.columns[0];
    EXPECT_EQ(glucose.values, 2U);
    EXPECT_EQ(glucose.problems.at(DataFault::kUnknownUnit).count, 1U);
    EXPECT_EQ(glucose.problems.at(DataFault::kUnknownUnit).patients, 1U);
    EXPECT_EQ(glucose.unknown_units, (std::map<std::string, std::uint64_t>{{"concept 9999", 1}}));
    EXPECT_THAT(RenderJson(loaded.report),
                HasSubstr("the measurements of \\\"glucose\\\" in cdm.db:6"));
  }
  // One that is not meant, and one beyond the window, are no matter.
  RunSql(folder_.path() / "cdm.db",
         "INSERT INTO measurement VALUES(27, 3, 77001, '2020-12-30', 5, 8753, NULL)");
  EXPECT_FALSE(Load(Glucose("last")).report.HasProblems());
  EXPECT_TRUE(Load(Glucose("mean")).report.HasProblems());
}

TEST_F(OmopUnitsTest, ANumberIsAConceptThatMeasurementsMustHave) {
  const Rows rows =
      Ask("[index]\nevent = \"condition\"\nconcepts = [201826]\n[[feature]]\nname = \"glucose\"\n"
          "kind = \"measurement\"\nconcepts = [77001]\nunit = 8753\n");
  EXPECT_THAT(
      rows, ElementsAre(ElementsAre("1", "2020-03-09", "5.5"),
                        ElementsAre("2", "2020-01-01", "7.5"), ElementsAre("3", "2020-12-31", "")));
}

TEST(OmopUnitErrorsTest, WhatCannotBeAUnitIsSaidBeforeAnythingIsAsked) {
  EXPECT_THAT(ErrorOf(Glucose("last", "unit_map = { a = \"kPa\" }\n")),
              HasSubstr("cannot become \"mmol/L\""));
  std::string tables = Glucose("last");
  tables.replace(tables.find("mmol/L"), 6, "furlong");
  EXPECT_THAT(ErrorOf(tables), HasSubstr("furlong"));
  tables = Glucose("last");
  tables.replace(tables.find("mmol/L"), 6, "mm[Hg]");
  EXPECT_THAT(ErrorOf(tables), HasSubstr("glucose is not measured in"));
  EXPECT_THAT(ErrorOf("[index]\nevent = \"condition\"\nconcepts = [1]\n[[feature]]\nname = \"a\"\n"
                      "kind = \"condition\"\nconcepts = [2]\nunit = \"a\"\n"),
              HasSubstr("only a measurement has a unit"));
  EXPECT_THAT(ErrorOf(Glucose("last") + "[[feature]]\nname = \"glucose\"\nkind = \"age\"\n"),
              HasSubstr("two columns are called glucose"));
}

TEST_F(OmopTest, AllPersonsOnOneDayAndOutcomesOfEveryKind) {
  const std::string person =
      "[index]\nevent = \"person\"\ndate = 2021-01-01\n[outcome]\nname = \"y\"\n";
  EXPECT_THAT(
      Ask(person + "kind = \"death\"\nwindow = [0, 30]\n"),
      ElementsAre(ElementsAre("1", "2021-01-01", "false"), ElementsAre("2", "2021-01-01", ""),
                  ElementsAre("3", "2021-01-01", "true"), ElementsAre("4", "2021-01-01", "false")));
  EXPECT_THAT(
      Ask(person + "kind = \"death\"\nwindow = [0, 13]\nnot_observed = \"no_event\"\n"),
      ElementsAre(ElementsAre("1", "2021-01-01", "false"), ElementsAre("2", "2021-01-01", "false"),
                  ElementsAre("3", "2021-01-01", "false"),
                  ElementsAre("4", "2021-01-01", "false")));
}

TEST_F(OmopTest, PersonsMustHaveBeenObservedLongEnoughBefore) {
  const Rows rows =
      Ask("[index]\nevent = \"condition\"\nconcepts = [201826]\n"
          "observed_before = 180\n");
  EXPECT_THAT(rows, ElementsAre(ElementsAre("1", "2020-03-09"), ElementsAre("3", "2020-12-31")));
}

TEST_F(OmopTest, WhatIsWrongIsNamedWithItsPlace) {
  const std::string index = "[index]\nevent = \"condition\"\nconcepts = [1]\n";
  EXPECT_THAT(ErrorOf(""), HasSubstr("index"));
  EXPECT_THAT(ErrorOf("[index]\nevent = \"conditions\"\n"), HasSubstr("source.toml:5"));
  EXPECT_THAT(ErrorOf("[index]\nevent = \"drug\"\nconcepts = []\n"), HasSubstr("list is empty"));
  EXPECT_THAT(ErrorOf("[index]\nevent = \"drug\"\nconcepts = [1.5]\n"), HasSubstr("whole numbers"));
  EXPECT_THAT(ErrorOf(index + "[[feature]]\nname = \"a\\\"b\"\nkind = \"age\"\n"),
              HasSubstr("letters, digits and _"));
  EXPECT_THAT(ErrorOf(index + "[[feature]]\nname = \"a\"\nkind = \"age\"\n[[feature]]\nname = "
                              "\"a\"\nkind = \"sex\"\n"),
              HasSubstr("two columns are called a"));
  EXPECT_THAT(ErrorOf(index + "[[feature]]\nname = \"a\"\nkind = \"age\"\nwindow = [0, 1]\n"),
              HasSubstr("window"));
  EXPECT_THAT(ErrorOf(index + "[outcome]\nname = \"y\"\nkind = \"death\"\n"),
              HasSubstr("needs a window"));
  EXPECT_THAT(ErrorOf(index + "[outcome]\nname = \"y\"\nkind = \"death\"\nwindow = [-1, 3]\n"),
              HasSubstr("before the index date"));
  EXPECT_THAT(ErrorOf("schema = \"cdm; DROP\"\n" + index), HasSubstr("small letters"));
}

// -- Persons of Synthea, and PostgreSQL --------------------------------------------------------

std::filesystem::path SyntheaFolder() { return ClinicalData("omop_synthea27nj") / "csv"; }

std::string Quoted(std::string_view field) {
  if (field.empty()) return "NULL";
  std::string quoted = "'";
  for (const char c : field) quoted += c == '\'' ? std::string("''") : std::string(1, c);
  return quoted + "'";
}

/// Types by the names of the data model's columns.
std::string TypeOf(const std::string& column) {
  if (column.ends_with("_date")) return "DATE";
  if (column == "value_as_number") return "NUMERIC";
  const bool number = column == "person_id" || column.ends_with("_concept_id") ||
                      column.ends_with("_of_birth") || column == "measurement_id";
  return number ? "INTEGER" : "TEXT";
}

/// CREATE TABLE and INSERT statements of one file, for any database.
std::string StatementsOf(const std::filesystem::path& file, const std::string& table) {
  const auto reader = CsvReader::Open(file, {.delimiter = ','}).value();
  std::string statements = "CREATE TABLE " + table + "(";
  for (std::size_t i = 0; i < reader->header().size(); ++i) {
    const std::string& column = reader->header()[i];
    statements += (i == 0 ? "" : ", ") + column + " " + TypeOf(column);
  }
  statements += ");";
  TableRow row;
  while (reader->Next(row).value()) {
    statements += "INSERT INTO " + table + " VALUES(";
    for (std::size_t i = 0; i < row.fields.size(); ++i) {
      statements += (i == 0 ? "" : ",") + Quoted(row.fields[i]);
    }
    statements += ");";
  }
  return statements;
}

std::string SyntheaModel() {
  std::string statements = "BEGIN;";
  for (const auto& [file, table] : std::vector<std::pair<std::string, std::string>>{
           {"PERSON.csv", "person"},
           {"CONDITION_OCCURRENCE.csv", "condition_occurrence"},
           {"MEASUREMENT.csv", "measurement"},
           {"OBSERVATION_PERIOD.csv", "observation_period"},
           {"DRUG_EXPOSURE.csv", "drug_exposure"},
           {"VISIT_OCCURRENCE.csv", "visit_occurrence"},
           {"DEATH.csv", "death"}}) {
    statements += StatementsOf(SyntheaFolder() / file, table);
  }
  return statements + "COMMIT;";
}

/// First viral sinusitis (40481087); the last body weight in ten years before, prediabetes-free
/// history by concept, sex; another bronchitis (260139) within five years.
constexpr const char* kSyntheaCohort = R"(
[index]
event = "condition"
concepts = [40481087]
[[feature]]
name = "weight"
kind = "measurement"
concepts = [3025315]
window = [-3650, 0]
[[feature]]
name = "bronchitis_before"
kind = "condition"
concepts = [260139]
[[feature]]
name = "age"
kind = "age"
[outcome]
name = "bronchitis"
kind = "condition"
concepts = [260139]
window = [1, 1825]
)";

/// The same by hand, with joins and window functions in place of what the program writes.
constexpr const char* kByHand = R"(
WITH first AS (
  SELECT person_id, condition_start_date AS day,
         ROW_NUMBER() OVER (PARTITION BY person_id ORDER BY condition_start_date) AS n
  FROM condition_occurrence WHERE condition_concept_id = 40481087),
weights AS (
  SELECT f.person_id, m.value_as_number AS weight,
         ROW_NUMBER() OVER (PARTITION BY f.person_id
                            ORDER BY m.measurement_date DESC, m.measurement_id DESC) AS n
  FROM first f JOIN measurement m ON m.person_id = f.person_id AND f.n = 1
  WHERE m.measurement_concept_id = 3025315 AND m.value_as_number IS NOT NULL
    AND julianday(f.day) - julianday(m.measurement_date) BETWEEN 0 AND 3650),
bronchitis AS (
  SELECT f.person_id,
         MAX(julianday(c.condition_start_date) <= julianday(f.day)) AS before,
         MAX(julianday(c.condition_start_date) - julianday(f.day) BETWEEN 1 AND 1825) AS after
  FROM first f JOIN condition_occurrence c ON c.person_id = f.person_id AND f.n = 1
  WHERE c.condition_concept_id = 260139 GROUP BY f.person_id),
followed AS (
  SELECT f.person_id,
         MAX(julianday(o.observation_period_end_date) - julianday(f.day)) AS days
  FROM first f JOIN observation_period o ON o.person_id = f.person_id AND f.n = 1
  GROUP BY f.person_id)
SELECT f.person_id, f.day, w.weight,
       CASE WHEN b.before = 1 THEN 'true' ELSE 'false' END,
       CAST((CAST(strftime('%Y%m%d', f.day) AS INTEGER) - (p.year_of_birth * 10000
             + p.month_of_birth * 100 + p.day_of_birth)) / 10000 AS INTEGER),
       CASE WHEN b.after = 1 THEN 'true' WHEN l.days >= 1825 THEN 'false' END
FROM first f JOIN person p ON p.person_id = f.person_id
LEFT JOIN weights w ON w.person_id = f.person_id AND w.n = 1
LEFT JOIN bronchitis b ON b.person_id = f.person_id
LEFT JOIN followed l ON l.person_id = f.person_id
WHERE f.n = 1 ORDER BY f.person_id
)";

Rows ByHand(const std::filesystem::path& file) {
  Rows rows;
  sqlite3* database = nullptr;
  EXPECT_EQ(sqlite3_open(file.c_str(), &database), SQLITE_OK);
  const auto take = [](void* to, int count, char** texts, char**) {
    auto& row = static_cast<Rows*>(to)->emplace_back();
    for (int i = 0; i < count; ++i) row.emplace_back(texts[i] == nullptr ? "" : texts[i]);
    return 0;
  };
  char* error = nullptr;
  EXPECT_EQ(sqlite3_exec(database, kByHand, take, &rows, &error), SQLITE_OK)
      << (error == nullptr ? "" : error);
  sqlite3_free(error);
  sqlite3_close(database);
  return rows;
}

/// Numbers are written with more or fewer zeros by different databases.
Rows WithNumbersAlike(Rows rows) {
  for (auto& row : rows) {
    for (std::string& field : row) {
      if (field.find('.') == std::string::npos) continue;
      field.erase(field.find_last_not_of('0') + 1);
      if (field.ends_with('.')) field.pop_back();
    }
  }
  return rows;
}

std::string OverPostgresql(const PostgresqlServer& server, const TemporaryFolder& folder) {
  const auto secret = folder.Write("secret", PostgresqlServer::password());
  std::filesystem::permissions(secret, std::filesystem::perms(0600));
  return "type = \"omop\"\nserver = \"postgresql\"\nhost = \"127.0.0.1\"\nport = " +
         std::to_string(server.port()) + "\ndatabase = \"" + PostgresqlServer::database() +
         "\"\nuser = \"" + PostgresqlServer::user() + "\"\npassword_file = \"secret\"\n";
}

TEST(OmopSyntheaTest, ACohortEqualsTheOneByHand) {
  REQUIRE_CLINICAL_DATA("omop_synthea27nj");
  TemporaryFolder folder;
  RunSql(folder.path() / "cdm.db", SyntheaModel());
  const Rows rows = Read(kOverSqlite + kSyntheaCohort, folder.path());
  ASSERT_GE(rows.size(), 10U);
  EXPECT_EQ(WithNumbersAlike(rows), WithNumbersAlike(ByHand(folder.path() / "cdm.db")));
  for (const char* outcome : {"true", "false"}) {
    EXPECT_TRUE(std::any_of(rows.begin(), rows.end(), [&](const auto& row) {
      return row.back() == outcome;
    })) << outcome;
  }
}

TEST(OmopPostgresqlTest, GivesTheSameCohortsAsSqlite) {
  if (!PostgresqlServer::IsInstalled()) {
    GTEST_SKIP() << "postgresql is not installed; scripts/packages has it";
  }
  const PostgresqlServer server;
  TemporaryFolder folder;
  const std::string over_postgresql = OverPostgresql(server, folder);
  server.Run(std::string("CREATE SCHEMA small; SET search_path = small;") + kSmallModel);
  RunSql(folder.path() / "cdm.db", kSmallModel);
  const Rows small = Read(over_postgresql + "schema = \"small\"\n" + kCohort, folder.path());
  EXPECT_EQ(WithNumbersAlike(small), WithNumbersAlike(Read(kOverSqlite + kCohort, folder.path())));
  EXPECT_EQ(small.size(), 3U);
  server.Run(std::string("SET search_path = small;") + kInUnits);
  RunSql(folder.path() / "cdm.db", kInUnits);
  for (const char* use : {"last", "mean"}) {
    const Rows units = Read(over_postgresql + "schema = \"small\"\n" + Glucose(use), folder.path());
    EXPECT_EQ(WithNumbersAlike(units),
              WithNumbersAlike(Read(kOverSqlite + Glucose(use), folder.path())));
    EXPECT_EQ(units.at(0).size(), 3U);
  }

  if (!std::filesystem::exists(SyntheaFolder() / "PERSON.csv")) return;
  TemporaryFolder synthea;
  const std::string model = SyntheaModel();
  RunSql(synthea.path() / "cdm.db", model);
  server.Run(model);
  EXPECT_EQ(WithNumbersAlike(Read(over_postgresql + kSyntheaCohort, folder.path())),
            WithNumbersAlike(Read(kOverSqlite + kSyntheaCohort, synthea.path())));
}

}  // namespace
}  // namespace consilium
