#include "client/ingestion/redcap/redcap_contract.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/client/ingestion/redcap/redcap_project.h"
#include "tests/client/study_builder.h"
#include "tests/client/temporary_folder.h"

namespace consilium {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class RedcapContractTest : public ::testing::Test {
 protected:
  /// What is said of one column read from this field.
  std::vector<std::string> Of(const std::string& header,
                              const std::string& column_toml,
                              RedcapUse use = {},
                              const RedcapOptions& options = {}) {
    const auto dictionary =
        RedcapDictionary::Read(folder_.Write("dictionary.csv", RedcapProjectDictionary()));
    const Contract contract =
        MakeContract("patient = \"id\"\n[[column]]\nname = \"x\"\n" + column_toml);
    use.column = &contract.columns[0];
    use.header = header;
    std::vector<std::string> words;
    for (const Suspicion& found : CompareWithContract(*dictionary, options, {use})) {
      EXPECT_EQ(found.column, "x");
      EXPECT_EQ(found.kind, "dictionary");
      words.push_back(found.words + ". " + found.remedy);
    }
    return words;
  }

  TemporaryFolder folder_;
};

constexpr const char* kNumber = "type = \"number\"\nunit = \"cm\"\nrange = [100, 250]\n";
constexpr const char* kSex = "type = \"category\"\nlevels = [\"Male\", \"Female\"]\n";

TEST_F(RedcapContractTest, WhatFitsIsNotMentioned) {
  EXPECT_THAT(Of("height", kNumber), IsEmpty());
  EXPECT_THAT(Of("bmi", kNumber), IsEmpty());
  EXPECT_THAT(Of("smoker", "type = \"boolean\"\n"), IsEmpty());
  EXPECT_THAT(Of("race___1", "type = \"boolean\"\n"), IsEmpty());
  EXPECT_THAT(Of("lab_date", "type = \"date\"\n"), IsEmpty());
  EXPECT_THAT(Of("sex", kSex, {.missing = {"Unknown, not asked"}}), IsEmpty());
  EXPECT_THAT(Of("labs_complete", kSex), IsEmpty());
}

TEST_F(RedcapContractTest, IdentifiersAreFlagged) {
  EXPECT_THAT(Of("born", "type = \"date\"\n"),
              ElementsAre(AllOf(HasSubstr("\"born\" as an identifier"), HasSubstr("needs it"))));
}

TEST_F(RedcapContractTest, RangesThatDifferAreNamed) {
  EXPECT_THAT(
      Of("height", "type = \"number\"\nunit = \"cm\"\nrange = [150, 200]\n"),
      ElementsAre(HasSubstr("REDCap takes 130 to 215 in \"height\", the contract 150 to 200 "
                            "cm. See that both mean the same unit")));
  EXPECT_THAT(Of("height", "type = \"number\"\nunit = \"m\"\nrange = [1, 2.5]\n"),
              ElementsAre(HasSubstr("another unit")));
  EXPECT_THAT(
      Of("height", "type = \"number\"\nunit = \"m\"\nrange = [1, 2.5]\n", {.converted = true}),
      IsEmpty());
  EXPECT_THAT(Of("weight", "type = \"number\"\nunit = \"kg\"\nrange = [40, 300]\n"),
              ElementsAre(HasSubstr("REDCap takes 35 to 200")));
}

TEST_F(RedcapContractTest, TypesThatDifferAreNamed) {
  EXPECT_THAT(Of("notes", kNumber),
              ElementsAre(HasSubstr("is of type notes, the contract says a number")));
  EXPECT_THAT(Of("mrn", "type = \"boolean\"\n"),
              ElementsAre(HasSubstr("identifier"), HasSubstr("free text")));
  EXPECT_THAT(Of("height", "type = \"integer\"\nunit = \"cm\"\nrange = [100, 250]\n"),
              ElementsAre(HasSubstr("with decimals, the contract says a whole number")));
  EXPECT_THAT(Of("sex", kNumber), ElementsAre(HasSubstr("`exceptions`")));
  EXPECT_THAT(Of("sex", kNumber, {}, {.exceptions = {"sex"}}), IsEmpty());
  EXPECT_THAT(Of("hba1c", "type = \"date\"\n"), ElementsAre(HasSubstr("is a number")));
  EXPECT_THAT(Of("seen", "type = \"date\"\n"), ElementsAre(HasSubstr("`days`")));
  EXPECT_THAT(Of("seen", "type = \"date\"\n", {}, {.days = {"seen"}}), IsEmpty());
  EXPECT_THAT(Of("nyha", "type = \"boolean\"\n"), ElementsAre(HasSubstr("a list of choices")));
}

TEST_F(RedcapContractTest, ChoicesAndLevelsThatDifferAreNamed) {
  EXPECT_THAT(
      Of("sex", "type = \"category\"\nlevels = [\"male\", \"Female\"]\n"),
      ElementsAre(
          AllOf(HasSubstr("\"Male\" and \"Unknown, not asked\" are no levels"), HasSubstr("`map`")),
          HasSubstr("no choice of REDCap's field \"sex\" is the contract's \"male\"")));
  RedcapUse use;
  use.map = {{"Male", "male"}, {"Unknown, not asked", ""}};
  EXPECT_THAT(Of("sex", "type = \"category\"\nlevels = [\"male\", \"Female\"]\n", use), IsEmpty());
  EXPECT_THAT(
      Of("sex", "type = \"category\"\nlevels = [\"1\", \"2\", \"9\"]\n", {}, {.labels = false}),
      IsEmpty());
  EXPECT_THAT(Of("height", kSex), ElementsAre(HasSubstr("is a number, the contract says one of")));
}

}  // namespace
}  // namespace consilium
