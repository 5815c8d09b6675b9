// Covers client/ingestion/sql/odbc.cc.

#include <filesystem>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/ingestion/source.h"
#include "client/ingestion/sql/sql_source.h"
#include "tests/client/ingestion/sql/database_file.h"
#include "tests/client/temporary_folder.h"

namespace consilium {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

/// Debian's package libsqliteodbc puts it below the folder of the machine's libraries.
std::string SqliteDriver() {
  for (const auto& entry : std::filesystem::directory_iterator("/usr/lib")) {
    const auto driver = entry.path() / "odbc" / "libsqlite3odbc.so";
    std::error_code error;
    if (std::filesystem::exists(driver, error)) return driver.string();
  }
  return "";
}

class OdbcTest : public ::testing::Test {
 protected:
  void SetUp() override {
    driver_ = SqliteDriver();
    if (driver_.empty()) GTEST_SKIP() << "libsqliteodbc is not installed; scripts/packages has it";
    RunSql(folder_.path() / "a.db",
           "CREATE TABLE p(id VARCHAR(20), x DOUBLE, n BIGINT, t TIMESTAMP);"
           "INSERT INTO p VALUES('Zoë 😀', 0.125, 1234567890123456789, "
           "'2024-05-01 00:00:00'),(NULL, NULL, NULL, NULL)");
  }

  Result<std::unique_ptr<TableReader>> Query(const std::string& query) {
    Source source;
    source.type = "odbc";
    source.sql.connection.odbc =
        "Driver=" + driver_ + ";Database=" + (folder_.path() / "a.db").string();
    source.place = NameOf(source.sql.connection);
    source.sql.query = query;
    return OpenTable(source);
  }

  TemporaryFolder folder_;
  std::string driver_;
};

TEST_F(OdbcTest, GivesTextsOfEveryType) {
  EXPECT_THAT(
      RowsOf(Query("SELECT * FROM p")),
      ElementsAre(ElementsAre("Zoë 😀", "0.125", "1234567890123456789", "2024-05-01 00:00:00"),
                  ElementsAre("", "", "", "")));
}

TEST_F(OdbcTest, LongTextsComeWhole) {
  const std::string expected(100'000, 'y');
  RunSql(folder_.path() / "a.db",
         "CREATE TABLE l(t TEXT); INSERT INTO l SELECT "
         "replace(hex(zeroblob(50000)), '0', 'y')");
  EXPECT_THAT(RowsOf(Query("SELECT t FROM l")), ElementsAre(ElementsAre(expected)));
}

TEST_F(OdbcTest, WhatAQueryWritesDoesNotStay) {
  const auto refused = RowsOf(Query("INSERT INTO p(id) VALUES('new')"));
  EXPECT_THAT(refused.at(0).at(0), HasSubstr("error: "));
  EXPECT_THAT(RowsOf(Query("SELECT count(*) AS n FROM p")), ElementsAre(ElementsAre("2")));
}

TEST_F(OdbcTest, ErrorsNameTheConnectionAndNoSecret) {
  Source source;
  source.type = "odbc";
  source.sql.connection.odbc = "Driver=/nowhere/driver.so";
  source.sql.connection.password_file = folder_.Write("secret", "tiger;}x\n");
  std::filesystem::permissions(source.sql.connection.password_file, std::filesystem::perms(0600));
  source.place = NameOf(source.sql.connection);
  source.sql.query = "SELECT 1";
  EXPECT_THAT(RowsOf(OpenTable(source)).at(0).at(0),
              AllOf(HasSubstr("the ODBC connection cannot be reached"), Not(HasSubstr("tiger"))));
  EXPECT_THAT(RowsOf(Query("SELECT weight FROM p")).at(0).at(0),
              HasSubstr("the ODBC connection reports an error (SQLSTATE "));
}

}  // namespace
}  // namespace consilium
