#include "client/ingestion/sql/sql_source.h"

#include <cstdlib>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/ingestion/source.h"
#include "tests/client/temporary_folder.h"

namespace consilium {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

Result<Source> SourceOf(const std::string& toml, const std::filesystem::path& folder = "/data") {
  TRY(const Settings settings, Settings::Parse(toml, "source.toml"));
  return ParseSource(settings, folder);
}

std::string ErrorOf(const std::string& toml) {
  const auto source = SourceOf(toml);
  return source ? "no error" : Describe(source.error());
}

constexpr const char* kServer =
    "type = \"postgresql\"\nhost = \"db.example\"\ndatabase = \"hospital\"\nuser = \"study\"\n"
    "query = \"SELECT 1 AS id\"\n";

TEST(CheckQueryTest, OneSelectOrNothing) {
  for (const char* good :
       {"SELECT 1", "select * from t;", " -- all\n/* of ; them */ SELECT ';' AS \"a;b\" ; -- end",
        "WITH a AS (SELECT 1) SELECT * FROM a", "(SELECT 1) UNION (SELECT 2)", "VALUES (1)",
        "SELECT [a;b] FROM t", "SELECT 'it''s; fine'"}) {
    EXPECT_TRUE(CheckQuery(good).has_value()) << good;
  }
  for (const char* bad : {"", "DELETE FROM t", "SELECT 1; DELETE FROM t", "SELECT 1;;",
                          "-- SELECT 1", "'SELECT'", "SELECTED", "UPDATE t SET a = 'SELECT'"}) {
    EXPECT_FALSE(CheckQuery(bad).has_value()) << bad;
  }
}

TEST(SqlSourceTest, ReadsTheKeysOfAServer) {
  const auto source = SourceOf(std::string(kServer) + "port = 5433\npassword_file = \"secret\"\n");
  ASSERT_TRUE(source.has_value()) << Describe(source.error());
  EXPECT_EQ(source->sql.connection.host, "db.example");
  EXPECT_EQ(source->sql.connection.port, 5433);
  EXPECT_EQ(source->sql.connection.password_file, "/data/secret");
  EXPECT_EQ(source->sql.query, "SELECT 1 AS id");
  EXPECT_EQ(source->DataName(), "the database hospital at db.example:5433");
}

TEST(SqlSourceTest, AServerElsewhereMustProveWhoItIs) {
  EXPECT_EQ(SourceOf(kServer)->sql.connection.tls, "verify-full");
  EXPECT_EQ(SourceOf(std::string(kServer) + "tls = \"require\"\n")->sql.connection.tls, "require");
  EXPECT_EQ(SourceOf("type = \"postgresql\"\ndatabase = \"d\"\nquery = \"SELECT 1\"\n")
                ->sql.connection.tls,
            "prefer");
  EXPECT_THAT(ErrorOf(std::string(kServer) + "tls = \"prefer\"\n"), HasSubstr("source.toml:6"));
}

TEST(SqlSourceTest, APasswordInTheSourceFileIsRefusedAndNotRepeated) {
  EXPECT_THAT(ErrorOf(std::string(kServer) + "password = \"tiger\"\n"),
              AllOf(HasSubstr("source.toml:6"), HasSubstr("has no place in a source file"),
                    HasSubstr("password_file"), Not(HasSubstr("tiger"))));
  EXPECT_THAT(ErrorOf("type = \"odbc\"\nquery = \"SELECT 1\"\n"
                      "connection = \"Driver=x;Pwd=tiger\"\n"),
              AllOf(HasSubstr("source.toml:3"), Not(HasSubstr("tiger"))));
  EXPECT_THAT(ErrorOf(std::string(kServer) + "password_file = \"a\"\npassword_variable = \"B\"\n"),
              HasSubstr("Keep one of them"));
}

TEST(SqlSourceTest, OdbcNeedsOneConnection) {
  const std::string start = "type = \"odbc\"\nquery = \"SELECT 1\"\n";
  EXPECT_EQ(SourceOf(start + "dsn = \"hospital\"\n")->sql.connection.odbc, "DSN=hospital");
  EXPECT_EQ(SourceOf(start + "dsn = \"hospital\"\n")->DataName(), "the ODBC data source hospital");
  EXPECT_EQ(SourceOf(start + "connection = \"Driver=x;Server=y\"\n")->DataName(),
            "the ODBC connection");
  EXPECT_THAT(ErrorOf(start), HasSubstr("either dsn or connection"));
  EXPECT_THAT(ErrorOf(start + "dsn = \"a\"\nconnection = \"b\"\n"), HasSubstr("either dsn"));
  EXPECT_THAT(ErrorOf(start + "dsn = \"a;b=c\"\n"), HasSubstr("connection string"));
}

TEST(SqlSourceTest, AQueryMayLieInAFileOfItsOwn) {
  TemporaryFolder folder;
  folder.Write("cohort.sql", "SELECT id FROM patients -- of this house\n");
  const std::string start = "type = \"sqlite\"\nfile = \"a.db\"\n";
  const auto source = SourceOf(start + "query_file = \"cohort.sql\"\n", folder.path());
  ASSERT_TRUE(source.has_value()) << Describe(source.error());
  EXPECT_THAT(source->sql.query, HasSubstr("of this house"));
  EXPECT_THAT(ErrorOf(start), HasSubstr("either query or query_file"));
  EXPECT_THAT(ErrorOf(start + "query = \"DROP TABLE t\"\n"),
              AllOf(HasSubstr("source.toml:3"), HasSubstr("does not begin with SELECT")));
}

TEST(PasswordTest, ComesFromAFileOfOnesOwnOrTheEnvironment) {
  TemporaryFolder folder;
  SqlConnection connection;
  EXPECT_EQ(PasswordOf(connection)->Expose(), "");
  connection.password_file = folder.Write("secret", "tiger\n");
  std::filesystem::permissions(connection.password_file, std::filesystem::perms(0640));
  EXPECT_THAT(PasswordOf(connection).error().message, HasSubstr("others than the owner"));
  std::filesystem::permissions(connection.password_file, std::filesystem::perms(0600));
  EXPECT_EQ(PasswordOf(connection)->Expose(), "tiger");

  connection.password_file.clear();
  connection.password_variable = "CONSILIUM_TEST_PASSWORD";
  EXPECT_THAT(PasswordOf(connection).error().message, HasSubstr("is not set"));
  ::setenv("CONSILIUM_TEST_PASSWORD", "lion", 1);
  EXPECT_EQ(PasswordOf(connection)->Expose(), "lion");
  ::unsetenv("CONSILIUM_TEST_PASSWORD");
}

TEST(SqlErrorTest, RepeatsNoSentenceThatMayHoldAValue) {
  EXPECT_EQ(SqlError("the database", "42P01", "relation \"t\" does not exist\nLINE 1").message,
            "the database reports an error (SQLSTATE 42P01): relation \"t\" does not exist");
  EXPECT_EQ(SqlError("the database", "22P02", "invalid input: \"Smith\"").message,
            "the database reports an error (SQLSTATE 22P02)");
  EXPECT_EQ(SqlError("the database", "", "Smith").message, "the database reports an error");
  EXPECT_EQ(SqlError("the database", "57P01", "shutting down").code, ErrorCode::kUnavailable);
}

}  // namespace
}  // namespace consilium
