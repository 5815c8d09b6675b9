#include "client/ingestion/redcap/redcap_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/ingestion/source.h"
#include "tests/client/ingestion/redcap/redcap_project.h"
#include "tests/client/temporary_folder.h"

namespace consilium {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Row = std::vector<std::string>;
using Rows = std::vector<Row>;

class RedcapTableTest : public ::testing::Test {
 protected:
  RedcapTableTest() { folder_.Write("dictionary.csv", RedcapProjectDictionary()); }

  Result<Source> ParseSource(const std::string& csv, const std::string& keys) {
    folder_.Write("export.csv", csv);
    return ReadSource(folder_.Write("source.toml",
                                    "type = \"redcap\"\nfile = \"export.csv\"\n"
                                    "dictionary = \"dictionary.csv\"\n" +
                                        keys));
  }

  /// Of these columns.
  Result<Rows> Try(const std::string& csv, const std::string& keys, const Row& columns) {
    TRY(const Source source, ParseSource(csv, keys));
    TRY(const std::unique_ptr<TableReader> table, OpenTable(source));
    const std::vector<std::string>& header = table->header();
    std::vector<std::size_t> places;
    std::vector<bool> wanted(header.size());
    for (const std::string& column : columns) {
      const auto found = std::find(header.begin(), header.end(), column);
      EXPECT_NE(found, header.end()) << column;
      places.push_back(static_cast<std::size_t>(found - header.begin()));
      wanted[places.back()] = true;
    }
    table->Want(wanted);
    Rows rows;
    TableRow row;
    for (;;) {
      TRY(const bool any, table->Next(row));
      if (!any) return rows;
      Row& texts = rows.emplace_back();
      for (const std::size_t place : places) texts.emplace_back(row.fields[place]);
      places_.clear();
      for (const std::size_t place : places) places_.push_back(row.PlaceOf(place));
    }
  }
  Rows Read(const std::string& csv, const std::string& keys, const Row& columns) {
    const auto rows = Try(csv, keys, columns);
    EXPECT_TRUE(rows.has_value()) << Describe(rows.error());
    return rows ? *rows : Rows{};
  }
  std::string ErrorOf(const std::string& csv, const std::string& keys, const Row& columns) {
    const auto rows = Try(csv, keys, columns);
    EXPECT_FALSE(rows.has_value());
    return rows ? "" : Describe(rows.error());
  }

  TemporaryFolder folder_;
  std::vector<std::uint64_t> places_;  // Of the last row.
};

constexpr const char* kSimple =
    "record_id,born,sex,race___1,race____1,smoker,consent,weight,bmi,seen,demographics_complete\n"
    "1,1960-02-29,1,1,0,1,0,\"70,5\",24.1,2024-05-01 13:45,2\n"
    "2,1971-12-01,9,0,1,0,1,80,,2024-05-02 00:00,0\n"
    "3,,7,0,0,,,,,,\n";

TEST_F(RedcapTableTest, ChoicesAreLabels) {
  EXPECT_THAT(Read(kSimple, "", {"record_id", "sex", "smoker", "consent", "demographics_complete"}),
              ElementsAre(Row{"1", "Male", "Yes", "False", "Complete"},
                          Row{"2", "Unknown, not asked", "No", "True", "Incomplete"},
                          Row{"3", "7", "", "", ""}));
}

TEST_F(RedcapTableTest, OrCodesAsTheSourceFileSays) {
  EXPECT_THAT(Read(kSimple, "values = \"codes\"\n", {"sex", "smoker", "demographics_complete"}),
              ElementsAre(Row{"1", "1", "2"}, Row{"9", "0", "0"}, Row{"7", "", ""}));
  EXPECT_THAT(Read(kSimple, "exceptions = [\"sex\"]\n", {"sex", "smoker"}),
              ElementsAre(Row{"1", "Yes"}, Row{"9", "No"}, Row{"7", ""}));
}

TEST_F(RedcapTableTest, OtherFieldsAreWhatTheyAre) {
  EXPECT_THAT(Read(kSimple, "", {"born", "race___1", "race____1", "weight", "bmi", "seen"}),
              ElementsAre(Row{"1960-02-29", "1", "0", "70.5", "24.1", "2024-05-01 13:45"},
                          Row{"1971-12-01", "0", "1", "80", "", "2024-05-02 00:00"},
                          Row{"", "0", "0", "", "", ""}));
  EXPECT_THAT(Read(kSimple, "days = [\"seen\"]\n", {"seen"}),
              ElementsAre(Row{"2024-05-01"}, Row{"2024-05-02"}, Row{""}));
}

TEST_F(RedcapTableTest, AMissingDataCodeOfACheckboxIsNoNo) {
  EXPECT_THAT(Read("record_id,race___1,race___2,race___nask\n1,1,0,0\n2,0,0,1\n", "",
                   {"race___1", "race___2"}),
              ElementsAre(Row{"1", "0"}, Row{"", ""}));
}

constexpr const char* kLongitudinal =
    "record_id,redcap_event_name,redcap_repeat_instrument,redcap_repeat_instance,sex,nyha,lab_date,"
    "hba1c\n"
    "1,baseline_arm_1,,,1,2,,\n"
    "1,baseline_arm_1,labs,1,,,2024-01-01,7.5\n"
    "1,baseline_arm_1,labs,2,,,2024-02-01,\n"
    "1,month_6_arm_1,,,,3,,\n"
    "2,month_6_arm_1,,,,4,,\n"
    "3,baseline_arm_1,,,2,,,\n"
    "4,screening_arm_1,,,1,,,\n";

TEST_F(RedcapTableTest, EventsBecomeColumnsOfARecord) {
  EXPECT_THAT(Read(kLongitudinal, "events = [\"baseline_arm_1\", \"month_6_arm_1\"]\n",
                   {"record_id", "sex", "nyha", "nyha@month_6_arm_1"}),
              ElementsAre(Row{"1", "Male", "II", "III"}, Row{"", "", "", "IV"},
                          Row{"3", "Female", "", ""}));
}

TEST_F(RedcapTableTest, OneInstanceOfAFormThatRepeatsCounts) {
  const std::string events = "events = [\"baseline_arm_1\"]\n";
  const Row columns = {"record_id", "sex", "lab_date", "hba1c"};
  EXPECT_THAT(Read(kLongitudinal, events + "repeating = { labs = \"first\" }\n", columns),
              ElementsAre(Row{"1", "Male", "2024-01-01", "7.5"}, Row{"3", "Female", "", ""}));
  EXPECT_EQ(places_, (std::vector<std::uint64_t>{7, 7, 7, 7}));
  // The last is the last, whatever is missing in it.
  EXPECT_THAT(Read(kLongitudinal, events + "repeating = { labs = \"last\" }\n", columns),
              ElementsAre(Row{"1", "Male", "2024-02-01", ""}, Row{"3", "Female", "", ""}));
}

TEST_F(RedcapTableTest, PlacesAreTheLinesOfTheExport) {
  const std::string csv =
      "record_id,redcap_repeat_instrument,redcap_repeat_instance,sex,lab_date,hba1c\n"
      "1,,,1,,\n"
      "1,labs,1,,2024-01-01,7.5\n";
  EXPECT_THAT(Read(csv, "repeating = { labs = \"last\" }\n", {"record_id", "sex", "hba1c"}),
              ElementsAre(Row{"1", "Male", "7.5"}));
  EXPECT_EQ(places_, (std::vector<std::uint64_t>{2, 2, 3}));
}

TEST_F(RedcapTableTest, WhatRepeatsWithoutARuleIsAnErrorWhereItIsWanted) {
  const std::string events = "events = [\"baseline_arm_1\"]\n";
  EXPECT_THAT(ErrorOf(kLongitudinal, events, {"record_id", "hba1c"}),
              AllOf(HasSubstr("export.csv:3"), HasSubstr("\"labs\" repeats"),
                    HasSubstr("repeating = { labs = \"last\" }")));
  EXPECT_THAT(Read(kLongitudinal, events, {"record_id", "sex"}),
              ElementsAre(Row{"1", "Male"}, Row{"3", "Female"}));
}

TEST_F(RedcapTableTest, AWholeEventMayRepeat) {
  const std::string csv =
      "record_id,redcap_event_name,redcap_repeat_instrument,redcap_repeat_instance,nyha\n"
      "1,visit_arm_1,,2,3\n"
      "1,visit_arm_1,,1,2\n"
      "1,visit_arm_1,,10,4\n";
  const std::string events = "events = [\"visit_arm_1\"]\n";
  EXPECT_THAT(
      Read(csv, events + "repeating = { visit_arm_1 = \"first\" }\n", {"record_id", "nyha"}),
      ElementsAre(Row{"1", "II"}));
  EXPECT_THAT(Read(csv, events + "repeating = { visit_arm_1 = \"last\" }\n", {"record_id", "nyha"}),
              ElementsAre(Row{"1", "IV"}));
  EXPECT_THAT(ErrorOf(csv, events, {"record_id", "nyha"}), HasSubstr("\"visit_arm_1\" repeats"));
}

TEST_F(RedcapTableTest, EventsMustBeNamedAndBeThere) {
  EXPECT_THAT(ErrorOf(kLongitudinal, "", {"sex"}),
              AllOf(HasSubstr("the project has events"), HasSubstr("events = [")));
  EXPECT_THAT(ErrorOf(kSimple, "events = [\"baseline_arm_1\"]\n", {"sex"}),
              HasSubstr("no column redcap_event_name"));
  EXPECT_THAT(ErrorOf(kLongitudinal, "events = [\"a\", \"a\"]\n", {"sex"}), HasSubstr("twice"));
}

TEST_F(RedcapTableTest, TwoRowsOfOneEventAreAnError) {
  EXPECT_THAT(ErrorOf("record_id,redcap_event_name,sex\n1,b,1\n1,b,2\n", "events = [\"b\"]\n",
                      {"record_id", "sex"}),
              AllOf(HasSubstr("export.csv:3"), HasSubstr("second row of the event \"b\"")));
}

TEST_F(RedcapTableTest, ExportsOfLabelsAreRefused) {
  EXPECT_THAT(ErrorOf("record_id,sex\n1,Male\n", "", {"sex"}),
              AllOf(HasSubstr("export.csv:2"), HasSubstr("\"sex\""), HasSubstr("Export raw data")));
  EXPECT_THAT(ErrorOf("Study ID,Sex\n1,Male\n", "", {"Sex"}),
              AllOf(HasSubstr("no column \"record_id\""), HasSubstr("raw data")));
}

TEST_F(RedcapTableTest, AFieldThatTheDictionaryDoesNotHaveIsAnErrorWhereItIsWanted) {
  const std::string csv = "record_id,sex,glucose\n1,1,5\n";
  EXPECT_THAT(ErrorOf(csv, "", {"glucose"}),
              AllOf(HasSubstr("\"glucose\""), HasSubstr("Download the dictionary again")));
  EXPECT_THAT(Read(csv, "", {"sex"}), ElementsAre(Row{"Male"}));
}

TEST_F(RedcapTableTest, ListsInTheSourceFileNameFieldsThatFit) {
  EXPECT_THAT(ErrorOf(kSimple, "exceptions = [\"gender\"]\n", {"sex"}), HasSubstr("\"gender\""));
  EXPECT_THAT(ErrorOf(kSimple, "exceptions = [\"race\"]\n", {"sex"}), HasSubstr("no choices"));
  EXPECT_THAT(ErrorOf(kSimple, "days = [\"born\"]\n", {"sex"}), HasSubstr("no date with a time"));
  EXPECT_THAT(ErrorOf(kSimple, "repeating = { labs = \"all\" }\n", {"sex"}), HasSubstr("first"));
  EXPECT_THAT(ErrorOf(kLongitudinal, "events = [\"baseline_arm_1\"]\nvalue = \"codes\"\n", {"sex"}),
              HasSubstr("value"));
}

TEST_F(RedcapTableTest, WrongInstancesAreNamed) {
  EXPECT_THAT(ErrorOf("record_id,redcap_repeat_instrument,redcap_repeat_instance,hba1c\n"
                      "1,labs,first,7\n",
                      "repeating = { labs = \"last\" }\n", {"hba1c"}),
              AllOf(HasSubstr("export.csv:2"), HasSubstr("redcap_repeat_instance")));
}

}  // namespace
}  // namespace consilium
