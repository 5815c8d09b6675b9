#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/ingestion/source.h"
#include "tests/client/csv_source.h"
#include "tests/client/study_builder.h"

namespace consilium {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::NanSensitiveDoubleEq;
using ::testing::Not;

constexpr double kMissing = std::numeric_limits<double>::quiet_NaN();

auto Are(std::vector<double> values) {
  std::vector<::testing::Matcher<double>> matchers;
  for (const double value : values) matchers.emplace_back(NanSensitiveDoubleEq(value));
  return ::testing::ElementsAreArray(matchers);
}

constexpr const char* kContract = R"(
patient = "patient_id"
[[column]]
name = "age"
type = "integer"
unit = "a"
range = [18, 110]
[[column]]
name = "weight"
type = "number"
unit = "kg"
range = [30, 300]
missing = ["-9"]
[[column]]
name = "sex"
type = "category"
levels = ["male", "female"]
[[column]]
name = "smoker"
type = "boolean"
)";

class LoadSourceTest : public ::testing::Test {
 protected:
  Result<LoadedTable> Load(const std::string& csv,
                           const std::string& source_keys = "",
                           const std::string& contract = kContract) {
    TRY(const Source source, site_.Of(csv, source_keys));
    return LoadSource(source, MakeContract(contract));
  }

  // The faults of the only column of this kind, with one value a line from line 2 on.
  std::map<DataFault, DataProblem> ProblemsOf(const std::string& column_toml,
                                              const std::vector<std::string>& values,
                                              const std::string& source_keys = "") {
    std::string csv = "id;x\n";
    for (const std::string& value : values) csv += "P;" + value + "\n";
    const auto loaded = Load(csv, "delimiter = \";\"\n" + source_keys,
                             "patient = \"id\"\n[[column]]\nname = \"x\"\n" + column_toml);
    EXPECT_TRUE(loaded.has_value()) << Describe(loaded.error());
    return loaded ? loaded->report.columns[0].problems : std::map<DataFault, DataProblem>{};
  }

  CsvSource site_;
};

TEST_F(LoadSourceTest, ReadsColumnsInTheContractsOrder) {
  const auto loaded = Load(
      "smoker,patient_id,weight,sex,age,unused\n"
      "yes,P1,70.5,male,50,x\n"
      "0,P2,,female,61.0,y\n");
  ASSERT_TRUE(loaded.has_value()) << Describe(loaded.error());
  EXPECT_FALSE(loaded->report.HasProblems());
  EXPECT_THAT(loaded->table.patients, ElementsAre("P1", "P2"));
  EXPECT_THAT(loaded->table.columns[0], Are({50, 61}));
  EXPECT_THAT(loaded->table.columns[1], Are({70.5, kMissing}));
  EXPECT_THAT(loaded->table.columns[2], Are({0, 1}));
  EXPECT_THAT(loaded->table.columns[3], Are({1, 0}));
}

TEST_F(LoadSourceTest, ReadsAGermanExcelFile) {
  const auto loaded = Load(
      "\xEF\xBB\xBFPatNr;Alter;Gewicht;Geschlecht;Raucher;;\r\n"
      "1;50;70,5;m;ja;;\r\n"
      "2;61;\"82,25\";w;nein;;\r\n"
      "3;44;k.A.;W;Nein;;\r\n"
      ";;;;;;\r\n",
      "decimal = \",\"\n");
  ASSERT_FALSE(loaded.has_value());
  EXPECT_THAT(loaded.error().message, HasSubstr("column 6 of 7 has no name"));

  const auto fixed = Load(
      "\xEF\xBB\xBFPatNr;Alter;Gewicht;Geschlecht;Raucher\r\n"
      "1;50;70,5;m;ja\r\n"
      "2;61;\"82,25\";w;nein\r\n"
      "3;44;k.A.;W;Nein\r\n"
      ";;;;\r\n",
      "decimal = \",\"\nmissing = [\"k.A.\"]\n"
      "[[column]]\nname = \"patient_id\"\nfrom = \"PatNr\"\n"
      "[[column]]\nname = \"age\"\nfrom = \"Alter\"\n"
      "[[column]]\nname = \"weight\"\nfrom = \"Gewicht\"\n"
      "[[column]]\nname = \"sex\"\nfrom = \"Geschlecht\"\n"
      "map = { m = \"male\", w = \"female\", W = \"female\" }\n"
      "[[column]]\nname = \"smoker\"\nfrom = \"Raucher\"\n");
  ASSERT_TRUE(fixed.has_value()) << Describe(fixed.error());
  EXPECT_FALSE(fixed->report.HasProblems()) << RenderText(fixed->report);
  EXPECT_THAT(fixed->table.columns[1], Are({70.5, 82.25, kMissing}));
  EXPECT_THAT(fixed->table.columns[2], Are({0, 1, 1}));
  EXPECT_THAT(fixed->table.columns[3], Are({1, 0, 0}));
  EXPECT_EQ(fixed->report.blank_rows, 1U);
  EXPECT_EQ(fixed->report.columns[1].missing_by_code.at("k.A."), 1U);
  EXPECT_TRUE(fixed->report.delimiter_detected);
}

TEST_F(LoadSourceTest, AMissingColumnNamesTheHeadersAndTheNearest) {
  const auto loaded = Load("patient_id,Age,gewicht,sex,smokr\nP1,50,70,male,1\n");
  ASSERT_FALSE(loaded.has_value());
  EXPECT_EQ(loaded.error().code, ErrorCode::kDataQuality);
  EXPECT_THAT(
      Describe(loaded.error()),
      AllOf(HasSubstr("p.csv has no column for age (did you mean \"Age\"?), weight"),
            HasSubstr("smoker (did you mean \"smokr\"?)"),
            HasSubstr("patient_id, Age, gewicht, sex and smokr"), HasSubstr("source.toml")));
}

TEST_F(LoadSourceTest, AMissingFromHeaderIsNamed) {
  const auto loaded =
      Load("patient_id,age,weight,sex,smoker\n", "[[column]]\nname = \"age\"\nfrom = \"Alter\"\n");
  ASSERT_FALSE(loaded.has_value());
  EXPECT_THAT(loaded.error().message, HasSubstr("no column for age (from \"Alter\")"));
}

TEST_F(LoadSourceTest, CountsMissingValuesByCode) {
  const auto loaded = Load(
      "patient_id,age,weight,sex,smoker\n"
      "1,50,-9,male,1\n2,50,-9.0,male,1\n3,50,NA,male,1\n4,50, ,male,1\n5,50,80,male,NA\n",
      "missing = [\"NA\"]\n");
  ASSERT_TRUE(loaded.has_value());
  EXPECT_FALSE(loaded->report.HasProblems()) << RenderText(loaded->report);
  const ColumnQuality& weight = loaded->report.columns[1];
  EXPECT_EQ(weight.values, 1U);
  EXPECT_EQ(weight.missing, 4U);
  EXPECT_EQ(weight.missing_by_code.at("-9"), 2U);
  EXPECT_EQ(weight.missing_by_code.at("NA"), 1U);
  EXPECT_EQ(weight.missing_by_code.at(""), 1U);
}

TEST_F(LoadSourceTest, ConvertsUnits) {
  const auto loaded =
      Load("patient_id,age,weight,sex,smoker\n1,50,154.324,male,1\n2,50,-9,male,1\n",
           "[[column]]\nname = \"weight\"\nfactor = 0.45359237\noffset = 1\n");
  ASSERT_TRUE(loaded.has_value());
  EXPECT_FALSE(loaded->report.HasProblems());
  EXPECT_THAT(loaded->table.columns[1], Are({154.324 * 0.45359237 + 1, kMissing}));
}

TEST_F(LoadSourceTest, ConvertedIntegersMayCarryRounding) {
  EXPECT_THAT(ProblemsOf("type = \"integer\"\nrange = [0, 1000]\n", {"0.07", "0.29", "1.1"},
                         "[[column]]\nname = \"x\"\nfactor = 100\n"),
              IsEmpty());
}

TEST_F(LoadSourceTest, ATranslationIsFinalAndMayMeanMissing) {
  const auto loaded =
      Load("patient_id;age;weight;sex;smoker\n1;50;<30;male;1\n2;50;?;;2\n",
           "decimal = \",\"\n"
           "[[column]]\nname = \"weight\"\nfactor = 10\nmap = { \"<30\" = 30.5, \"?\" = -9 }\n"
           "[[column]]\nname = \"sex\"\nmap = { \"\" = \"female\" }\n"
           "[[column]]\nname = \"smoker\"\nmap = { 2 = \"no\" }\n");
  ASSERT_TRUE(loaded.has_value()) << Describe(loaded.error());
  EXPECT_FALSE(loaded->report.HasProblems()) << RenderText(loaded->report);
  EXPECT_THAT(loaded->table.columns[1], Are({30.5, kMissing}));
  EXPECT_THAT(loaded->table.columns[2], Are({0, 1}));
  EXPECT_THAT(loaded->table.columns[3], Are({1, 0}));
}

TEST_F(LoadSourceTest, AMapToNoValueOfTheContractIsAnError) {
  const auto loaded = Load("patient_id,age,weight,sex,smoker\n",
                           "[[column]]\nname = \"sex\"\nmap = { M = \"man\" }\n");
  ASSERT_FALSE(loaded.has_value());
  EXPECT_THAT(loaded.error().message,
              HasSubstr("map of \"sex\": \"man\" is no value of the contract, which says one of "
                        "male and female"));
}

TEST_F(LoadSourceTest, FactorsAreForNumbersAndNeverForThePatient) {
  EXPECT_THAT(Load("patient_id,age,weight,sex,smoker\n", "[[column]]\nname = \"sex\"\nfactor = 2\n")
                  .error()
                  .message,
              HasSubstr("factor and offset of \"sex\""));
  EXPECT_THAT(
      Load("patient_id,age,weight,sex,smoker\n", "[[column]]\nname = \"patient_id\"\noffset = 2\n")
          .error()
          .message,
      HasSubstr("cannot be converted"));
}

TEST_F(LoadSourceTest, FindsEachKindOfFaultWithItsLines) {
  const std::string number = "type = \"number\"\nrange = [0, 10]\n";
  auto problems = ProblemsOf(number, {"1", "1,5", "11", "-0.1", "high", "NaN", "1,234", ""});
  EXPECT_THAT(problems.at(DataFault::kLooksLikeDecimalComma).lines, ElementsAre(3U));
  EXPECT_THAT(problems.at(DataFault::kOutOfRange).lines, ElementsAre(4U, 5U));
  EXPECT_THAT(problems.at(DataFault::kNotANumber).lines, ElementsAre(6U));
  EXPECT_THAT(problems.at(DataFault::kNotFinite).lines, ElementsAre(7U));
  EXPECT_THAT(problems.at(DataFault::kLooksLikeThousands).lines, ElementsAre(8U));
  problems = ProblemsOf(number, {"1.5"}, "decimal = \",\"\n");
  EXPECT_EQ(problems.count(DataFault::kLooksLikeDecimalPoint), 1U);
  problems = ProblemsOf("type = \"integer\"\nrange = [0, 10]\n", {"1.5", "2.0"});
  EXPECT_THAT(problems.at(DataFault::kNotWhole).lines, ElementsAre(2U));
  problems = ProblemsOf("type = \"category\"\nlevels = [\"a\", \"b\"]\n", {"a", "c", "B"});
  EXPECT_THAT(problems.at(DataFault::kUnknownLevel).lines, ElementsAre(3U));
  EXPECT_THAT(problems.at(DataFault::kLevelInOtherCase).lines, ElementsAre(4U));
  problems = ProblemsOf("type = \"boolean\"\n", {"ja", "2"});
  EXPECT_THAT(problems.at(DataFault::kNotABoolean).lines, ElementsAre(3U));
  problems = ProblemsOf("type = \"date\"\n", {"2024-02-30", "2024-02-29"});
  EXPECT_THAT(problems.at(DataFault::kNotADate).lines, ElementsAre(2U));
  problems = ProblemsOf("type = \"boolean\"\nrequired = true\n", {"ja", ""});
  EXPECT_THAT(problems.at(DataFault::kRequiredMissing).lines, ElementsAre(3U));
}

TEST_F(LoadSourceTest, RangesAreInclusive) {
  EXPECT_THAT(ProblemsOf("type = \"number\"\nrange = [0, 10]\n", {"0", "10", "-0", "1e1"}),
              IsEmpty());
}

/// Seven tenths are 0.7000000000000001 by 7 x 0.1: an end of the range that a conversion misses by
/// its rounding is that end, and what lies farther is not.
TEST_F(LoadSourceTest, RoundingPutsNoValueBeyondTheRange) {
  const std::string third = "type = \"number\"\nunit = \"m\"\nrange = [0.1, 0.7]\n";
  const std::string in_tenths = "[[column]]\nname = \"x\"\nfactor = 0.1\n";
  EXPECT_THAT(ProblemsOf(third, {"1", "7"}, in_tenths), IsEmpty());
  EXPECT_THAT(ProblemsOf(third, {"0.7000000000000001", "0.09999999999999999"}), IsEmpty());
  EXPECT_EQ(ProblemsOf(third, {"0.70000001", "0.0999999"}).at(DataFault::kOutOfRange).count, 2U);
  const auto loaded = Load("id;x\nA;7\n", "delimiter = \";\"\n" + in_tenths,
                           "patient = \"id\"\n[[column]]\nname = \"x\"\n" + third);
  ASSERT_TRUE(loaded.has_value()) << Describe(loaded.error());
  EXPECT_EQ(loaded->table.columns[0].at(0), 0.7);
  // 32 degrees Fahrenheit are no degree Celsius, where rounding is relative to nothing.
  EXPECT_THAT(ProblemsOf("type = \"number\"\nunit = \"Cel\"\nrange = [0, 45]\n", {"32", "113"},
                         "[[column]]\nname = \"x\"\nunit = \"[degF]\"\n"),
              IsEmpty());
}

TEST_F(LoadSourceTest, KeepsOnlyTheFirstFewPlaces) {
  const auto problems = ProblemsOf("type = \"boolean\"\n", std::vector<std::string>(1000, "maybe"));
  EXPECT_EQ(problems.at(DataFault::kNotABoolean).count, 1000U);
  EXPECT_EQ(problems.at(DataFault::kNotABoolean).lines.size(), DataProblem::kPlacesKept);
}

TEST_F(LoadSourceTest, CountsPatientsAndRepeats) {
  const auto loaded =
      Load("patient_id,age,weight,sex,smoker\nA,50,70,male,1\nB,50,70,male,1\n A ,51,71,male,1\n");
  ASSERT_TRUE(loaded.has_value());
  EXPECT_EQ(loaded->report.patients, 2U);
  EXPECT_EQ(loaded->report.repeated_patients, 1U);
}

TEST_F(LoadSourceTest, ARowWithoutAPatientIsAProblem) {
  const auto loaded =
      Load("patient_id,age,weight,sex,smoker\nA,50,70,male,1\n,50,70,male,1\nNA,50,70,male,1\n",
           "missing = [\"NA\"]\n");
  ASSERT_TRUE(loaded.has_value());
  EXPECT_TRUE(loaded->report.HasProblems());
  EXPECT_THAT(loaded->report.patient_missing.lines, ElementsAre(3U, 4U));
}

TEST_F(LoadSourceTest, TwoContractColumnsMayComeFromOneHeader) {
  const auto loaded = Load("id,num\nA,0\nB,3\n",
                           "[[column]]\nname = \"disease\"\nfrom = \"num\"\n"
                           "map = { 0 = false, 1 = true, 2 = true, 3 = true, 4 = true }\n",
                           "patient = \"id\"\n[[column]]\nname = \"disease\"\ntype = \"boolean\"\n"
                           "[[column]]\nname = \"num\"\ntype = \"integer\"\nrange = [0, 4]\n");
  ASSERT_TRUE(loaded.has_value()) << Describe(loaded.error());
  EXPECT_THAT(loaded->table.columns[0], Are({0, 1}));
  EXPECT_THAT(loaded->table.columns[1], Are({0, 3}));
}

TEST_F(LoadSourceTest, GivesTheTextThatSplitsTheRows) {
  const Source source = site_.Of("id,site,x\nA,north,1\nB,south,0\n");
  const Contract contract =
      MakeContract("patient = \"id\"\n[[column]]\nname = \"x\"\ntype = \"boolean\"\n");
  const auto loaded = LoadSource(source, contract, "site");
  ASSERT_TRUE(loaded.has_value());
  EXPECT_THAT(loaded->groups, ElementsAre("north", "south"));
  EXPECT_THAT(LoadSource(source, contract, "ward").error().message,
              HasSubstr("no column for ward"));
}

TEST_F(LoadSourceTest, NoReportOrErrorHoldsAValue) {
  const auto loaded = Load(
      "patient_id,age,weight,sex,smoker\n"
      "PATIENTVALUE,SECRETA,SECRETB,SECRETC,SECRETD\nPATIENTVALUE,777777,888888,x,y\n");
  ASSERT_TRUE(loaded.has_value());
  for (const std::string& text : {RenderText(loaded->report), RenderJson(loaded->report)}) {
    EXPECT_THAT(text, Not(HasSubstr("SECRET")));
    EXPECT_THAT(text, Not(HasSubstr("PATIENTVALUE")));
    EXPECT_THAT(text, Not(HasSubstr("777777")));
    EXPECT_THAT(text, Not(HasSubstr("888888")));
  }
}

}  // namespace
}  // namespace consilium
