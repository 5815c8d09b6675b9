#include "protocols/contract.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace consilium {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

Result<Contract> Parse(const std::string& text) {
  TRY(const Settings settings, Settings::Parse(text, "plan.toml"));
  return ParseContract(settings);
}

const std::string kHead = "patient = \"id\"\n";

std::string Column(const std::string& rest) { return kHead + "[[column]]\nname = \"a\"\n" + rest; }

std::string ErrorFor(const std::string& text) {
  const Result<Contract> contract = Parse(text);
  return contract ? "no error" : Describe(contract.error());
}

TEST(ContractTest, ReadsEveryKey) {
  const Result<Contract> contract = Parse(
      "patient = \"id\"\nmaximum_patients = 500\n"
      "[[column]]\nname = \"age\"\ntype = \"number\"\nunit = \"a\"\nrange = [18, 110]\n"
      "missing = [\"-9\"]\nrequired = true\n"
      "[[column]]\nname = \"cp\"\ntype = \"category\"\nlevels = [\"1\", \"2\"]\n"
      "[[column]]\nname = \"sex\"\ntype = \"boolean\"\n"
      "[[column]]\nname = \"seen\"\ntype = \"date\"\n"
      "[[eligible]]\ncolumn = \"age\"\nminimum = 20\n"
      "[[eligible]]\ncolumn = \"sex\"\none_of = [\"true\"]\n");
  ASSERT_TRUE(contract.has_value()) << Describe(contract.error());
  EXPECT_EQ(contract->patient, "id");
  EXPECT_EQ(contract->maximum_patients, 500u);
  ASSERT_EQ(contract->columns.size(), 4u);
  EXPECT_EQ(contract->columns[0].unit, "a");
  EXPECT_EQ(contract->columns[0].minimum, 18);
  EXPECT_EQ(contract->columns[0].maximum, 110);
  EXPECT_THAT(contract->columns[0].missing, ElementsAre("-9"));
  EXPECT_TRUE(contract->columns[0].required);
  EXPECT_THAT(contract->columns[1].levels, ElementsAre("1", "2"));
  EXPECT_EQ(contract->IndexOf("seen"), 3u);
  EXPECT_EQ(contract->Find("nothing"), nullptr);
  ASSERT_EQ(contract->eligibility.size(), 2u);
  EXPECT_EQ(contract->eligibility[0].minimum, 20);
  EXPECT_FALSE(contract->eligibility[0].maximum);
}

TEST(ContractTest, SaysWhatIsWrongAndWhere) {
  const std::string number = Column("type = \"number\"\nrange = [0, 1]\n");
  const std::pair<std::string, const char*> cases[] = {
      {"[[column]]\nname = \"a\"\ntype = \"boolean\"\n", "patient"},
      {kHead, "column"},
      {Column("type = \"text\"\n"), "unknown type"},
      {Column("type = \"number\"\n"), "needs a range"},
      {Column("type = \"integer\"\n"), "needs a range"},
      {Column("type = \"number\"\nrange = [2, 1]\n"), "the lower first"},
      {Column("type = \"number\"\nrange = [1, 1]\n"), "the lower first"},
      {Column("type = \"number\"\nrange = [1]\n"), "two numbers"},
      {Column("type = \"number\"\nrange = [0, 1e16]\n"), "wider than"},
      {Column("type = \"integer\"\nrange = [0, 1.5]\n"), "whole"},
      {Column("type = \"boolean\"\nrange = [0, 1]\n"), "takes no range"},
      {Column("type = \"category\"\n"), "needs its levels"},
      {Column("type = \"category\"\nlevels = [\"x\"]\n"), "at least two"},
      {Column("type = \"category\"\nlevels = [\"x\", \"x\"]\n"), "listed twice"},
      {Column("type = \"number\"\nrange = [0, 1]\nlevels = [\"x\", \"y\"]\n"), "takes no levels"},
      {Column("type = \"category\"\nlevels = [\"x\", \"y\"]\nmissing = [\"y\"]\n"), "at once"},
      {Column("type = \"boolean\"\nrequird = true\n"), "requird"},
      {number + "[[column]]\nname = \"a\"\ntype = \"boolean\"\n", "second column"},
      {number + "[[column]]\nname = \"id\"\ntype = \"boolean\"\n", "patient column"},
      {number + "[[column]]\nname = \"b c\"\ntype = \"boolean\"\n", "no column name"},
      {number + "[[column]]\nname = \"" + std::string(65, 'x') + "\"\ntype = \"boolean\"\n",
       "no column name"},
      {number + "[[eligible]]\ncolumn = \"z\"\nminimum = 1\n", "no column \"z\""},
      {number + "[[eligible]]\ncolumn = \"a\"\n", "needs minimum"},
      {number + "[[eligible]]\ncolumn = \"a\"\nminimum = 3\n", "no value"},
      {number + "[[eligible]]\ncolumn = \"a\"\none_of = [\"1\"]\n", "minimum and maximum"},
      {"maximum_patients = 0\n" + number, "between 1 and"},
  };
  for (const auto& [text, expected] : cases) {
    EXPECT_THAT(ErrorFor(text), AllOf(HasSubstr(expected), HasSubstr("plan.toml:"))) << text;
  }
}

TEST(ContractTest, ChecksChoicesOfEligibility) {
  const std::string category = Column("type = \"category\"\nlevels = [\"x\", \"y\"]\n");
  EXPECT_THAT(ErrorFor(category + "[[eligible]]\ncolumn = \"a\"\none_of = [\"z\"]\n"),
              HasSubstr("no value of"));
  EXPECT_THAT(ErrorFor(category + "[[eligible]]\ncolumn = \"a\"\none_of = []\n"),
              HasSubstr("nobody"));
  EXPECT_THAT(ErrorFor(category + "[[eligible]]\ncolumn = \"a\"\nminimum = 1\n"),
              HasSubstr("one_of"));
  const std::string boolean = Column("type = \"boolean\"\n");
  EXPECT_EQ(ErrorFor(boolean + "[[eligible]]\ncolumn = \"a\"\none_of = [\"false\"]\n"), "no error");
  EXPECT_THAT(ErrorFor(boolean + "[[eligible]]\ncolumn = \"a\"\none_of = [\"yes\"]\n"),
              HasSubstr("no value of"));
}

TEST(ContractTest, EligibilityRepeatsWhatWasWrittenAndListsWhatMayBe) {
  const std::string category = Column("type = \"category\"\nlevels = [\"x\", \"y\"]\n");
  const std::string boolean = Column("type = \"boolean\"\n");
  const std::string number = Column("type = \"number\"\nrange = [18, 110]\n");
  const std::string rule = "[[eligible]]\ncolumn = \"a\"\n";
  EXPECT_THAT(ErrorFor(category + rule + "one_of = [\"z\"]\n"),
              HasSubstr("It can be \"x\" or \"y\""));
  EXPECT_THAT(ErrorFor(boolean + rule + "one_of = [\"male\"]\n"),
              HasSubstr("It can be \"true\" or \"false\""));
  EXPECT_THAT(ErrorFor(boolean + rule + "one_of = [true]\n"),
              HasSubstr("Write one_of = [\"true\"]"));
  EXPECT_THAT(ErrorFor(number + rule + "minimum = 60\nmaximum = 40\n"),
              AllOf(HasSubstr("18 to 110"), HasSubstr("asks for 60 to 40")));
  EXPECT_THAT(ErrorFor(Column("type = \"number\"\nrange = [90, 18]\n")),
              HasSubstr("'range' is [90, 18]: "));
}

TEST(ContractTest, ANameThatIsNoColumnComesWithWhatWasMeant) {
  const std::string columns =
      kHead +
      "[[column]]\nname = \"sex\"\ntype = \"boolean\"\n"
      "[[column]]\nname = \"cp\"\ntype = \"category\"\nlevels = [\"1\", \"2\"]\n"
      "[[column]]\nname = \"wave\"\ntype = \"boolean\"\ncount = 5\n";
  const std::pair<std::string, const char*> cases[] = {
      {"sexe", "the contract has no column \"sexe\". Did you mean \"sex\"?"},
      {"Sex", "Did you mean \"sex\"?"},
      {"zebra_crossing", "Its columns are sex, cp, wave_1"},
      {"id", "\"id\" is the patient identifier, which is no variable"},
      {"cp_2", "\"cp_2\" is the level \"2\" of \"cp\", and no column. Name \"cp\""},
      {"wave",
       "\"wave\" stands for wave_1, wave_2, wave_3 and 2 more, and one column is asked "
       "for. Name one of these"}};
  for (const auto& [name, words] : cases) {
    EXPECT_THAT(
        ErrorFor(columns + "[[eligible]]\ncolumn = \"" + name + "\"\none_of = [\"true\"]\n"),
        HasSubstr(words));
  }
}

TEST(ContractTest, ReadsWhatIsMeasuredAndWhoHasOneRow) {
  const Result<Contract> contract = Parse(
      "one_row_per_patient = true\n" +
      Column("type = \"number\"\nunit = \"mmol/L\"\nanalyte = \"glucose\"\nrange = [0, 60]\n"));
  ASSERT_TRUE(contract.has_value()) << Describe(contract.error());
  EXPECT_TRUE(contract->one_row_per_patient);
  EXPECT_EQ(contract->columns[0].analyte, "glucose");
  EXPECT_FALSE(Parse(Column("type = \"boolean\"\n"))->one_row_per_patient);
}

TEST(ContractTest, AnAnalyteFitsItsUnitAndItsColumn) {
  const std::string number = "type = \"number\"\nrange = [0, 60]\n";
  const std::pair<std::string, const char*> cases[] = {
      {number + "unit = \"mmol/L\"\nanalyte = \"glukose\"\n", "Did you mean \"glucose\"?"},
      {number + "analyte = \"glucose\"\n", "no unit"},
      {number + "unit = \"mm[Hg]\"\nanalyte = \"glucose\"\n", "glucose is not measured in"},
      {number + "unit = \"mmol/l/x\"\nanalyte = \"glucose\"\n", "no unit that this program knows"},
      {number + "unit = \"mg/dL\"\nanalyte = \"\"\n", "no analyte called"},
      {"type = \"boolean\"\nunit = \"1\"\nanalyte = \"glucose\"\n", "takes no analyte"},
  };
  for (const auto& [rest, expected] : cases) {
    EXPECT_THAT(ErrorFor(Column(rest)), AllOf(HasSubstr(expected), HasSubstr("plan.toml:")))
        << rest;
  }
  // A contract without an analyte may have any unit, as ever.
  EXPECT_EQ(ErrorFor(Column(number + "unit = \"Blorks\"\n")), "no error");
}

TEST(ContractTest, EligibilityByDaysIsReadAndSaidAsDays) {
  const std::string date = Column("type = \"date\"\n") + "[[eligible]]\ncolumn = \"a\"\n";
  const Result<Contract> contract = Parse(date + "minimum = 2015-01-01\nmaximum = 2020-12-31\n");
  ASSERT_TRUE(contract.has_value()) << Describe(contract.error());
  const EligibilityRule& rule = contract->eligibility.at(0);
  EXPECT_EQ(rule.minimum, 16436);
  EXPECT_EQ(BoundInWords(contract->columns[0], *rule.minimum), "2015-01-01");
  EXPECT_EQ(BoundInWords(contract->columns[0], *rule.maximum), "2020-12-31");
  EXPECT_EQ(BoundInWords(contract->columns[0], -1), "1969-12-31");
  EXPECT_THAT(ErrorFor(date), HasSubstr("needs minimum, maximum or both"));
  EXPECT_THAT(ErrorFor(date + "minimum = \"2015-01-01\"\n"), HasSubstr("without quotes"));
  EXPECT_THAT(ErrorFor(date + "minimum = 2020-01-01\nmaximum = 2019-12-31\n"),
              HasSubstr("no day can satisfy"));
  EXPECT_THAT(ErrorFor(date + "one_of = [\"2015\"]\n"), HasSubstr("is a date"));
}

TEST(ContractTest, AColumnWithACountIsASeries) {
  const auto parse = [](const std::string& rest) {
    return ParseContract(
        Settings::Parse("patient = \"id\"\n[[column]]\nname = \"pixel\"\ntype = \"number\"\n"
                        "range = [0, 255]\n" +
                            rest,
                        "contract.toml")
            .value());
  };
  const Contract contract = parse("count = 3\n").value();
  ASSERT_EQ(contract.columns.size(), 3u);
  EXPECT_EQ(contract.columns[2].name, "pixel_3");
  EXPECT_EQ(contract.columns[2].series, "pixel");
  EXPECT_EQ(contract.columns[2].maximum, 255);
  EXPECT_EQ(contract.Find("pixel"), nullptr);
  EXPECT_FALSE(parse("count = 0\n").has_value());
  EXPECT_FALSE(parse("count = 10001\n").has_value());
  EXPECT_FALSE(parse("count = 2\n[[column]]\nname = \"pixel_2\"\ntype = \"boolean\"\n"));
  EXPECT_EQ(parse("").value().columns[0].series, "");
}

}  // namespace
}  // namespace consilium
