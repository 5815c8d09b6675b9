// Covers client/ingestion/text_encoding.cc as well.

#include "client/ingestion/csv.h"

#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/client/temporary_folder.h"

namespace consilium {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

using Table = std::vector<std::vector<std::string>>;

Result<std::unique_ptr<CsvReader>> ReaderOf(std::string text, CsvOptions options = {}) {
  return CsvReader::Read(std::make_unique<std::istringstream>(std::move(text)), "data.csv",
                         options);
}

// All rows; the header is not among them.
Result<Table> Rows(CsvReader& reader) {
  Table rows;
  TableRow row;
  for (;;) {
    TRY(const bool any, reader.Next(row));
    if (!any) return rows;
    rows.emplace_back(row.fields.begin(), row.fields.end());
  }
}

Table RowsOf(const std::string& text, CsvOptions options = {}) {
  auto reader = ReaderOf(text, options);
  EXPECT_TRUE(reader.has_value()) << Describe(reader.error());
  if (!reader) return {};
  auto rows = Rows(**reader);
  EXPECT_TRUE(rows.has_value()) << Describe(rows.error());
  return rows ? *rows : Table{};
}

std::string ErrorOf(const std::string& text, CsvOptions options = {}) {
  auto reader = ReaderOf(text, options);
  if (!reader) return Describe(reader.error());
  const auto rows = Rows(**reader);
  return rows ? "no error" : Describe(rows.error());
}

TEST(CsvReaderTest, ReadsPlainRows) {
  EXPECT_THAT(RowsOf("id,age\n1,50\n2,60\n"),
              ElementsAre(ElementsAre("1", "50"), ElementsAre("2", "60")));
}

TEST(CsvReaderTest, ReadsALastLineWithoutLineEnd) {
  EXPECT_THAT(RowsOf("id,age\n1,50"), ElementsAre(ElementsAre("1", "50")));
  EXPECT_THAT(RowsOf("id,age\n1,"), ElementsAre(ElementsAre("1", "")));
}

TEST(CsvReaderTest, AHeaderAloneIsATableWithoutRows) {
  EXPECT_TRUE(RowsOf("id,age\n").empty());
  EXPECT_TRUE(RowsOf("id,age").empty());
}

TEST(CsvReaderTest, AnEmptyFileIsAnError) {
  EXPECT_THAT(ErrorOf(""), HasSubstr("data.csv is empty"));
  EXPECT_THAT(ErrorOf("\xEF\xBB\xBF"), HasSubstr("data.csv is empty"));
  EXPECT_THAT(ErrorOf("\n\r\n\n"), HasSubstr("only empty lines"));
}

TEST(CsvReaderTest, TakesAllLineEnds) {
  const auto expected = ElementsAre(ElementsAre("1", "50"), ElementsAre("2", "60"));
  EXPECT_THAT(RowsOf("id,age\r\n1,50\r\n2,60\r\n"), expected);
  EXPECT_THAT(RowsOf("id,age\r1,50\r2,60\r"), expected);
}

TEST(CsvReaderTest, ReadsExcelWithByteOrderMarkSemicolonsAndCrlf) {
  auto reader = ReaderOf(
      "\xEF\xBB\xBFPatNr;Gr\xC3\xB6\xC3\x9F"
      "e\r\n1;1,82\r\n2;1,7\r\n");
  ASSERT_TRUE(reader.has_value());
  EXPECT_EQ((*reader)->format().delimiter, ';');
  EXPECT_TRUE((*reader)->format().delimiter_detected);
  EXPECT_THAT((*reader)->header(), ElementsAre("PatNr",
                                               "Gr\xC3\xB6\xC3\x9F"
                                               "e"));
  EXPECT_THAT(*Rows(**reader), ElementsAre(ElementsAre("1", "1,82"), ElementsAre("2", "1,7")));
}

TEST(CsvReaderTest, DetectsEachDelimiter) {
  for (const char delimiter : {',', ';', '\t', '|'}) {
    const std::string d(1, delimiter);
    auto reader = ReaderOf("a" + d + "b" + d + "c\n1" + d + "2" + d + "3\n");
    ASSERT_TRUE(reader.has_value());
    EXPECT_EQ((*reader)->format().delimiter, delimiter);
  }
}

TEST(CsvReaderTest, DetectionPrefersTheDelimiterThatFitsEveryRow) {
  auto reader = ReaderOf("name, given;weight, kg;height, m\n\"a;b\";70,5;1,8\n\"c\";60;1,7\n");
  ASSERT_TRUE(reader.has_value());
  EXPECT_EQ((*reader)->format().delimiter, ';');
}

TEST(CsvReaderTest, AGivenDelimiterIsNotGuessed) {
  auto reader = ReaderOf("a,b;c\n1,2;3\n", {.delimiter = ';'});
  ASSERT_TRUE(reader.has_value());
  EXPECT_FALSE((*reader)->format().delimiter_detected);
  EXPECT_THAT((*reader)->header(), ElementsAre("a,b", "c"));
}

TEST(CsvReaderTest, TakesExcelsSeparatorLine) {
  auto reader = ReaderOf("sep=|\r\na|b\r\n1|2\r\n");
  ASSERT_TRUE(reader.has_value());
  EXPECT_EQ((*reader)->format().delimiter, '|');
  TableRow row;
  ASSERT_TRUE(*(*reader)->Next(row));
  EXPECT_EQ(row.place, 3U);
}

TEST(CsvReaderTest, ResolvesQuotes) {
  EXPECT_THAT(RowsOf("a,b\n\"x, \"\"y\"\"\",\"\"\n"), ElementsAre(ElementsAre("x, \"y\"", "")));
}

TEST(CsvReaderTest, KeepsLineBreaksInQuotesAndCountsThem) {
  auto reader = ReaderOf("a,b\n\"1\r\n2\n3\r4\",x\n5,6\n");
  ASSERT_TRUE(reader.has_value());
  TableRow row;
  ASSERT_TRUE(*(*reader)->Next(row));
  EXPECT_EQ(row.fields[0], "1\r\n2\n3\r4");
  EXPECT_EQ(row.PlaceOf(0), 2U);
  EXPECT_EQ(row.PlaceOf(1), 5U);
  ASSERT_TRUE(*(*reader)->Next(row));
  EXPECT_EQ(row.place, 6U);
}

TEST(CsvReaderTest, SkipsEmptyLinesAndStillCountsThem) {
  auto reader = ReaderOf("\n\na,b\n\n1,2\n   \n3,4\n\n");
  ASSERT_TRUE(reader.has_value());
  TableRow row;
  ASSERT_TRUE(*(*reader)->Next(row));
  EXPECT_EQ(row.place, 5U);
  ASSERT_TRUE(*(*reader)->Next(row));
  EXPECT_EQ(row.place, 7U);
  EXPECT_FALSE(*(*reader)->Next(row));
}

TEST(CsvReaderTest, ARaggedRowNamesLineAndNumbersOfFields) {
  const std::string error = ErrorOf("a,b,c\n1,2,3\n4,secret\n");
  EXPECT_THAT(error, HasSubstr("data.csv:3: 2 fields where the header has 3"));
  EXPECT_THAT(error, Not(HasSubstr("secret")));
  EXPECT_THAT(ErrorOf("a,b\n1,2,3\n"), HasSubstr("data.csv:2: 3 fields where the header has 2"));
}

TEST(CsvReaderTest, AnUnterminatedQuoteNamesTheLineWhereItStarts) {
  EXPECT_THAT(ErrorOf("a,b\n1,2\n3,\"4\n5,6\n7,8\n"),
              HasSubstr("data.csv:3: a quoted field starts here and never ends"));
}

TEST(CsvReaderTest, MisplacedQuotesAreErrors) {
  EXPECT_THAT(ErrorOf("a,b\n1,5\" pipe\n"), HasSubstr("data.csv:2: a quote in the middle"));
  EXPECT_THAT(ErrorOf("a,b\n\"1\"x,2\n"), HasSubstr("data.csv:2: text follows the closing quote"));
}

TEST(CsvReaderTest, HeaderNamesMustBeThereAndDiffer) {
  EXPECT_THAT(ErrorOf("a,b,a \n1,2,3\n"),
              HasSubstr("data.csv:1: columns 1 and 3 have the same name \"a\""));
  EXPECT_THAT(ErrorOf("\"\",a\n1,2\n"), HasSubstr("data.csv:1: column 1 of 2 has no name"));
}

TEST(CsvReaderTest, NulBytesAndUtf16AreRefused) {
  EXPECT_THAT(ErrorOf(std::string("a,b\n1,\0002\n", 9)), HasSubstr("data.csv:2: a NUL byte"));
  EXPECT_THAT(ErrorOf(std::string("\xFF\xFE"
                                  "a\0,\0",
                                  6)),
              HasSubstr("UTF-16"));
}

TEST(CsvReaderTest, BytesThatAreNotUtf8NameTheLineAndTheSetting) {
  const std::string error = ErrorOf("a,b\n1,x\n2,M\xFCller\n");
  EXPECT_THAT(error, HasSubstr("data.csv:3: a character is not utf-8"));
  EXPECT_THAT(error, HasSubstr("encoding = \"windows-1252\""));
  EXPECT_THAT(error, Not(HasSubstr("ller")));
}

TEST(CsvReaderTest, ConvertsWindows1252AndLatin1) {
  EXPECT_THAT(RowsOf("a\nM\xFCller \x80\n", {.encoding = TextEncoding::kWindows1252}),
              ElementsAre(ElementsAre("M\xC3\xBCller \xE2\x82\xAC")));
  EXPECT_THAT(RowsOf("a\nM\xFCller\n", {.encoding = TextEncoding::kLatin1}),
              ElementsAre(ElementsAre("M\xC3\xBCller")));
  EXPECT_THAT(ErrorOf("a\n\x81\n", {.encoding = TextEncoding::kWindows1252}),
              HasSubstr("data.csv:2: a character is not windows-1252"));
}

TEST(CsvReaderTest, AByteOrderMarkContradictsAnotherEncoding) {
  EXPECT_THAT(ErrorOf("\xEF\xBB\xBF"
                      "a\n1\n",
                      {.encoding = TextEncoding::kLatin1}),
              HasSubstr("Set encoding = \"utf-8\""));
}

TEST(CsvReaderTest, FieldsAndColumnsAreBounded) {
  EXPECT_THAT(ErrorOf("a,b\n1,\"" + std::string(kMaxCsvFieldBytes + 10, 'x')),
              HasSubstr("data.csv:2: a field that starts here has more than"));
  EXPECT_THAT(ErrorOf(std::string(kMaxCsvColumns + 1, ',')), HasSubstr("more than 16384 columns"));
}

TEST(CsvReaderTest, RecordsLongerThanTheBufferAreRead) {
  const std::string big(200'000, 'y');
  EXPECT_THAT(RowsOf("a,b\n1,\"" + big + "\"\n" + big + ",2\n"),
              ElementsAre(ElementsAre("1", big), ElementsAre(big, "2")));
}

TEST(CsvReaderTest, AFileThatIsNotThereIsNamed) {
  const TemporaryFolder folder;
  auto reader = CsvReader::Open(folder.path() / "absent.csv", {});
  ASSERT_FALSE(reader.has_value());
  EXPECT_EQ(reader.error().code, ErrorCode::kNotFound);
  EXPECT_THAT(reader.error().message, HasSubstr("absent.csv does not exist"));
  EXPECT_THAT(CsvReader::Open(folder.path(), {}).error().message, HasSubstr("not a regular file"));
}

}  // namespace
}  // namespace consilium
