#include "client/ingestion/source.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/client/temporary_folder.h"

namespace consilium {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

Result<Source> SourceOf(const std::string& toml) {
  TRY(const Settings settings, Settings::Parse(toml, "source.toml"));
  return ParseSource(settings, "/data");
}

std::string ErrorOf(const std::string& toml) {
  const auto source = SourceOf(toml);
  return source ? "no error" : Describe(source.error());
}

constexpr const char* kSmallest = "type = \"csv\"\nfile = \"patients.csv\"\n";

TEST(ParseSourceTest, NeedsTypeAndFileOnly) {
  const auto source = SourceOf(kSmallest);
  ASSERT_TRUE(source.has_value()) << Describe(source.error());
  EXPECT_EQ(source->file, "/data/patients.csv");
  EXPECT_EQ(source->csv.delimiter, std::nullopt);
  EXPECT_EQ(source->csv.encoding, TextEncoding::kUtf8);
  EXPECT_EQ(source->number.decimal, '.');
  EXPECT_THAT(source->date_formats, ElementsAre(DateFormat::kIso));
  EXPECT_TRUE(source->columns.empty());
}

TEST(ParseSourceTest, ReadsEveryKey) {
  const auto source = SourceOf(R"(
type = "csv"
file = "/elsewhere/p.csv"
delimiter = "\t"
encoding = "windows-1252"
decimal = ","
thousands = "."
date_format = ["YYYY-MM-DD", "DD.MM.YYYY"]
missing = ["NA"]
[[column]]
name = "glucose"
from = "Glukose"
factor = 18.016
offset = 0.5
missing = ["-9"]
[[column]]
name = "sex"
map = { M = "male", 2 = "female", true = "male" }
[[column]]
name = "born"
date_format = "MM/DD/YYYY"
)");
  ASSERT_TRUE(source.has_value()) << Describe(source.error());
  EXPECT_EQ(source->file, "/elsewhere/p.csv");
  EXPECT_EQ(source->csv.delimiter, '\t');
  EXPECT_EQ(source->number.thousands, '.');
  const ColumnMapping* glucose = source->Find("glucose");
  ASSERT_NE(glucose, nullptr);
  EXPECT_EQ(glucose->from, "Glukose");
  EXPECT_EQ(glucose->factor, 18.016);
  EXPECT_EQ(glucose->offset, 0.5);
  EXPECT_THAT(glucose->missing, ElementsAre("-9"));
  EXPECT_EQ(source->Find("sex")->from, "sex");
  EXPECT_EQ(source->Find("sex")->map.at("2"), "female");
  EXPECT_THAT(source->Find("born")->date_formats, ElementsAre(DateFormat::kMonthDayYear));
  EXPECT_EQ(source->Find("age"), nullptr);
}

TEST(ParseSourceTest, MistakesNameLineAndRemedy) {
  const std::string start(kSmallest);
  EXPECT_THAT(ErrorOf("file = \"p.csv\"\n"), HasSubstr("type"));
  EXPECT_THAT(ErrorOf("type = \"odbc\"\nfile = \"p\"\n"), HasSubstr("source.toml:1:"));
  EXPECT_THAT(ErrorOf(start + "delimiter = \":\"\n"), HasSubstr("source.toml:3:"));
  EXPECT_THAT(ErrorOf(start + "decimal = \";\"\n"), HasSubstr("decimal must be one of"));
  EXPECT_THAT(ErrorOf(start + "decimal = \",\"\nthousands = \",\"\n"),
              HasSubstr("decimal and thousands are the same"));
  EXPECT_THAT(ErrorOf(start + "encoding = \"ebcdic\"\n"), HasSubstr("ebcdic"));
  EXPECT_THAT(ErrorOf(start + "date_format = \"TT.MM.JJ\"\n"), HasSubstr("DD.MM.YYYY"));
  EXPECT_THAT(ErrorOf(start + "date_format = [\"MM/DD/YYYY\", \"DD/MM/YYYY\"]\n"),
              HasSubstr("would be two days"));
  EXPECT_THAT(ErrorOf(start + "[[column]]\nname = \"a\"\nfactor = 0\n"),
              HasSubstr("source.toml:5:"));
  EXPECT_THAT(ErrorOf(start + "[[column]]\nname = \"a\"\n[[column]]\nname = \"a\"\n"),
              HasSubstr("described twice"));
  EXPECT_THAT(ErrorOf(start + "[[column]]\nname = \"a\"\nmissing = [\"x\"]\nmap = { x = \"y\" }\n"),
              HasSubstr("at once"));
}

TEST(ParseSourceTest, UnknownKeysAreErrors) {
  EXPECT_THAT(ErrorOf(std::string(kSmallest) + "delimeter = \";\"\n"), HasSubstr("delimeter"));
  EXPECT_THAT(ErrorOf(std::string(kSmallest) + "[[column]]\nname = \"a\"\nform = \"b\"\n"),
              HasSubstr("form"));
}

TEST(ReadSourceTest, ARelativeFileStartsAtTheSourceFile) {
  const TemporaryFolder folder;
  const auto source = ReadSource(folder.Write("source.toml", kSmallest));
  ASSERT_TRUE(source.has_value()) << Describe(source.error());
  EXPECT_EQ(source->file, folder.path() / "patients.csv");
  EXPECT_EQ(source->name, (folder.path() / "source.toml").string());
}

}  // namespace
}  // namespace consilium
