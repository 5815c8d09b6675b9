// Covers client/ingestion/sql/sqlite.cc.

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/ingestion/source.h"
#include "client/ingestion/sql/sql_source.h"
#include "tests/client/ingestion/sql/database_file.h"
#include "tests/client/study_builder.h"
#include "tests/client/temporary_folder.h"

namespace consilium {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

class SqliteTest : public ::testing::Test {
 protected:
  SqliteTest() : file_(folder_.path() / "hospital.db") {
    RunSql(file_,
           "CREATE TABLE p(id TEXT, x REAL, n INTEGER, day DATE, z);"
           "INSERT INTO p VALUES('A', 0.30000000000000004, 9223372036854775807, '2024-05-01', "
           "'Zoë'),('B', NULL, NULL, NULL, NULL),('C', 1e300, -5, '2024-05-02', 7)");
  }

  Result<std::unique_ptr<TableReader>> Query(const std::string& query) {
    Source source;
    source.type = "sqlite";
    source.file = file_;
    source.sql.query = query;
    return OpenTable(source);
  }
  std::string ErrorOf(const std::string& query) { return RowsOf(Query(query)).at(0).at(0); }

  TemporaryFolder folder_;
  std::filesystem::path file_;
};

TEST_F(SqliteTest, GivesEveryDigitAndNothingForNull) {
  EXPECT_THAT(
      RowsOf(Query("SELECT * FROM p ORDER BY id")),
      ElementsAre(
          ElementsAre("A", "0.30000000000000004", "9223372036854775807", "2024-05-01", "Zoë"),
          ElementsAre("B", "", "", "", ""), ElementsAre("C", "1e+300", "-5", "2024-05-02", "7")));
  EXPECT_TRUE(RowsOf(Query("SELECT id FROM p WHERE id = 'Z'")).empty());
}

/// A patient or a code may be kept as a real number, and none is called 1e+05.
TEST_F(SqliteTest, WholeNumbersAreWrittenOut) {
  EXPECT_THAT(RowsOf(Query("SELECT 100000.0 AS a, -2e10 AS b, 1e15 AS c, '007' AS d")),
              ElementsAre(ElementsAre("100000", "-20000000000", "1000000000000000", "007")));
}

TEST_F(SqliteTest, ColumnsAreNamedByTheQuery) {
  const auto reader = Query("SELECT id AS patient, x FROM p");
  ASSERT_TRUE(reader.has_value()) << Describe(reader.error());
  EXPECT_THAT((*reader)->header(), ElementsAre("patient", "x"));
  EXPECT_EQ((*reader)->format().place_unit, "record");
  EXPECT_EQ((*reader)->name(), file_.string());
  EXPECT_THAT(ErrorOf("SELECT x, x FROM p"),
              AllOf(HasSubstr("have the same name \"x\""), HasSubstr("with AS")));
}

TEST_F(SqliteTest, OnlyReads) {
  EXPECT_THAT(ErrorOf("WITH a AS (SELECT 1) INSERT INTO p(id) SELECT * FROM a"),
              HasSubstr("does not only read"));
  EXPECT_THAT(RowsOf(Query("SELECT count(*) AS n FROM p")), ElementsAre(ElementsAre("3")));
}

TEST_F(SqliteTest, ErrorsNameTheFileAndNoValue) {
  EXPECT_THAT(ErrorOf("SELECT weight FROM p"),
              AllOf(HasSubstr("hospital.db"), HasSubstr("no such column: weight")));
  EXPECT_THAT(ErrorOf("SELECT json(z) AS j FROM p WHERE id = 'A'"),
              AllOf(HasSubstr("the query stopped"), Not(HasSubstr("Zoë"))));
  EXPECT_THAT(ErrorOf("SELECT CAST(id AS BLOB) AS b FROM p"), HasSubstr("\"b\" holds binary data"));
  EXPECT_THAT(ErrorOf("SELECT CAST(x'ff41' AS TEXT) AS t"),
              AllOf(HasSubstr("record 1, column \"t\""), HasSubstr("not UTF-8")));
  file_ = folder_.Write("text.db", "this is no database, but long enough to be looked at");
  EXPECT_THAT(ErrorOf("SELECT 1 AS a FROM t"), HasSubstr("text.db: the query cannot run"));
  file_ = folder_.path() / "absent.db";
  EXPECT_THAT(ErrorOf("SELECT 1 AS a"), HasSubstr("absent.db does not exist"));
}

TEST_F(SqliteTest, IsCheckedAndConvertedLikeEverySource) {
  const auto source_file = folder_.Write(
      "source.toml",
      "type = \"sqlite\"\nfile = \"hospital.db\"\nquery = \"SELECT id, x, day FROM p\"\n");
  const auto source = ReadSource(source_file);
  ASSERT_TRUE(source.has_value()) << Describe(source.error());
  const Contract contract = MakeContract(
      "patient = \"id\"\n[[column]]\nname = \"x\"\ntype = \"number\"\nrange = [0, 10]\n"
      "[[column]]\nname = \"day\"\ntype = \"date\"\n");
  const auto loaded = LoadSource(*source, contract);
  ASSERT_TRUE(loaded.has_value()) << Describe(loaded.error());
  EXPECT_EQ(loaded->report.columns[0].missing, 1U);
  EXPECT_THAT(loaded->report.columns[0].problems.at(DataFault::kOutOfRange).lines, ElementsAre(3U));
  EXPECT_EQ(loaded->report.columns[1].values, 2U);
  EXPECT_THAT(RenderText(loaded->report),
              AllOf(HasSubstr("at record 3"), Not(HasSubstr("encoding"))));
}

}  // namespace
}  // namespace consilium
