// Covers client/ingestion/source_types.cc as well.

#include "client/ingestion/table_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/ingestion/source_types.h"
#include "tests/client/temporary_folder.h"

namespace consilium {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;

TEST(TableRowTest, EveryFieldStartsWhereTheRowDoesUnlessItSaysOtherwise) {
  TableRow row;
  row.fields = {"a", "b"};
  row.place = 7;
  EXPECT_EQ(row.PlaceOf(1), 7U);
  row.field_places = {7, 9};
  EXPECT_EQ(row.PlaceOf(1), 9U);
}

TEST(CheckHeaderTest, NamesMustBeThereAndDiffer) {
  EXPECT_TRUE(CheckHeader({"id", "age"}, "here").has_value());
  EXPECT_EQ(CheckHeader({"id", "", "age"}, "here").error().message,
            "here: column 2 of 3 has no name");
  EXPECT_EQ(CheckHeader({"id", "age", "id"}, "here").error().message,
            "here: columns 1 and 3 have the same name \"id\"");
}

TEST(SourceTypesTest, EachIsFoundByItsName) {
  EXPECT_THAT(SourceTypeNames(), Contains("\"csv\""));
  ASSERT_NE(FindSourceType("csv"), nullptr);
  EXPECT_EQ(FindSourceType("csv")->name, "csv");
  EXPECT_EQ(FindSourceType("CSV"), nullptr);
  EXPECT_EQ(FindSourceType(""), nullptr);
}

TEST(OpenTableTest, OpensWhatTheTypeSays) {
  TemporaryFolder folder;
  Source source;
  source.file = folder.Write("a.csv", "id,age\n1,50\n");
  const auto reader = OpenTable(source);
  ASSERT_TRUE(reader.has_value()) << Describe(reader.error());
  EXPECT_EQ((*reader)->header(), (std::vector<std::string>{"id", "age"}));
  EXPECT_EQ((*reader)->name(), source.file.string());
  EXPECT_EQ((*reader)->format().place_unit, "line");
  source.type = "parchment";
  EXPECT_THAT(OpenTable(source).error().message, HasSubstr("no source type \"parchment\""));
}

}  // namespace
}  // namespace consilium
