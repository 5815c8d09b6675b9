// Files that the library's own writer makes, read by the real program, whose work is in
// client/ingestion/stat/stat_rows.cc and client/ingestion/stat/stat_input.cc.

#include "client/ingestion/stat/stat_file.h"

#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/ingestion/source.h"
#include "tests/client/ingestion/stat/stat_fixture.h"
#include "tests/client/study_builder.h"

namespace consilium {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using Storage = StatStorage;

TEST_F(StatFileTest, ReadsEveryKindOfFile) {
  for (const StatFormat format : kFormats) {
    SCOPED_TRACE(NameOf(format));
    const auto file = Open(Written(format, PlainTable()), {.format = format});
    ASSERT_TRUE(file.has_value()) << Describe(file.error());
    EXPECT_THAT((*file)->header(), ElementsAre("ID", "X", "N"));
    EXPECT_EQ((*file)->format().place_unit, "record");
    const auto rows = ReadAll(**file);
    ASSERT_TRUE(rows.has_value()) << Describe(rows.error());
    EXPECT_THAT(
        *rows, ElementsAre(Row{"P1", "0.1", "100000"}, Row{"P2", "", "-7"}, Row{"", "0.001", "0"}));
  }
}

TEST_F(StatFileTest, ReadsEveryVersionAndPacking) {
  const Rows expected = Read(PlainTable(), {.format = StatFormat::kSav});
  const auto expect_same = [&](StatFormat format, int version, StatTable::Packing packing) {
    StatTable table = PlainTable();
    table.version = version;
    table.packing = packing;
    EXPECT_EQ(Read(table, {.format = format}), expected) << NameOf(format) << " " << version;
  };
  for (const auto packing : {StatTable::Packing::kRows, StatTable::Packing::kBinary}) {
    expect_same(StatFormat::kSav, 0, packing);
  }
  expect_same(StatFormat::kSas7bdat, 0, StatTable::Packing::kRows);
  for (const int version : {5, 8})
    expect_same(StatFormat::kXpt, version, StatTable::Packing::kNone);
  for (const int version : {104, 105, 108, 110, 111, 113, 114, 115, 117, 118, 119}) {
    expect_same(StatFormat::kDta, version, StatTable::Packing::kNone);
  }
}

TEST_F(StatFileTest, NumbersKeepEveryDigit) {
  StatTable table;
  table.variables = {{.name = "D"}};
  const std::vector<double> values = {0.1, 1.0 / 3, 123456789.123456789, 9007199254740991, -1e-10};
  for (const double value : values) table.rows.push_back({value});
  for (const StatFormat format : {StatFormat::kSas7bdat, StatFormat::kSav, StatFormat::kDta}) {
    const Rows rows = Read(table, {.format = format});
    ASSERT_EQ(rows.size(), values.size());
    for (std::size_t i = 0; i < values.size(); ++i) {
      EXPECT_EQ(std::stod(rows[i][0]), values[i]) << NameOf(format);
    }
  }
}

TEST_F(StatFileTest, ReadsStatasStorageTypes) {
  StatTable table;
  table.variables = {{"b", Storage::kInt8},
                     {"i", Storage::kInt16},
                     {"l", Storage::kInt32},
                     {"f", Storage::kFloat}};
  table.rows = {{-127.0, -32767.0, 2147483620.0, 0.1}, {100.0, 32740.0, -2147483647.0, 0.5}};
  // A float is the double that it stands for.
  EXPECT_THAT(Read(table, {.format = StatFormat::kDta}),
              ElementsAre(Row{"-127", "-32767", "2147483620", "0.10000000149011612"},
                          Row{"100", "32740", "-2147483647", "0.5"}));
}

TEST_F(StatFileTest, ValuesWithALabelAreTheirLabel) {
  for (const StatFormat format : {StatFormat::kSav, StatFormat::kDta}) {
    EXPECT_THAT(Read(LabelledTable(), {.format = format}),
                ElementsAre(Row{"P1", "female", "no symptoms"}, Row{"P2", "male", "3"},
                            Row{"P3", "9", "at rest"}));
  }
}

TEST_F(StatFileTest, OrCodesAsTheSourceFileSays) {
  EXPECT_THAT(Read(LabelledTable(), {.format = StatFormat::kSav, .labels = false}),
              ElementsAre(Row{"P1", "2", "1"}, Row{"P2", "1", "3"}, Row{"P3", "9", "4"}));
  EXPECT_THAT(Read(LabelledTable(), {.format = StatFormat::kDta, .exceptions = {"nyha"}}),
              ElementsAre(Row{"P1", "female", "1"}, Row{"P2", "male", "3"}, Row{"P3", "9", "4"}));
  EXPECT_THAT(
      Read(LabelledTable(), {.format = StatFormat::kSav, .labels = false, .exceptions = {"sex"}}),
      ElementsAre(Row{"P1", "female", "1"}, Row{"P2", "male", "3"}, Row{"P3", "9", "4"}));
}

TEST_F(StatFileTest, ListsInTheSourceFileNameVariablesThatFit) {
  const std::string bytes = Written(StatFormat::kSav, LabelledTable());
  EXPECT_THAT(ErrorOf(bytes, {.exceptions = {"Sex_"}}),
              AllOf(HasSubstr("no variable \"Sex_\""), HasSubstr("Did you mean \"sex\"?")));
  EXPECT_THAT(ErrorOf(bytes, {.exceptions = {"id"}}),
              AllOf(HasSubstr("variable \"id\""), HasSubstr("no labels")));
  EXPECT_THAT(ErrorOf(bytes, {.days = {"sex"}}),
              AllOf(HasSubstr("variable \"sex\""), HasSubstr("no date with a time")));
}

TEST_F(StatFileTest, TextsHaveLabelsToo) {
  StatTable table;
  table.variables = {{.name = "g",
                      .storage = Storage::kText,
                      .width = 3,
                      .text_labels = {{"a", "Alpha"}, {"b", "Beta"}}}};
  table.rows = {{"a"}, {"c"}, {"b"}};
  EXPECT_THAT(Read(table, {.format = StatFormat::kSav}),
              ElementsAre(Row{"Alpha"}, Row{"c"}, Row{"Beta"}));
}

StatTable SpssTable() {
  StatTable table;
  table.variables = {
      {.name = "x", .labels = {{99, "refused"}}, .missing = {{97, 99}, {-1, -1}}},
      {.name = "t", .storage = Storage::kText, .width = 4, .missing_texts = {"n/a"}}};
  table.rows = {{96.5, "ab"},   {97.0, "n/a"}, {98.5, ""},
                {99.0, "n/a "}, {-1.0, "b"},   {Missing{}, "c"}};
  return table;
}

TEST_F(StatFileTest, WhatSpssUsersDeclaredMissingIsMissing) {
  for (const StatFormat format : {StatFormat::kSav}) {
    EXPECT_THAT(Read(SpssTable(), {.format = format}),
                ElementsAre(Row{"96.5", "ab"}, Row{"", ""}, Row{"", ""}, Row{"", ""}, Row{"", "b"},
                            Row{"", "c"}));
  }
}

TEST_F(StatFileTest, OrWhatItIsForAMapToTranslate) {
  EXPECT_THAT(Read(SpssTable(), {.format = StatFormat::kSav, .keep_missing = true}),
              ElementsAre(Row{"96.5", "ab"}, Row{"97", "n/a"}, Row{"98.5", ""},
                          Row{"refused", "n/a"}, Row{"-1", "b"}, Row{"", "c"}));
}

TEST_F(StatFileTest, StatasAndSassMissingLettersAreMissing) {
  StatTable stata;
  stata.variables = {{.name = "b",
                      .storage = Storage::kInt32,
                      .labels = {{1, "one"}},
                      .tag_labels = {{'a', "refused"}}},
                     {.name = "d"}};
  stata.rows = {{Missing{'a'}, Missing{'z'}}, {1.0, Missing{}}, {Missing{}, 2.0}};
  EXPECT_THAT(Read(stata, {.format = StatFormat::kDta}),
              ElementsAre(Row{"", ""}, Row{"one", ""}, Row{"", "2"}));
  EXPECT_THAT(Read(stata, {.format = StatFormat::kDta, .keep_missing = true}),
              ElementsAre(Row{"refused", ".z"}, Row{"one", ""}, Row{"", "2"}));
  StatTable sas;
  sas.variables = {{.name = "x"}};
  sas.rows = {{Missing{'B'}}, {Missing{}}, {3.0}};
  for (const StatFormat format : {StatFormat::kSas7bdat, StatFormat::kXpt}) {
    EXPECT_THAT(Read(sas, {.format = format}), ElementsAre(Row{""}, Row{""}, Row{"3"}));
    EXPECT_THAT(Read(sas, {.format = format, .keep_missing = true}),
                ElementsAre(Row{".B"}, Row{""}, Row{"3"}));
  }
}

// 2024-02-29 13:53:20 by each program's own count; see stat_values_test.cc.
TEST_F(StatFileTest, DatesAreIso) {
  StatTable sas;
  sas.variables = {{.name = "D", .format = "DATE9"}, {.name = "T", .format = "DATETIME20"}};
  sas.rows = {{23'435.0, 23'435 * 86'400.0 + 50'000}};
  StatTable spss;
  spss.variables = {{.name = "D", .format = "EDATE10"}, {.name = "T", .format = "DATETIME20"}};
  spss.rows = {{161'210 * 86'400.0, 161'210 * 86'400.0 + 50'000}};
  StatTable stata;
  stata.variables = {{.name = "D", .format = "%td"}, {.name = "T", .format = "%tc"}};
  stata.rows = {{23'435.0, 23'435 * 86'400'000.0 + 50'000'000}};
  for (const auto& [format, table] :
       {std::pair(StatFormat::kSas7bdat, sas), std::pair(StatFormat::kXpt, sas),
        std::pair(StatFormat::kSav, spss), std::pair(StatFormat::kPor, spss),
        std::pair(StatFormat::kDta, stata)}) {
    SCOPED_TRACE(NameOf(format));
    EXPECT_THAT(Read(table, {.format = format}),
                ElementsAre(Row{"2024-02-29", "2024-02-29 13:53:20"}));
    EXPECT_THAT(Read(table, {.format = format, .days = {"T"}}),
                ElementsAre(Row{"2024-02-29", "2024-02-29"}));
  }
}

TEST_F(StatFileTest, CountsOfDaysThatNeedMoreThanTheFileAreRefusedWhereTheyAreWanted) {
  StatTable table;
  table.variables = {{.name = "id", .storage = Storage::kText},
                     {.name = "leap", .format = "%tC"},
                     {.name = "trade", .format = "%tbnyse"}};
  table.rows = {{"P1", 0.0, 0.0}};
  const std::string bytes = Written(StatFormat::kDta, table);
  EXPECT_THAT(ErrorOf(bytes, {.format = StatFormat::kDta}),
              AllOf(HasSubstr("variable \"leap\""), HasSubstr("cofC")));
  const auto file = Open(bytes, {.format = StatFormat::kDta});
  ASSERT_TRUE(file.has_value());
  (*file)->Want({true, false, true});
  EXPECT_THAT(Describe(ReadAll(**file).error()),
              AllOf(HasSubstr("variable \"trade\""), HasSubstr("dofb")));
  const auto other = Open(bytes, {.format = StatFormat::kDta});
  ASSERT_TRUE(other.has_value());
  (*other)->Want({true, false, false});
  EXPECT_THAT(ReadAll(**other), ::testing::Optional(ElementsAre(Row{"P1", "", ""})));
}

StatTable TextTable(const std::string& text) {
  StatTable table;
  table.variables = {{.name = "id", .storage = Storage::kText},
                     {.name = "town", .storage = Storage::kText, .width = 20}};
  table.rows = {{"P1", "Bonn"}, {"P2", text}};
  return table;
}

TEST_F(StatFileTest, TextsBecomeUtf8) {
  StatTable old = TextTable("K\xF6ln");  // Stata before 14 wrote the system's encoding.
  old.version = 114;
  EXPECT_EQ(Read(old, {.format = StatFormat::kDta})[1][1], "Köln");
  EXPECT_EQ(Read(TextTable("\xA3\xF3\x64\xBC"),
                 {.format = StatFormat::kXpt, .encoding = "ISO-8859-2"})[1][1],
            "Łódź");
  EXPECT_EQ(Read(TextTable("Łódź"), {.format = StatFormat::kSav})[1][1], "Łódź");
  EXPECT_EQ(Read(TextTable("Łódź"), {.format = StatFormat::kSas7bdat})[1][1], "Łódź");
}

TEST_F(StatFileTest, ATextInAnotherEncodingIsNamedByRecordAndVariable) {
  for (const StatFormat format : {StatFormat::kSav, StatFormat::kSas7bdat, StatFormat::kXpt}) {
    SCOPED_TRACE(NameOf(format));
    const std::string bytes = Written(format, TextTable("K\xF6ln"));
    EXPECT_THAT(ErrorOf(bytes, {.format = format}),
                AllOf(HasSubstr("record 2, variable \"town\""), HasSubstr("Set `encoding`"),
                      Not(HasSubstr("ln\""))));
    EXPECT_EQ((*Try(bytes, {.format = format, .encoding = "WINDOWS-1252"}))[1][1], "Köln");
  }
  EXPECT_THAT(ErrorOf(Written(StatFormat::kDta, TextTable("x")),
                      {.format = StatFormat::kDta, .encoding = "NO-SUCH"}),
              HasSubstr("iconv --list"));
}

TEST_F(StatFileTest, LongTextsAreWhole) {
  const std::string text(1'000, 'x');
  StatTable table = TextTable(text);
  table.variables[1].width = 1'200;
  EXPECT_EQ(Read(table, {.format = StatFormat::kSav})[1][1], text);
  EXPECT_EQ(Read(table, {.format = StatFormat::kDta})[1][1], text);
}

TEST_F(StatFileTest, ReadsOnlyWhatIsWanted) {
  const auto file = Open(Written(StatFormat::kSav, LabelledTable()), {});
  ASSERT_TRUE(file.has_value());
  (*file)->Want({true, false, true});
  EXPECT_THAT(ReadAll(**file),
              ::testing::Optional(ElementsAre(Row{"P1", "", "no symptoms"}, Row{"P2", "", "3"},
                                              Row{"P3", "", "at rest"})));
}

TEST_F(StatFileTest, TellsHowFarItIs) {
  StatTable table = PlainTable();
  for (int i = 0; i < 5'000; ++i) table.rows.push_back({"P", 1.0, 2.0});
  for (const StatFormat format : kFormats) {
    const auto file = Open(Written(format, table), {.format = format});
    ASSERT_TRUE(file.has_value());
    EXPECT_FALSE((*file)->Progress().has_value());
    ASSERT_EQ(ReadAll(**file)->size(), 5'003u);
    ASSERT_TRUE((*file)->Progress().has_value());
    EXPECT_GT(*(*file)->Progress(), 0.9);
    TableRow row;
    EXPECT_THAT((*file)->Next(row), ::testing::Optional(false));
  }
}

TEST_F(StatFileTest, ARowOfNothingIsBlank) {
  StatTable table = PlainTable();
  table.rows = {{"", Missing{}, Missing{}}, {"P", Missing{}, Missing{}}};
  const auto file = Open(Written(StatFormat::kSav, table), {});
  ASSERT_TRUE(file.has_value());
  TableRow row;
  ASSERT_THAT((*file)->Next(row), ::testing::Optional(true));
  EXPECT_TRUE(row.blank);
  ASSERT_THAT((*file)->Next(row), ::testing::Optional(true));
  EXPECT_FALSE(row.blank);
  EXPECT_EQ(row.place, 2u);
}

TEST_F(StatFileTest, OtherFilesAreNamedForWhatTheyAreNot) {
  for (const StatFormat format : kFormats) {
    const std::string words = "no file of the type \"" + std::string(NameOf(format)) + "\"";
    for (const std::string& bytes :
         {std::string(), std::string("patient;age\nP1;50\n"), std::string(5'000, '\0')}) {
      EXPECT_THAT(
          ErrorOf(bytes, {.format = format}),
          AllOf(HasSubstr("data: "), ::testing::AnyOf(HasSubstr(words), HasSubstr("ends too early"),
                                                      HasSubstr("is not read"))))
          << bytes.size();
    }
  }
  EXPECT_FALSE(StatFile::Open(folder_.path() / "absent.sav", {}).has_value());
  EXPECT_THAT(Describe(StatFile::Open(folder_.path(), {}).error()), HasSubstr("no regular file"));
}

class StatSourceTest : public StatFileTest {
 protected:
  Result<LoadedTable> Load(const StatTable& table, const std::string& keys) {
    folder_.Write("study.sav", Written(StatFormat::kSav, table));
    const auto file = folder_.Write("source.toml", "type = \"sav\"\nfile = \"study.sav\"\n" + keys);
    TRY(const Source source, ReadSource(file));
    return LoadSource(source, MakeContract(R"(
patient = "id"
[[column]]
name = "sex"
type = "category"
levels = ["male", "female"]
[[column]]
name = "nyha"
type = "integer"
range = [1, 4]
)"));
  }
};

TEST_F(StatSourceTest, AnSpssFileMeetsAContract) {
  StatTable table = LabelledTable();
  table.rows[2][1] = 1.0;
  const auto loaded = Load(table, "exceptions = [\"nyha\"]\n");
  ASSERT_TRUE(loaded.has_value()) << Describe(loaded.error());
  EXPECT_FALSE(loaded->report.HasProblems()) << loaded->report.Problems()[0];
  EXPECT_EQ(loaded->report.rows, 3u);
  EXPECT_THAT(loaded->table.patients, ElementsAre("P1", "P2", "P3"));
  EXPECT_THAT(loaded->table.columns[0], ElementsAre(1, 0, 0));
  EXPECT_THAT(loaded->table.columns[1], ElementsAre(1, 3, 4));
}

TEST_F(StatSourceTest, WhatBreaksTheContractIsReportedByRecord) {
  const auto loaded = Load(LabelledTable(), "");
  ASSERT_TRUE(loaded.has_value()) << Describe(loaded.error());
  const auto problems = loaded->report.Problems();
  ASSERT_EQ(problems.size(), 2u);
  EXPECT_THAT(problems[0], HasSubstr("sex: 1 row not a level"));
  EXPECT_THAT(problems[1], HasSubstr("nyha: 2 rows"));
  EXPECT_THAT(loaded->report.columns[0].problems.at(DataFault::kUnknownLevel).lines,
              ElementsAre(3));
}

TEST_F(StatSourceTest, RefusesKeysThatItDoesNotUnderstand) {
  const auto error = [&](const std::string& keys) {
    const auto loaded = Load(LabelledTable(), keys);
    return loaded ? "" : Describe(loaded.error());
  };
  EXPECT_THAT(error("values = \"text\"\n"), HasSubstr("labels"));
  EXPECT_THAT(error("user_missing = \"no\"\n"), HasSubstr("keep"));
  EXPECT_THAT(error("delimiter = \";\"\n"), HasSubstr("delimiter"));
  for (const char* encoding : {"", "../../etc/passwd", "UTF-8//IGNORE", "a b"}) {
    EXPECT_THAT(error("encoding = \"" + std::string(encoding) + "\"\n"),
                HasSubstr("no name of an encoding"))
        << encoding;
  }
}

}  // namespace
}  // namespace consilium
