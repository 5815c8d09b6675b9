#include "client/ingestion/redcap/redcap_dictionary.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/client/ingestion/redcap/redcap_project.h"
#include "tests/client/temporary_folder.h"

namespace consilium {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Optional;
using ::testing::Pair;

class RedcapDictionaryTest : public ::testing::Test {
 protected:
  Result<RedcapDictionary> Try(const std::string& text) {
    return RedcapDictionary::Read(folder_.Write("dictionary.csv", text));
  }
  std::string ErrorOf(const std::string& text) {
    const auto dictionary = Try(text);
    EXPECT_FALSE(dictionary.has_value());
    return dictionary ? "" : Describe(dictionary.error());
  }
  RedcapDictionary Read() {
    auto dictionary = Try(RedcapProjectDictionary());
    EXPECT_TRUE(dictionary.has_value()) << Describe(dictionary.error());
    return *std::move(dictionary);
  }

  TemporaryFolder folder_;
};

TEST(RedcapChoicesTest, AreCodesAndLabels) {
  EXPECT_THAT(ParseRedcapChoices("1, Male | 2, Female"),
              Optional(ElementsAre(Pair("1", "Male"), Pair("2", "Female"))));
  EXPECT_THAT(ParseRedcapChoices(" 0,No|99 , Unknown, not asked |"),
              Optional(ElementsAre(Pair("0", "No"), Pair("99", "Unknown, not asked"))));
  EXPECT_THAT(ParseRedcapChoices("1, Male\n| 2, Female\n"),
              Optional(ElementsAre(Pair("1", "Male"), Pair("2", "Female"))));
  EXPECT_EQ(ParseRedcapChoices("Male | Female"), std::nullopt);
  EXPECT_EQ(ParseRedcapChoices("1, Male | 1, Female"), std::nullopt);
  EXPECT_EQ(ParseRedcapChoices(", Male"), std::nullopt);
}

TEST_F(RedcapDictionaryTest, ReadsWhatRedcapGivesForDownload) {
  const RedcapDictionary dictionary = Read();
  ASSERT_EQ(dictionary.fields().size(), 15u);
  EXPECT_EQ(dictionary.record(), "record_id");
  const RedcapField& sex = dictionary.fields()[3];
  EXPECT_EQ(sex.form, "demographics");
  EXPECT_TRUE(sex.IsChoice());
  EXPECT_EQ(*sex.LabelOf("9"), "Unknown, not asked");
  EXPECT_EQ(sex.LabelOf("3"), nullptr);
  EXPECT_TRUE(dictionary.fields()[2].identifier);
  EXPECT_TRUE(dictionary.fields()[2].IsDate());
  EXPECT_EQ(*dictionary.fields()[5].LabelOf("1"), "Yes");
  EXPECT_EQ(*dictionary.fields()[6].LabelOf("0"), "False");
  EXPECT_TRUE(dictionary.fields()[8].HasDecimalComma());
  EXPECT_THAT(dictionary.fields()[9].choices, ::testing::IsEmpty());
  EXPECT_TRUE(dictionary.fields()[10].IsDatetime());
}

TEST_F(RedcapDictionaryTest, ReadsWhatTheApiGives) {
  const auto dictionary = Try(
      "field_name,form_name,section_header,field_type,field_label,select_choices_or_calculations,"
      "field_note,text_validation_type_or_show_slider_number,text_validation_min,"
      "text_validation_max,identifier\n"
      "id,a,,text,ID,,,,,,\n"
      "x,a,,radio,X,\"a, A | b, B\",,,,,y\n");
  ASSERT_TRUE(dictionary.has_value()) << Describe(dictionary.error());
  EXPECT_EQ(*dictionary->fields()[1].LabelOf("b"), "B");
  EXPECT_TRUE(dictionary->fields()[1].identifier);
}

TEST_F(RedcapDictionaryTest, KnowsEachColumnOfAnExport) {
  const RedcapDictionary dictionary = Read();
  EXPECT_EQ(dictionary.Describe("hba1c")->field->name, "hba1c");
  EXPECT_EQ(dictionary.Describe("race___1")->field->name, "race");
  EXPECT_TRUE(dictionary.Describe("race___1")->choice);
  EXPECT_TRUE(dictionary.Describe("race____1")->choice);  // The code -1.
  EXPECT_FALSE(dictionary.Describe("race___nask")->choice);
  EXPECT_EQ(dictionary.Describe("labs_complete")->form, "labs");
  EXPECT_TRUE(dictionary.Describe("labs_complete")->completion);
  EXPECT_EQ(dictionary.Describe("labs_timestamp")->form, "labs");
  EXPECT_EQ(dictionary.Describe("redcap_event_name")->field, nullptr);
  for (const char* unknown : {"race", "sex___1", "other_complete", "glucose", ""}) {
    EXPECT_FALSE(dictionary.Describe(unknown).has_value()) << unknown;
  }
}

TEST_F(RedcapDictionaryTest, OtherFilesAreErrorsWithLineAndField) {
  EXPECT_THAT(ErrorOf("patient,age\nP1,50\n"),
              AllOf(HasSubstr("no REDCap data dictionary"), HasSubstr("field_name")));
  EXPECT_THAT(ErrorOf(kRedcapHeadings), HasSubstr("has no field"));
  const std::string start = std::string(kRedcapHeadings) + "id,a,,text,ID,,,,,,,,\n";
  EXPECT_THAT(ErrorOf(start + "sex,a,,radio,Sex,Male or female,,,,,,,\n"),
              AllOf(HasSubstr("dictionary.csv:3"), HasSubstr("\"sex\""), HasSubstr("1, Male")));
  EXPECT_THAT(ErrorOf(start + "id,a,,text,ID,,,,,,,,\n"), HasSubstr("is there twice"));
  EXPECT_THAT(ErrorOf(start + ",a,,text,ID,,,,,,,,\n"), HasSubstr("no name"));
  EXPECT_THAT(ErrorOf(start + "x,a\n"), HasSubstr("dictionary.csv:3"));
}

}  // namespace
}  // namespace consilium
