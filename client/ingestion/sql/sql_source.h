#pragma once

// A source that is a query to a database: its keys in the source file, and how it becomes a table.

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "client/ingestion/table_reader.h"
#include "common/home.h"
#include "common/result.h"
#include "common/settings.h"

namespace consilium {

/// Who asks a database that lies elsewhere, and how. Never holds a password: it says where one is.
struct SqlConnection {
  std::string host;  ///< "" or a folder: the server's local socket.
  std::uint16_t port = 5432;
  std::string database;
  std::string user;
  std::string tls;  ///< libpq's sslmode.
  std::filesystem::path
      certificate;   ///< Of the authority that signs the server's; "": the system's.
  std::string odbc;  ///< What ODBC connects to: "DSN=hospital", "Driver=...;...".
  std::filesystem::path password_file;
  std::string password_variable;
};

struct SqlSource {
  std::string query;
  SqlConnection connection;
};

/// One query's rows, one after the other, in memory that does not grow with their number.
class RowCursor {
 public:
  RowCursor() = default;
  RowCursor(const RowCursor&) = delete;
  RowCursor& operator=(const RowCursor&) = delete;
  virtual ~RowCursor() = default;

  virtual const std::vector<std::string>& columns() const = 0;
  /// Texts of the next row, one a column, good until the next call; NULL is empty. False at the
  /// end. Errors hold no value of the database.
  virtual Result<bool> Fetch(std::vector<std::string_view>& fields) = 0;
};

/// `file` is opened for reading only.
Result<std::unique_ptr<RowCursor>> OpenSqlite(const std::filesystem::path& file,
                                              const std::string& query);
/// In a transaction that may only read. `name` stands for the database in messages.
Result<std::unique_ptr<RowCursor>> OpenPostgresql(const SqlConnection& connection,
                                                  const std::string& name,
                                                  const std::string& query);
/// In a transaction that is rolled back at the end.
Result<std::unique_ptr<RowCursor>> OpenOdbc(const SqlConnection& connection,
                                            const std::string& name,
                                            const std::string& query);

/// The rows as a table: places are records.
Result<std::unique_ptr<TableReader>> TableOf(std::unique_ptr<RowCursor> rows, std::string name);

/// One SELECT (or WITH, VALUES), with nothing behind it. A first look: the databases see to it that
/// nothing is written.
Status CheckQuery(std::string_view query);

/// The keys of a PostgreSQL server, and of a password.
Result<SqlConnection> ParsePostgresqlConnection(const Settings& settings,
                                                const std::filesystem::path& folder);
/// The keys of an ODBC connection, and of a password.
Result<SqlConnection> ParseOdbcConnection(const Settings& settings,
                                          const std::filesystem::path& folder);
/// `query`, or the content of the file under `query_file`.
Result<std::string> ParseQuery(const Settings& settings, const std::filesystem::path& folder);
/// "database hospital at db.example:5432"
std::string NameOf(const SqlConnection& connection);

/// From the file, which nobody else may read, or the environment; empty where neither is named.
Result<Passphrase> PasswordOf(const SqlConnection& connection);

/// What a database said about an error, without what might be a value: its sentence only where the
/// SQLSTATE says that it is about names, rights or the connection.
Error SqlError(const std::string& name, std::string_view sqlstate, std::string_view sentence);

}  // namespace consilium
