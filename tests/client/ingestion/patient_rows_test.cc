// Values out of several rows of a patient: client/ingestion/patient_rows.h, row_groups.h,
// row_takes.h, held_rows.h, taken_value.h.

#include "client/ingestion/patient_rows.h"

#include <cmath>
#include <filesystem>
#include <limits>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/ingestion/held_rows.h"
#include "client/ingestion/row_groups.h"
#include "client/ingestion/row_takes.h"
#include "client/ingestion/taken_value.h"
#include "client/quality/places.h"
#include "tests/client/study_builder.h"
#include "tests/client/temporary_folder.h"

namespace consilium {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::NanSensitiveDoubleEq;

constexpr double kMissing = std::numeric_limits<double>::quiet_NaN();

constexpr const char* kLabs =
    "PatNr;Datum;Test;Wert;Einheit\n"
    "1;01.03.2020;GLU;99;mg/dL\n"
    "1;15.02.2020 08:30;GLU;6,5;mmol/L\n"
    "1;15.02.2020 17:00;GLU;7,5;mmol/L\n"
    "1;01.01.2019;GLU;20;mmol/L\n"
    "1;15.02.2020;CREA;80;umol/L\n"
    "2;01.06.2020;GLU;k.A.;mg/dL\n"
    "2;;GLU;5,5;mmol/L\n"
    "3;01.06.2020;GLU;180,156;mg/dL\n"
    "9;01.06.2020;GLU;5,5;mmol/L\n";
constexpr const char* kPatients =
    "PatNr;OP;Sex\n1;01.03.2020;m\n2;05.06.2020;w\n3;05.06.2020;w\n4;;m\n";

constexpr const char* kGroup =
    "[[rows]]\ntype = \"csv\"\nfile = \"labs.csv\"\npatient = \"PatNr\"\ndate = \"Datum\"\n"
    "index = \"OP\"\n";

std::string Take(const std::string& name, const std::string& use, const std::string& more = {}) {
  return "[[rows.take]]\nname = \"" + name + "\"\nuse = \"" + use + "\"\n" +
         "where = { Test = \"GLU\" }\nwindow = [-365, 0]\n" + more;
}

const std::string kGlucose =
    "from = \"Wert\"\nunit_from = \"Einheit\"\nunit = \"mmol/L\"\nanalyte = \"glucose\"\n";

std::string Contract(const std::vector<std::string>& names, const std::string& more = {}) {
  std::string text = "patient = \"PatNr\"\n" + more;
  for (const std::string& name : names) {
    text += "[[column]]\nname = \"" + name + "\"\ntype = \"number\"\nrange = [0, 1000]\n";
  }
  return text;
}

class PatientRowsTest : public ::testing::Test {
 protected:
  PatientRowsTest() {
    folder_.Write("labs.csv", kLabs);
    folder_.Write("patients.csv", kPatients);
  }

  Result<LoadedTable> Load(const std::string& rows,
                           const std::string& contract,
                           const std::string& file = "patients.csv") {
    const auto source_file =
        folder_.Write("source.toml", "type = \"csv\"\nfile = \"" + file +
                                         "\"\ndecimal = \",\"\ndate_format = \"DD.MM.YYYY\"\n"
                                         "missing = [\"k.A.\"]\n" +
                                         rows);
    TRY(const Source source, ReadSource(source_file));
    return LoadSource(source, MakeContract(contract));
  }

  std::vector<double> Column(const std::string& rows, const std::string& name) {
    const auto loaded = Load(rows, Contract({name}));
    EXPECT_TRUE(loaded.has_value()) << Describe(loaded.error());
    if (!loaded) return {};
    EXPECT_FALSE(loaded->report.HasProblems()) << RenderText(loaded->report);
    return loaded->table.columns[0];
  }

  std::string ErrorFor(const std::string& rows, const std::string& file = "patients.csv") {
    const auto loaded = Load(rows, Contract({"x"}), file);
    return loaded ? "no error" : Describe(loaded.error());
  }

  TemporaryFolder folder_;
};

TEST_F(PatientRowsTest, TakesOneValueAPatientOutOfAWindow) {
  const auto nan = NanSensitiveDoubleEq(kMissing);
  const double third = 180.156 * 10 / 180.156;
  const double today = 99 * 10 / 180.156;
  const auto near = [](double value) { return ::testing::DoubleNear(value, 1e-12); };
  const std::string group = kGroup;
  EXPECT_THAT(Column(group + Take("x", "first", kGlucose), "x"),
              ElementsAre(6.5, nan, near(third), nan));
  EXPECT_THAT(Column(group + Take("x", "last", kGlucose), "x"),
              ElementsAre(near(today), nan, near(third), nan));
  EXPECT_THAT(Column(group + Take("x", "mean", kGlucose), "x"),
              ElementsAre(near((6.5 + 7.5 + today) / 3), nan, near(third), nan));
  EXPECT_THAT(Column(group + Take("x", "min", kGlucose), "x"),
              ElementsAre(near(today), nan, near(third), nan));
  EXPECT_THAT(Column(group + Take("x", "max", kGlucose), "x"),
              ElementsAre(7.5, nan, near(third), nan));
  // A count of nothing is 0, but not where there is no day to count from.
  EXPECT_THAT(Column(group + Take("x", "count", "from = \"Wert\"\n"), "x"),
              ElementsAre(3, 0, 1, nan));
}

/// Both ends of a window belong to it.
TEST_F(PatientRowsTest, AWindowHasBothItsEnds) {
  folder_.Write(
      "labs.csv",
      "PatNr;Datum;Wert\n1;20.02.2020;1\n1;21.02.2020;2\n1;01.03.2020;3\n1;02.03.2020;4\n");
  const std::string take = "[[rows.take]]\nname = \"x\"\nuse = \"count\"\nwindow = [-9, 0]\n";
  EXPECT_EQ(Column(kGroup + take, "x").at(0), 2);
}

TEST_F(PatientRowsTest, RowsOfTheSourceItselfBecomeOneAPatient) {
  folder_.Write("long.csv",
                "PatNr;Sex;Index;Datum;Wert\n1;1;10.01.2020;01.01.2020;5\n2;0;;01.01.2020;7\n"
                "1;;10.01.2020;05.01.2020;6\n1;1;;20.01.2020;9\n;1;;;\n");
  const auto loaded = Load(
      "[[rows]]\npatient = \"PatNr\"\ndate = \"Datum\"\nindex = \"Index\"\n"
      "[[rows.take]]\nname = \"x\"\nuse = \"last\"\nfrom = \"Wert\"\nwindow = [-30, 0]\n"
      "[[rows.take]]\nname = \"after\"\nuse = \"any\"\nwindow = [1, 30]\n"
      "[[column]]\nname = \"after\"\nmap = { true = \"1\", false = \"0\" }\n",
      Contract({"x", "Sex", "after"}, "one_row_per_patient = true\n"), "long.csv");
  ASSERT_TRUE(loaded.has_value()) << Describe(loaded.error());
  EXPECT_THAT(loaded->table.patients, ElementsAre("1", "2", ""));
  const auto nan = NanSensitiveDoubleEq(kMissing);
  EXPECT_THAT(loaded->table.columns[0], ElementsAre(6, nan, nan));
  EXPECT_THAT(loaded->table.columns[1], ElementsAre(1, 0, 1));
  EXPECT_THAT(loaded->table.columns[2], ElementsAre(1, nan, nan));
  EXPECT_EQ(loaded->report.patient_missing.count, 1U);
  EXPECT_EQ(loaded->report.patient_repeated.count, 0U);
}

TEST_F(PatientRowsTest, AColumnThatDiffersBetweenAPatientsRowsIsNotGuessed) {
  folder_.Write("long.csv", "PatNr;x;Wert\n1;5;1\n2;7;1\n1;6;1\n");
  EXPECT_THAT(ErrorFor("[[rows]]\npatient = \"PatNr\"\n[[rows.take]]\nname = \"n\"\nuse = "
                       "\"count\"\n",
                       "long.csv"),
              AllOf(HasSubstr("long.csv:4"), HasSubstr("\"x\" differs"), HasSubstr("rows.take")));
}

/// The index date may itself be taken: the first day on which a diagnosis was made.
TEST_F(PatientRowsTest, AnEarlierGroupMayGiveTheIndexDate) {
  folder_.Write("diagnoses.csv",
                "Pat;Tag;ICD\n1;01.03.2020;E11\n1;01.05.2021;E11\n3;05.06.2020;I10\n");
  const std::string first =
      "[[rows]]\ntype = \"csv\"\nfile = \"diagnoses.csv\"\npatient = \"Pat\"\nsame_as = \"PatNr\"\n"
      "date = \"Tag\"\n[[rows.take]]\nname = \"diabetes\"\nuse = \"first\"\nfrom = \"Tag\"\n"
      "where = { ICD = [\"E11\", \"E10\"] }\n";
  const std::string second =
      "[[rows]]\ntype = \"csv\"\nfile = \"labs.csv\"\npatient = \"PatNr\"\ndate = \"Datum\"\n"
      "index = \"diabetes\"\n" +
      Take("x", "max", kGlucose);
  const auto nan = NanSensitiveDoubleEq(kMissing);
  EXPECT_THAT(Column(first + second, "x"), ElementsAre(7.5, nan, nan, nan));
}

/// Another table may write numbers and days otherwise: what is taken out of it is written as the
/// source is, and what could be misread stops the reading.
TEST_F(PatientRowsTest, AnotherTableMayWriteNumbersAndDaysInItsOwnWay) {
  folder_.Write("labs.csv", "PatNr,Datum,Wert\n1,2020-02-15,6.5\n2,2020-06-01,1.234\n");
  const std::string group = std::string(kGroup) + "decimal = \".\"\ndate_format = \"YYYY-MM-DD\"\n";
  const std::string take =
      "[[rows.take]]\nname = \"x\"\nuse = \"last\"\nfrom = \"Wert\"\nwindow = [-365, 0]\n";
  const auto nan = NanSensitiveDoubleEq(kMissing);
  EXPECT_THAT(Column(group + take, "x"), ElementsAre(6.5, 1.234, nan, nan));
  folder_.Write("labs.csv", "PatNr;Datum;Wert\n1;2020-02-15;6,5\n");
  EXPECT_THAT(ErrorFor(group + take),
              AllOf(HasSubstr("labs.csv:2"), HasSubstr("another notation")));
}

/// Observations of an export, each with its coded unit and a time with a zone, beside a table of
/// patients.
TEST_F(PatientRowsTest, RowsMayBeResourcesOfAnExport) {
  const auto observation = [](const char* patient, const char* time, const char* quantity) {
    return std::string(R"({"resourceType":"Observation","subject":{"reference":"Patient/)") +
           patient + R"("},"effectiveDateTime":")" + time + R"(","valueQuantity":)" + quantity +
           "}\n";
  };
  folder_.Write("labs.ndjson",
                observation("1", "2020-02-15T08:30:00+01:00", R"({"value":99,"code":"mg/dL"})") +
                    observation("1", "2020-02-16T08:30:00Z", R"({"value":5.5,"code":"mmol/L"})") +
                    observation("1", "2020-03-02", R"({"value":20,"code":"mmol/L"})") +
                    observation("3", "2020-06-05", R"({"value":0.9,"code":"g/L"})"));
  folder_.Write("labs.json", R"json({"resource":"Observation","select":[{"column":[
      {"name":"patient","path":"subject.getReferenceKey(Patient)"},
      {"name":"time","path":"effective.ofType(dateTime)"},
      {"name":"value","path":"value.ofType(Quantity).value"},
      {"name":"unit","path":"value.ofType(Quantity).code"}]}]})json");
  const std::string group =
      "[[rows]]\ntype = \"fhir\"\nfiles = [\"labs.ndjson\"]\nview = \"labs.json\"\n"
      "decimal = \".\"\ndate_format = \"YYYY-MM-DD\"\npatient = \"patient\"\n"
      "same_as = \"PatNr\"\ndate = \"time\"\nindex = \"OP\"\n"
      "[[rows.take]]\nname = \"x\"\nuse = \"mean\"\nfrom = \"value\"\nwindow = [-365, 0]\n"
      "unit_from = \"unit\"\nunit = \"mmol/L\"\nanalyte = \"glucose\"\n";
  const std::vector<double> values = Column(group, "x");
  ASSERT_EQ(values.size(), 4U);
  EXPECT_NEAR(values[0], (990 / 180.156 + 5.5) / 2, 1e-12);
  EXPECT_TRUE(std::isnan(values[1]));
  EXPECT_NEAR(values[2], 900 / 180.156, 1e-12);
}

TEST_F(PatientRowsTest, ProblemsOfTakenValuesHaveTheirFileAndLine) {
  folder_.Write("labs.csv",
                "PatNr;Datum;Test;Wert;Einheit\n1;15.02.2020;GLU;low;mmol/L\n"
                "3;01.06.2020;GLU;5000;mmol/L\n");
  const auto loaded = Load(kGroup + Take("x", "mean", "from = \"Wert\"\n"), Contract({"x"}));
  ASSERT_TRUE(loaded.has_value()) << Describe(loaded.error());
  const std::string text = RenderText(loaded->report);
  EXPECT_THAT(text, AllOf(HasSubstr("labs.csv:2"), HasSubstr("1 x not a number"),
                          HasSubstr("1 x out of range")));
}

TEST_F(PatientRowsTest, WhatCannotBeReadStopsTheReadingWithItsPlace) {
  folder_.Write("labs.csv", "PatNr;Datum;Test;Wert;Einheit\n1;2020-02-15;GLU;5;mmol/L\n");
  EXPECT_THAT(ErrorFor(kGroup + Take("x", "mean", kGlucose)),
              AllOf(HasSubstr("labs.csv:2: column \"Datum\""), HasSubstr("date_format")));
  folder_.Write("patients.csv", "PatNr;OP\n1;01.03.2020\n1;02.03.2020\n");
  folder_.Write("labs.csv", kLabs);
  EXPECT_THAT(ErrorFor(kGroup + Take("x", "mean", kGlucose)),
              AllOf(HasSubstr("patients.csv:3"), HasSubstr("another day")));
}

TEST_F(PatientRowsTest, AnUnknownUnitIsAProblemThatIsCountedAndNamed) {
  folder_.Write("labs.csv",
                "PatNr;Datum;Test;Wert;Einheit\n1;15.02.2020;GLU;5;secret\n"
                "2;01.06.2020;GLU;90;\n3;01.06.2020;GLU;5;mm[Hg]\n");
  for (const char* use : {"mean", "last", "first", "min", "max"}) {
    const auto loaded = Load(kGroup + Take("x", use, kGlucose), Contract({"x"}));
    ASSERT_TRUE(loaded.has_value()) << Describe(loaded.error());
    const ColumnQuality& x = loaded->report.columns[0];
    EXPECT_EQ(x.problems.at(DataFault::kUnknownUnit).count, 3U);
    EXPECT_EQ(x.problems.at(DataFault::kUnknownUnit).patients, 3U);
    EXPECT_EQ(x.unknown_units, (std::map<std::string, std::uint64_t>{{"", 1}, {"mm[Hg]", 1}}));
    EXPECT_EQ(x.values, 0U);
    const std::string text = RenderText(loaded->report);
    EXPECT_THAT(text, AllOf(HasSubstr("labs.csv:2"), HasSubstr("`unit_map`"),
                            ::testing::Not(HasSubstr("secret"))));
  }
  // What a value becomes is no reason to take one without a unit for it; a translation is.
  folder_.Write("labs.csv", "PatNr;Datum;Test;Wert;Einheit\n1;15.02.2020;GLU;90;\n");
  EXPECT_NEAR(
      Column(kGroup + Take("x", "mean", kGlucose + "unit_map = { \"\" = \"mg/dL\" }\n"), "x").at(0),
      4.996, 0.0005);
}

/// A laboratory's odd row of years ago is no obstacle to the last one.
TEST_F(PatientRowsTest, OnlyTheRowThatIsMeantCanBeFaulty) {
  folder_.Write("labs.csv",
                "PatNr;Datum;Test;Wert;Einheit\n1;15.02.2020;GLU;6,5;mmol/L\n"
                "1;10.02.2020;GLU;7;furlong\n1;11.02.2020;GLU;low;mmol/L\n"
                "1;01.01.1960;GLU;7;furlong\n1;15.02.2020;CREA;7;furlong\n");
  const auto problems = [&](const char* use) {
    const auto loaded = Load(kGroup + Take("x", use, kGlucose), Contract({"x"}));
    EXPECT_TRUE(loaded.has_value()) << Describe(loaded.error());
    return loaded->report.columns[0].problems;
  };
  const auto nan = NanSensitiveDoubleEq(kMissing);
  EXPECT_THAT(Column(kGroup + Take("x", "last", kGlucose), "x"), ElementsAre(6.5, nan, nan, nan));
  EXPECT_THAT(problems("first").at(DataFault::kUnknownUnit).lines, ElementsAre(PlaceInFile(1, 3)));
  // Every row is part of a mean, and of a least value.
  for (const char* use : {"mean", "min", "max"}) {
    EXPECT_THAT(problems(use).at(DataFault::kUnknownUnit).lines, ElementsAre(PlaceInFile(1, 3)));
  }
  // The same in another notation, where a text that could be misread stops the reading.
  folder_.Write("labs.csv",
                "PatNr,Datum,Wert\n1,2020-02-15,6.5\n1,2020-02-10,\"6,5\"\n1,2020-02-09,7.5\n");
  const std::string group = std::string(kGroup) + "decimal = \".\"\ndate_format = \"YYYY-MM-DD\"\n";
  const auto take = [&](const std::string& days) {
    return group +
           "[[rows.take]]\nname = \"x\"\nuse = \"last\"\nfrom = \"Wert\"\nwindow = " + days + "\n";
  };
  EXPECT_THAT(Column(take("[-365, 0]"), "x"), ElementsAre(6.5, nan, nan, nan));
  EXPECT_THAT(ErrorFor(take("[-365, -20]")),
              AllOf(HasSubstr("labs.csv:3"), HasSubstr("another notation")));
}

/// Nobody takes 007 for 7: not where another notation is translated, not where codes are sought.
TEST_F(PatientRowsTest, CodesStayTexts) {
  folder_.Write("patients.csv", "PatNr;OP\n007;01.03.2020\n8;01.03.2020\n");
  folder_.Write("labs.csv",
                "PatNr,Datum,Wert\n007,2020-02-15,0042\n8,2020-02-15,12345678901234567890\n");
  const std::string group =
      std::string(kGroup) +
      "decimal = \".\"\ndate_format = \"YYYY-MM-DD\"\nmissing = [\"7\", \"42\"]\n"
      "[[rows.take]]\nname = \"x\"\nuse = \"last\"\nfrom = \"Wert\"\n";
  const auto loaded = Load(group,
                           "patient = \"PatNr\"\n[[column]]\nname = \"x\"\ntype = \"category\"\n"
                           "levels = [\"0042\", \"12345678901234567890\"]\n");
  ASSERT_TRUE(loaded.has_value()) << Describe(loaded.error());
  EXPECT_FALSE(loaded->report.HasProblems()) << RenderText(loaded->report);
  EXPECT_THAT(loaded->table.columns[0], ElementsAre(0, 1));
}

/// A code is none of the values that are converted or averaged, wherever it is said.
TEST_F(PatientRowsTest, CodesOfTheColumnAreMissingAmongTheRows) {
  folder_.Write("labs.csv",
                "PatNr;Datum;Test;Wert;Einheit\n1;15.02.2020;GLU;6;mmol/L\n"
                "1;16.02.2020;GLU;-9;mg/dL\n1;17.02.2020;GLU;-9,0;mmol/L\n");
  const std::string column = "[[column]]\nname = \"x\"\nmissing = [\"-9\"]\n";
  const auto nan = NanSensitiveDoubleEq(kMissing);
  for (const char* use : {"mean", "last", "min"}) {
    EXPECT_THAT(Column(kGroup + Take("x", use, kGlucose) + column, "x"),
                ElementsAre(6, nan, nan, nan))
        << use;
  }
}

/// By hand: 6 mmol/L x 180.156 g/mol = 108.0936 mg/dL.
TEST_F(PatientRowsTest, TakenValuesBecomeTheContractsUnit) {
  folder_.Write("labs.csv", "PatNr;Datum;Test;Wert;Einheit\n1;15.02.2020;GLU;6;mmol/L\n");
  const std::string contract =
      "patient = \"PatNr\"\n[[column]]\nname = \"x\"\ntype = \"number\"\nunit = \"mg/dL\"\n"
      "range = [0, 1000]\n";
  const std::string rows = kGroup + Take("x", "last", kGlucose);
  const auto loaded = Load(rows, contract);
  ASSERT_TRUE(loaded.has_value()) << Describe(loaded.error());
  EXPECT_NEAR(loaded->table.columns[0].at(0), 108.0936, 1e-9);
  const auto same = Load(rows + "[[column]]\nname = \"x\"\nunit = \"mmol/L\"\n", contract);
  ASSERT_TRUE(same.has_value()) << Describe(same.error());
  EXPECT_NEAR(same->table.columns[0].at(0), 108.0936, 1e-9);
  const auto other = Load(rows + "[[column]]\nname = \"x\"\nunit = \"g/L\"\n", contract);
  ASSERT_FALSE(other.has_value());
  EXPECT_THAT(Describe(other.error()), AllOf(HasSubstr("unit of \"x\""), HasSubstr("\"mmol/L\"")));
  std::string pressure = contract;
  pressure.replace(pressure.find("mg/dL"), 5, "kPa");
  EXPECT_THAT(Describe(Load(rows, pressure).error()), HasSubstr("cannot become \"kPa\""));
}

TEST_F(PatientRowsTest, RefusesGroupsThatMakeNoSense) {
  const std::string group = kGroup;
  const std::string own = "[[rows]]\npatient = \"PatNr\"\n";
  const std::pair<std::string, const char*> cases[] = {
      {group, "nothing is taken"},
      {own + Take("x", "count"), "needs the rows' days"},
      {own + "[[rows.take]]\nname = \"x\"\nuse = \"last\"\nfrom = \"OP\"\n",
       "needs the rows' days"},
      {group + Take("x", "median", kGlucose), "use"},
      {group + Take("x", "mean"), "from"},
      {group + Take("x", "mean", "from = \"Wert\"\nunit = \"g/L\"\n"), "unit_from"},
      {group + Take("x", "mean", "from = \"Wert\"\nunit_from = \"Einheit\"\n"), "must be said"},
      {group + "[[rows.take]]\nname = \"x\"\nuse = \"count\"\nwindow = [0, -1]\n", "earlier first"},
      {group + "[[rows.take]]\nname = \"x\"\nuse = \"count\"\nwindow = [0.5, 1]\n", "whole"},
      {group + Take("x", "count") + Take("x", "any"), "two values"},
      {group + Take("OP", "count"), "the same name"},
      {group + Take("x", "mean", "from = \"Wret\"\n"), "did you mean \"Wert\"?"},
      {"[[rows]]\nfile = \"labs.csv\"\npatient = \"PatNr\"\n" + Take("x", "count"), "type"},
      {own + "same_as = \"OP\"\n" + Take("x", "count"), "rows of the source itself"},
      {group + Take("x", "count", "wherr = 1\n"), "wherr"},
  };
  for (const auto& [rows, words] : cases) {
    EXPECT_THAT(ErrorFor(rows), HasSubstr(words)) << rows;
  }
}

/// examples/surgery.source.toml, on files as it describes them, against examples/surgery.toml.
TEST_F(PatientRowsTest, TheExampleOfSurgeryIsReadAsItSays) {
  const std::filesystem::path examples =
      std::filesystem::path(CONSILIUM_SOURCE_FOLDER) / "examples";
  folder_.Write("patienten.csv",
                "\xEF\xBB\xBFPatNr;Geburtsdatum;Geschlecht;OP-Datum;Entlassung;Gewicht;Hb\r\n"
                "7;24.12.1950;w;23.12.2020;02.01.2021;70,5;8,5\r\n"
                "8;24.12.1950;m;24.12.2020;k.A.;-;\r\n");
  folder_.Write("labor.csv",
                "\xEF\xBB\xBFPatNr;Abnahme;Analyt;Wert;Einheit\r\n"
                "7;01.12.2020 07:00;KREA;1,0;mg/dl\r\n7;22.12.2020 07:00;KREA-E;1,2;mg%\r\n"
                "7;24.12.2020;KREA;400;umol/L\r\n7;25.12.2020;CRP;12,5;mg/dL\r\n"
                "7;26.12.2020;CRP;99;mg/L\r\n8;25.12.2020;N17;;\r\n");
  std::filesystem::copy(examples / "surgery.source.toml", folder_.path() / "surgery.toml");
  const auto source = ReadSource(folder_.path() / "surgery.toml");
  ASSERT_TRUE(source.has_value()) << Describe(source.error());
  EXPECT_EQ(source->Files().size(), 2U);
  const auto plan = Settings::Load(examples / "surgery.toml");
  ASSERT_TRUE(plan.has_value()) << Describe(plan.error());
  const auto contract = ParseContract(plan->Table("contract").value());
  ASSERT_TRUE(contract.has_value()) << Describe(contract.error());
  const auto loaded = LoadSource(*source, *contract);
  ASSERT_TRUE(loaded.has_value()) << Describe(loaded.error());
  EXPECT_FALSE(loaded->report.HasProblems()) << RenderText(loaded->report);
  const auto value = [&](const char* column, std::size_t row) {
    return loaded->table.columns[*contract->IndexOf(column)][row];
  };
  EXPECT_EQ(value("age", 0), 69);
  EXPECT_EQ(value("age", 1), 70);
  EXPECT_EQ(value("stay", 0), 10);
  EXPECT_TRUE(std::isnan(value("stay", 1)));
  EXPECT_EQ(value("weight", 0), 70.5);
  EXPECT_NEAR(value("haemoglobin", 0), 13.70, 0.005);
  EXPECT_NEAR(value("creatinine", 0), 1.2 * 88.4, 0.05);
  EXPECT_EQ(value("peak_crp", 0), 125);
  EXPECT_EQ(value("kidney_injury", 0), 0);
  EXPECT_EQ(value("kidney_injury", 1), 1);
}

TEST(HeldRowsTest, KeepsTheColumnsThatAreAskedFor) {
  HeldRows held({true, false, true});
  TableRow row;
  row.fields = {" a ", "b", "c"};
  row.place = 7;
  held.Add(row);
  row.fields = {"", "e", "f"};
  row.place = 8;
  held.Add(row);
  ASSERT_EQ(held.size(), 2U);
  EXPECT_EQ(held.Text(0, 0), "a");
  EXPECT_EQ(held.Text(0, 1), "");
  EXPECT_EQ(held.Text(1, 0), "");
  EXPECT_EQ(held.Text(1, 2), "f");
  EXPECT_EQ(held.PlaceOf(1, 2), 8U);
}

/// What a reader below knew to be wrong is still known.
TEST(HeldRowsTest, KeepsFaultsWithTheirUnits) {
  HeldRows held({true, true});
  TableRow row;
  row.fields = {"a", "?"};
  held.Add(row);
  const std::string unit = "mm[Hg]";
  row.faults.push_back({1, DataFault::kUnknownUnit, unit});
  held.Add(row);
  EXPECT_FALSE(held.FaultOf(0, 1).has_value());
  EXPECT_FALSE(held.FaultOf(1, 0).has_value());
  ASSERT_TRUE(held.FaultOf(1, 1).has_value());
  EXPECT_EQ(held.FaultOf(1, 1)->fault, DataFault::kUnknownUnit);
  EXPECT_EQ(held.FaultOf(1, 1)->unit, "mm[Hg]");
}

TEST(TakenValueTest, AFaultStaysWhateverFollows) {
  TakenValue value;
  value.AddNumber(TakeUse::kMean, 4, "4", 2);
  value.AddFault("low", 3);
  value.AddNumber(TakeUse::kMean, 6, "6", 4);
  value.Finish(TakeUse::kMean, '.');
  EXPECT_EQ(value.text(), "low");
  EXPECT_EQ(value.place(), 3U);
}

}  // namespace
}  // namespace consilium
