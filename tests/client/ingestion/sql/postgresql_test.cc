// Covers client/ingestion/sql/postgresql.cc. Each test starts a server, so there are few.

#include <fstream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/ingestion/source.h"
#include "client/ingestion/sql/sql_source.h"
#include "tests/client/ingestion/sql/database_file.h"
#include "tests/client/temporary_folder.h"
#include "tests/support/postgresql_server.h"

namespace consilium {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

class PostgresqlTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!PostgresqlServer::IsInstalled()) {
      GTEST_SKIP() << "postgresql is not installed; scripts/packages has it";
    }
    server_ = std::make_unique<PostgresqlServer>();
    connection_.host = "127.0.0.1";
    connection_.port = server_->port();
    connection_.database = PostgresqlServer::database();
    connection_.user = PostgresqlServer::user();
    connection_.tls = "prefer";
    connection_.password_file = folder_.Write("secret", PostgresqlServer::password());
    std::filesystem::permissions(connection_.password_file, std::filesystem::perms(0600));
  }

  Result<std::unique_ptr<TableReader>> Query(const std::string& query) const {
    Source source;
    source.type = "postgresql";
    source.sql = {query, connection_};
    source.place = NameOf(connection_);
    return OpenTable(source);
  }
  std::string ErrorOf(const std::string& query) const { return RowsOf(Query(query)).at(0).at(0); }

  /// The largest size of this process so far, in MB.
  static double Peak() {
    std::ifstream status("/proc/self/status");
    std::string word;
    double kib = 0;
    while (status >> word) {
      if (word == "VmHWM:" && status >> kib) return kib / 1024;
    }
    return 0;
  }

  TemporaryFolder folder_;
  std::unique_ptr<PostgresqlServer> server_;
  SqlConnection connection_;
};

TEST_F(PostgresqlTest, GivesTextsOfEveryTypeAndOnlyReads) {
  server_->Run(
      "CREATE TABLE p(id text, x float8, n int8, d date, t timestamp, b bool, m numeric);"
      "INSERT INTO p VALUES('Zoë', 0.30000000000000004, 1234567890123456789, '2024-05-01', "
      "'2024-05-01', true, 12345678901234567890.125), (NULL,NULL,NULL,NULL,NULL,NULL,NULL);"
      "ALTER USER tester SET DateStyle = 'German'; ALTER USER tester SET extra_float_digits = -3");
  EXPECT_THAT(
      RowsOf(Query("SELECT * FROM p ORDER BY id")),
      ElementsAre(ElementsAre("Zoë", "0.30000000000000004", "1234567890123456789", "2024-05-01",
                              "2024-05-01 00:00:00", "t", "12345678901234567890.125"),
                  ElementsAre("", "", "", "", "", "", "")));
  EXPECT_TRUE(RowsOf(Query("SELECT id FROM p WHERE false")).empty());
  EXPECT_THAT(
      RowsOf(Query("SELECT 1e6::float4 AS a, 1e15::float8 AS b, 1.5e-7::float8 AS c, "
                   "'Infinity'::float8 AS d, '1e5'::text AS e")),
      ElementsAre(ElementsAre("1000000", "1000000000000000", "1.5e-07", "Infinity", "1e5")));

  EXPECT_THAT(ErrorOf("WITH a AS (DELETE FROM p RETURNING id) SELECT * FROM a"),
              AllOf(HasSubstr("(SQLSTATE 25006)"), HasSubstr("in a read-only transaction")));
  EXPECT_THAT(ErrorOf("SELECT 1; DELETE FROM p"), HasSubstr("(SQLSTATE 42601)"));
  EXPECT_THAT(ErrorOf("SET DateStyle = 'ISO'"), HasSubstr("gives no rows"));
  EXPECT_THAT(RowsOf(Query("SELECT count(*) AS n FROM p")), ElementsAre(ElementsAre("2")));

  EXPECT_THAT(ErrorOf("SELECT weight FROM p"), HasSubstr("column \"weight\" does not exist"));
  EXPECT_THAT(ErrorOf("SELECT id::int AS i FROM p WHERE id IS NOT NULL"),
              AllOf(HasSubstr("(SQLSTATE 22P02)"), Not(HasSubstr("Zoë"))));
  EXPECT_THAT(ErrorOf("SELECT id, 1/(n - 1234567890123456789) AS q FROM p ORDER BY id"),
              HasSubstr("(SQLSTATE 22012)"));
  EXPECT_THAT(ErrorOf("SELECT '\\x00'::bytea AS b"), HasSubstr("\"b\" holds binary data"));
}

TEST_F(PostgresqlTest, MemoryDoesNotGrowWithTheRowsAndAWrongPasswordIsNotRepeated) {
  const auto reader =
      Query("SELECT i AS id, repeat('x', 200) AS t FROM generate_series(1, 500000) i");
  ASSERT_TRUE(reader.has_value()) << Describe(reader.error());
  const double before = Peak();
  TableRow row;
  std::uint64_t rows = 0;
  while ((*reader)->Next(row).value()) ++rows;
  EXPECT_EQ(rows, 500'000U);
  EXPECT_LT(Peak() - before, 20) << "100 MB went through";

  std::ofstream(connection_.password_file) << "wrong tiger\n";
  EXPECT_THAT(ErrorOf("SELECT 1 AS a"),
              AllOf(HasSubstr("the database postgres at 127.0.0.1:"),
                    HasSubstr("password authentication failed"), Not(HasSubstr("tiger"))));
  connection_.tls = "verify-full";
  EXPECT_THAT(ErrorOf("SELECT 1 AS a"), HasSubstr("does not support SSL"));
  connection_.port = 1;
  EXPECT_THAT(ErrorOf("SELECT 1 AS a"), HasSubstr("127.0.0.1:1 cannot be reached"));
}

}  // namespace
}  // namespace consilium
