// Units, ages and durations of a source file: client/ingestion/cells.h, source_unit.h.

#include "client/ingestion/cells.h"

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include "client/ingestion/source_unit.h"
#include "common/written_number.h"
#include "tests/client/csv_source.h"
#include "tests/client/study_builder.h"
#include "tests/support/clinical_data.h"

namespace consilium {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::NanSensitiveDoubleEq;

constexpr double kMissing = std::numeric_limits<double>::quiet_NaN();

std::string Number(const std::string& unit, const std::string& more = "") {
  return "patient = \"id\"\n[[column]]\nname = \"x\"\ntype = \"number\"\nrange = [-1e6, 1e6]\n" +
         (unit.empty() ? "" : "unit = \"" + unit + "\"\n") + more;
}

class CellsTest : public ::testing::Test {
 protected:
  Result<LoadedTable> Load(const std::string& csv,
                           const std::string& column,
                           const std::string& contract,
                           const std::string& keys = "") {
    TRY(const Source source,
        site_.Of(csv, "delimiter = \";\"\n" + keys + "[[column]]\nname = \"x\"\n" + column));
    return LoadSource(source, MakeContract(contract));
  }

  std::vector<double> Values(const std::string& csv,
                             const std::string& column,
                             const std::string& contract,
                             const std::string& keys = "") {
    const auto loaded = Load(csv, column, contract, keys);
    EXPECT_TRUE(loaded.has_value()) << Describe(loaded.error());
    if (!loaded) return {};
    EXPECT_FALSE(loaded->report.HasProblems()) << RenderText(loaded->report);
    return loaded->table.columns[0];
  }

  std::string ErrorFor(const std::string& column,
                       const std::string& contract,
                       const std::string& csv = "id;x\nA;1\n") {
    const auto loaded = Load(csv, column, contract);
    return loaded ? "no error" : Describe(loaded.error());
  }

  CsvSource site_;
  const TemporaryFolder& folder_ = site_.folder();
};

/// As Excel writes it in half of Europe.
TEST_F(CellsTest, AUnitIsConvertedToTheContracts) {
  const std::vector<double> glucose =
      Values("id;x\r\nA;99,0\r\nB;126\r\nC;\r\n", "unit = \"mg/dL\"\n",
             Number("mmol/L", "analyte = \"glucose\"\n"), "decimal = \",\"\n");
  ASSERT_EQ(glucose.size(), 3U);
  EXPECT_NEAR(glucose[0], 5.495, 0.0005);
  EXPECT_NEAR(glucose[1], 6.994, 0.0005);
  EXPECT_TRUE(std::isnan(glucose[2]));
  EXPECT_THAT(Values("id;x\nA;98.6\n", "unit = \"[degF]\"\n", Number("Cel")), ElementsAre(37));
  EXPECT_THAT(Values("id;x\nA;250\n", "unit = \"10*3/uL\"\n", Number("10*9/L")), ElementsAre(250));
}

TEST_F(CellsTest, TheSourceMayNameTheAnalyteOfAContractThatDoesNot) {
  EXPECT_NEAR(
      Values("id;x\nA;1\n", "unit = \"mg/dL\"\nanalyte = \"creatinine\"\n", Number("umol/L")).at(0),
      88.4, 0.05);
  EXPECT_THAT(ErrorFor("unit = \"mg/dL\"\n", Number("umol/L")),
              AllOf(HasSubstr("source.toml: unit of \"x\""), HasSubstr("Add analyte")));
  EXPECT_THAT(ErrorFor("unit = \"mg/dL\"\nanalyte = \"urea\"\n",
                       Number("umol/L", "analyte = \"creatinine\"\n")),
              HasSubstr("the one is urea, the other creatinine"));
}

TEST_F(CellsTest, RowsMayNameTheirUnit) {
  const std::string csv =
      "id;x;Einheit\nA;99;mg/dL\nB;5,5;mmol/l\nC;0,99;g/l\nD;6,1;\nE;7;mmol\nF;;weird\n";
  const std::string column =
      "unit_from = \"Einheit\"\nunit = \"mmol/L\"\nunit_map = { \"mmol\" = \"mmol/L\" }\n";
  const std::vector<double> values =
      Values(csv, column, Number("mmol/L", "analyte = \"glucose\"\n"), "decimal = \",\"\n");
  ASSERT_EQ(values.size(), 6U);
  EXPECT_NEAR(values[0], 5.495, 0.0005);
  EXPECT_EQ(values[1], 5.5);
  EXPECT_DOUBLE_EQ(values[2], values[0]);
  EXPECT_EQ(values[3], 6.1);
  EXPECT_EQ(values[4], 7);
}

TEST_F(CellsTest, ARowInAnUnknownUnitIsAProblemWithItsPlace) {
  const auto loaded =
      Load("id;x;u\nA;99;mg/dL\nB;5.5;mmHg\nC;1;\nD;2;cm\n", "unit_from = \"u\"\n", Number("g/L"));
  ASSERT_TRUE(loaded.has_value()) << Describe(loaded.error());
  const DataProblem& problem = loaded->report.columns[0].problems.at(DataFault::kUnknownUnit);
  EXPECT_EQ(problem.count, 3U);
  EXPECT_THAT(problem.lines, ElementsAre(3, 4, 5));
  EXPECT_EQ(loaded->report.columns[0].values, 1U);
  EXPECT_THAT(RenderText(loaded->report), HasSubstr("`unit_map`"));
}

TEST_F(CellsTest, TranslatedValuesAndMissingCodesAreNotConverted) {
  const std::vector<double> values =
      Values("id;x\nA;100\nB;low\nC;-9\n",
             "unit = \"cm\"\nmap = { low = \"0.5\" }\nmissing = [\"-9\"]\n", Number("m"));
  EXPECT_THAT(values, ElementsAre(1, 0.5, NanSensitiveDoubleEq(kMissing)));
}

/// The code for a thousand is not the number one.
TEST_F(CellsTest, MissingCodesAreWrittenAsTheFilesNumbers) {
  const std::string german = "decimal = \",\"\nthousands = \".\"\n";
  EXPECT_THAT(
      Values("id;x\nA;1\nB;1.000\nC;1000\nD;1,0\n", "missing = [\"1.000\"]\n", Number(""), german),
      ElementsAre(1, NanSensitiveDoubleEq(kMissing), NanSensitiveDoubleEq(kMissing), 1));
  EXPECT_THAT(
      Values("id;x\nA;99,90\nB;99,9\nC;999\n", "missing = [\"99,9\"]\n", Number(""), german),
      ElementsAre(NanSensitiveDoubleEq(kMissing), NanSensitiveDoubleEq(kMissing), 999));
  EXPECT_THAT(
      Values("id;x\nA;1000\nB;1\n", "missing = [\"1,000\"]\n", Number(""), "thousands = \",\"\n"),
      ElementsAre(NanSensitiveDoubleEq(kMissing), 1));
}

TEST_F(CellsTest, ACodeWithAPointIsUnderstoodWhereTheFileHasCommas) {
  EXPECT_THAT(
      Values("id;x\nA;99,9\nB;1\n", "missing = [\"99.9\"]\n", Number(""), "decimal = \",\"\n"),
      ElementsAre(NanSensitiveDoubleEq(kMissing), 1));
}

TEST_F(CellsTest, RefusesUnitsThatMakeNoSense) {
  EXPECT_THAT(ErrorFor("unit = \"mmHg\"\n", Number("kPa")), HasSubstr("\"mm[Hg]\""));
  EXPECT_THAT(ErrorFor("unit = \"mg/dL\"\n", Number("")), HasSubstr("the contract has none"));
  EXPECT_THAT(ErrorFor("unit = \"mg/dL\"\n", Number("Blorks")), HasSubstr("Blorks"));
  EXPECT_EQ(ErrorFor("unit = \"Blorks\"\n", Number("Blorks")), "no error");
  EXPECT_THAT(ErrorFor("unit = \"cm\"\nfactor = 0.01\n", Number("m")), HasSubstr("together"));
  EXPECT_THAT(ErrorFor("unit_map = { a = \"m\" }\n", Number("m")), HasSubstr("unit_from"));
  EXPECT_THAT(ErrorFor("analyte = \"glucose\"\n", Number("m")), HasSubstr("without a unit"));
  EXPECT_THAT(ErrorFor("unit_from = \"no\"\n", Number("m")), HasSubstr("no column for x (from"));
  EXPECT_THAT(ErrorFor("unit = \"cm\"\n",
                       "patient = \"id\"\n[[column]]\nname = \"x\"\ntype = \"boolean\"\n"),
              HasSubstr("Only numbers have units"));
}

TEST_F(CellsTest, AnAgeIsTheCompletedYearsBetweenTwoDays) {
  const std::string csv =
      "id;geb;auf\nA;24.12.1950;23.12.2020\nB;24.12.1950;24.12.2020\nC;29.02.2000;28.02.2021\n"
      "D;29.02.2000;01.03.2021\nE;;01.03.2021\nF;k.A.;01.03.2021\nG;24.12.1950;24.12.2020 13:45\n";
  const std::string keys = "date_format = \"DD.MM.YYYY\"\nmissing = [\"k.A.\"]\n";
  const auto nan = NanSensitiveDoubleEq(kMissing);
  EXPECT_THAT(Values(csv, "age = [\"geb\", \"auf\"]\n", Number("a"), keys),
              ElementsAre(69, 70, 20, 21, nan, nan, 70));
  const std::vector<double> decimal =
      Values(csv, "age = [\"geb\", \"auf\"]\nyears = \"decimal\"\n", Number("a"), keys);
  EXPECT_DOUBLE_EQ(decimal[0], 69 + 365.0 / 366);
  EXPECT_EQ(decimal[1], 70);
}

TEST_F(CellsTest, ADurationIsInTheContractsUnit) {
  const std::string csv = "id;a;b\nA;2020-01-01;2020-01-31\nB;2020-01-31;2020-01-01\n";
  const std::string column = "duration = [\"a\", \"b\"]\n";
  EXPECT_THAT(Values(csv, column, Number("d")), ElementsAre(30, -30));
  EXPECT_THAT(Values(csv, column, Number("wk")).at(0), ::testing::DoubleEq(30 / 7.0));
  EXPECT_THAT(Values(csv, column, Number("mo")).at(0), ::testing::DoubleEq(30 / 30.4375));
  EXPECT_THAT(ErrorFor(column, Number("kg"), csv), HasSubstr("duration of \"x\""));
  EXPECT_THAT(ErrorFor(column, Number(""), csv), HasSubstr("no unit of time"));
  EXPECT_THAT(ErrorFor("age = [\"a\", \"b\"]\n", Number("mo"), csv), HasSubstr("use `duration`"));
  EXPECT_THAT(ErrorFor("age = [\"a\"]\n", Number("a"), csv), HasSubstr("two columns"));
  EXPECT_THAT(ErrorFor("age = [\"a\", \"b\"]\nfactor = 2\n", Number("a"), csv),
              HasSubstr("together"));
  EXPECT_THAT(ErrorFor("age = [\"a\", \"zz\"]\n", Number("a"), csv), HasSubstr("zz"));
}

TEST_F(CellsTest, ADayThatIsNoneIsAProblemWithItsPlace) {
  const auto loaded =
      Load("id;a;b\nA;1980;2020-01-01\nB;1980-01-01;20200101\nC;1980-01-01;1970-01-01\n",
           "age = [\"a\", \"b\"]\n",
           "patient = \"id\"\n[[column]]\nname = \"x\"\ntype = \"integer\"\n"
           "unit = \"a\"\nrange = [0, 110]\n");
  ASSERT_TRUE(loaded.has_value()) << Describe(loaded.error());
  const ColumnQuality& quality = loaded->report.columns[0];
  EXPECT_THAT(quality.problems.at(DataFault::kNotADate).lines, ElementsAre(2, 3));
  EXPECT_THAT(quality.problems.at(DataFault::kOutOfRange).lines, ElementsAre(4));
}

/// Against a count of anniversaries, one by one.
RC_GTEST_PROP(YearsPropertyTest, CompletedYearsAreAnniversariesReached, ()) {
  const auto from = static_cast<std::int64_t>(*rc::gen::inRange(-40'000, 20'000));
  const auto to = from + *rc::gen::inRange(0, 40'000);
  const auto date = [](std::int64_t day) { return DateOf(UtcSeconds{day * 86'400}); };
  const Date born = date(from);
  const Date now = date(to);
  int years = 0;
  // A day that does not exist comes after 28 February and before 1 March, as dates compare.
  while (Date{born.year + years + 1, born.month, born.day} <= now) ++years;
  RC_ASSERT(YearsBetween(from, to, false) == years);
  const double exact = YearsBetween(from, to, true);
  RC_ASSERT(exact >= years && exact < years + 1);
}

/// The same cohort from a file in mmol/L as from the one in mg/dL, to the last digits.
TEST_F(CellsTest, RealCholesterolInMillimolesIsReadAsMilligrams) {
  REQUIRE_CLINICAL_DATA("heart_disease");
  const std::string contract =
      "patient = \"patient_id\"\n[[column]]\nname = \"chol\"\ntype = \"number\"\nunit = \"mg/dL\"\n"
      "analyte = \"cholesterol\"\nrange = [50, 700]\nmissing = [\"0\"]\n";
  Source source;
  source.file = ClinicalData("heart_disease") / "csv" / "cleveland.csv";
  const auto original = LoadSource(source, MakeContract(contract));
  ASSERT_TRUE(original.has_value()) << Describe(original.error());
  std::string csv = "patient_id;chol\n";
  for (std::size_t row = 0; row < original->table.patients.size(); ++row) {
    csv += std::string(original->table.patients[row]) + ";" +
           WrittenNumber(original->table.columns[0][row] * 10 / 386.664, ',') + "\n";
  }
  folder_.Write("mmol.csv", csv);
  const auto read = ReadSource(folder_.Write(
      "mmol.toml",
      "type = \"csv\"\nfile = \"mmol.csv\"\ndecimal = \",\"\n[[column]]\nname = \"chol\"\n"
      "unit = \"mmol/L\"\n"));
  ASSERT_TRUE(read.has_value()) << Describe(read.error());
  const auto converted = LoadSource(*read, MakeContract(contract));
  ASSERT_TRUE(converted.has_value()) << Describe(converted.error());
  EXPECT_FALSE(converted->report.HasProblems());
  ASSERT_EQ(converted->table.columns[0].size(), 303U);
  for (std::size_t row = 0; row < 303; ++row) {
    EXPECT_NEAR(converted->table.columns[0][row], original->table.columns[0][row], 1e-11);
  }
}

}  // namespace
}  // namespace consilium
