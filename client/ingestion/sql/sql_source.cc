#include "client/ingestion/sql/sql_source.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdlib>
#include <utility>

#include "client/ingestion/csv_records.h"
#include "client/ingestion/text_encoding.h"
#include "common/files.h"
#include "common/names.h"
#include "common/terminal.h"

namespace consilium {
namespace {

constexpr std::size_t kMostQueryBytes = 1U << 20U;

class SqlTable final : public TableReader {
 public:
  SqlTable(std::unique_ptr<RowCursor> rows, std::string name)
      : rows_(std::move(rows)), name_(std::move(name)) {}

  Status ReadHeader() {
    for (const std::string& column : rows_->columns()) header_.emplace_back(Trimmed(column));
    auto checked = CheckHeader(header_, name_);
    if (checked) return {};
    Error error = std::move(checked).error();
    error.remedy = "Give each column of the query a name of its own with AS.";
    return tl::unexpected<Error>(std::move(error));
  }

  const std::vector<std::string>& header() const override { return header_; }
  const std::string& name() const override { return name_; }
  TableFormat format() const override { return {.place_unit = "record"}; }
  void Want(const std::vector<bool>&) override {}  // The query chooses.

  Result<bool> Next(TableRow& row) override {
    row.fields.resize(header_.size());
    row.field_places.clear();
    TRY(const bool any, rows_->Fetch(row.fields));
    if (!any) return false;
    row.place = ++record_;
    row.blank = true;
    for (std::size_t i = 0; i < row.fields.size(); ++i) {
      TRY_STATUS(CheckField(row.fields[i], i));
      row.blank = row.blank && Trimmed(row.fields[i]).empty();
    }
    return true;
  }

 private:
  Status CheckField(std::string_view field, std::size_t column) const {
    if (field.size() > kMaxCsvFieldBytes) {
      return Fail(ErrorCode::kDataQuality, At(column) + "a field of more than " +
                                               std::to_string(kMaxCsvFieldBytes) + " bytes");
    }
    if (IsAscii(field) || IsUtf8(field)) return {};
    return Fail(ErrorCode::kDataQuality, At(column) + "a text is not UTF-8",
                "Convert it in the database, or leave the column out of the query.");
  }

  std::string At(std::size_t column) const {
    return name_ + ": record " + std::to_string(record_) + ", column \"" + header_[column] + "\": ";
  }

  std::unique_ptr<RowCursor> rows_;
  std::string name_;
  std::vector<std::string> header_;
  std::uint64_t record_ = 0;
};

/// What is left of a query after blanks, comments, quoted texts and names, one step at a time.
class QueryText {
 public:
  explicit QueryText(std::string_view text) : text_(text) {}

  /// The next character that counts; NUL at the end.
  char Next() {
    while (!text_.empty()) {
      if (text_.starts_with("--")) {
        SkipBehind("\n", 2);
      } else if (text_.starts_with("/*")) {
        SkipBehind("*/", 2);
      } else if (const char end = QuoteEnd(text_.front()); end != '\0') {
        SkipBehind(std::string_view(&end, 1), 1);
        return '"';
      } else {
        const char c = text_.front();
        text_.remove_prefix(1);
        return c;
      }
    }
    return '\0';
  }

 private:
  static char QuoteEnd(char c) {
    if (c == '[') return ']';
    return c == '\'' || c == '"' || c == '`' ? c : '\0';
  }
  void SkipBehind(std::string_view end, std::size_t from) {
    const std::size_t found = text_.find(end, from);
    text_.remove_prefix(found == std::string_view::npos ? text_.size() : found + end.size());
  }

  std::string_view text_;
};

Status ParsePassword(const Settings& settings,
                     const std::filesystem::path& folder,
                     SqlConnection& connection) {
  if (settings.Has("password")) {
    return settings.FailAt("password", "a password has no place in a source file",
                           "Write it into a file that only you may read (chmod 600) and name that "
                           "by password_file, or name an environment variable by "
                           "password_variable.");
  }
  TRY(const std::string file, settings.TextOr("password_file", ""));
  TRY(connection.password_variable, settings.TextOr("password_variable", ""));
  if (!file.empty() && !connection.password_variable.empty()) {
    return settings.FailAt("password_variable", "password_file is there, too", "Keep one of them.");
  }
  if (!file.empty()) connection.password_file = folder / file;
  return {};
}

bool IsLocal(const std::string& host) {
  return host.empty() || host.front() == '/' || host == "localhost" || host == "127.0.0.1" ||
         host == "::1";
}

}  // namespace

Result<std::unique_ptr<TableReader>> TableOf(std::unique_ptr<RowCursor> rows, std::string name) {
  auto table = std::make_unique<SqlTable>(std::move(rows), std::move(name));
  TRY_STATUS(table->ReadHeader());
  return table;
}

Status CheckQuery(std::string_view query) {
  QueryText text(query);
  std::string word;
  char c = text.Next();
  while (c == '(' || std::isspace(static_cast<unsigned char>(c)) != 0) c = text.Next();
  for (; std::isalpha(static_cast<unsigned char>(c)) != 0; c = text.Next()) word += c;
  word = LowerCase(word);
  if (word != "select" && word != "with" && word != "values") {
    return Fail(ErrorCode::kInvalidArgument, "the query does not begin with SELECT or WITH",
                "A source only reads: write one SELECT.");
  }
  bool ended = false;
  for (; c != '\0'; c = text.Next()) {
    if (std::isspace(static_cast<unsigned char>(c)) != 0) continue;
    if (ended) {
      return Fail(ErrorCode::kInvalidArgument, "the query has more than one statement",
                  "Write one SELECT; WITH can name its steps.");
    }
    ended = c == ';';
  }
  return {};
}

Result<std::string> ParseQuery(const Settings& settings, const std::filesystem::path& folder) {
  if (settings.Has("query") == settings.Has("query_file")) {
    return settings.FailHere("either query or query_file must say what to select",
                             "query = \"SELECT ...\", or the name of a file that holds it.");
  }
  const char* key = settings.Has("query") ? "query" : "query_file";
  TRY(std::string query, settings.Text(key));
  if (settings.Has("query_file")) {
    TRY(const Bytes bytes, ReadFile(folder / query, kMostQueryBytes));
    query = std::string(AsText(bytes));
  }
  auto checked = CheckQuery(query);
  if (!checked) return settings.FailAt(key, checked.error().message, checked.error().remedy);
  return query;
}

Result<SqlConnection> ParsePostgresqlConnection(const Settings& settings,
                                                const std::filesystem::path& folder) {
  SqlConnection connection;
  TRY(connection.host, settings.TextOr("host", ""));
  TRY(const std::int64_t port, settings.IntegerBetween("port", 1, 65'535, 5'432));
  connection.port = static_cast<std::uint16_t>(port);
  TRY(connection.database, settings.Text("database"));
  TRY(connection.user, settings.TextOr("user", ""));
  TRY_STATUS(ParsePassword(settings, folder, connection));
  TRY(connection.tls, settings.ChoiceOr("tls", {"verify-full", "verify-ca", "require", "disable"},
                                        IsLocal(connection.host) ? "prefer" : "verify-full"));
  TRY(const std::string certificate, settings.TextOr("certificate", ""));
  if (!certificate.empty()) connection.certificate = folder / certificate;
  return connection;
}

Result<SqlConnection> ParseOdbcConnection(const Settings& settings,
                                          const std::filesystem::path& folder) {
  SqlConnection connection;
  if (settings.Has("dsn") == settings.Has("connection")) {
    return settings.FailHere("either dsn or connection must say what ODBC connects to",
                             "dsn = \"NAME\" as in odbc.ini, or connection = \"Driver=...;"
                             "Server=...;Database=...\".");
  }
  TRY(connection.odbc, settings.Text(settings.Has("dsn") ? "dsn" : "connection"));
  const std::string lower = LowerCase(connection.odbc);
  if (settings.Has("dsn")) {
    if (lower.find_first_of(";={}") != std::string::npos) {
      return settings.FailAt("dsn", "dsn is the name of a data source, without ; = { }",
                             "Use connection for a connection string.");
    }
    connection.odbc = "DSN=" + connection.odbc;
  } else if (lower.find("pwd") != std::string::npos ||
             lower.find("password") != std::string::npos) {
    return settings.FailAt("connection", "a password has no place in a source file",
                           "Name a file with mode 0600 by password_file, or an environment "
                           "variable by password_variable.");
  }
  TRY(connection.user, settings.TextOr("user", ""));
  TRY_STATUS(ParsePassword(settings, folder, connection));
  return connection;
}

std::string NameOf(const SqlConnection& connection) {
  if (connection.odbc.starts_with("DSN=")) {
    return "the ODBC data source " + connection.odbc.substr(4);
  }
  if (!connection.odbc.empty()) return "the ODBC connection";
  const std::string host = connection.host.empty() ? "this machine" : connection.host;
  return "the database " + connection.database + " at " + host + ":" +
         std::to_string(connection.port);
}

Result<Passphrase> PasswordOf(const SqlConnection& connection) {
  if (!connection.password_file.empty()) {
    auto password = ReadPassphraseFile(connection.password_file);
    if (!password) return FailIn("the database's password", std::move(password).error());
    return password;
  }
  if (connection.password_variable.empty()) return Passphrase("");
  const char* value = std::getenv(connection.password_variable.c_str());
  if (value == nullptr || *value == '\0') {
    return Fail(ErrorCode::kNotFound,
                "the environment variable " + connection.password_variable +
                    ", which should hold the database's password, is not set",
                "Set it for this program (systemd: LoadCredential with password_file is safer).");
  }
  return Passphrase(value);
}

Error SqlError(const std::string& name, std::string_view sqlstate, std::string_view sentence) {
  // About the connection, rights, names in the query, limits: never about a value.
  constexpr std::array<std::string_view, 11> kHarmless = {"08", "0A", "25", "28", "2F", "3D",
                                                          "42", "53", "55", "57", "IM"};
  const std::string_view kind = sqlstate.substr(0, 2);
  const bool harmless = std::find(kHarmless.begin(), kHarmless.end(), kind) != kHarmless.end();
  std::string words = name + " reports an error";
  if (!sqlstate.empty()) words += " (SQLSTATE " + std::string(sqlstate) + ")";
  if (harmless && !sentence.empty()) {
    const std::string_view line = sentence.substr(0, sentence.find('\n'));
    words += ": " + std::string(Trimmed(line));
  }
  const bool away = kind == "08" || kind == "57" || kind == "53";
  return Error{away ? ErrorCode::kUnavailable : ErrorCode::kDataQuality, std::move(words),
               harmless ? ""
                        : "Run the query with the database's own tools to see the value that "
                          "it cannot compute with."};
}

}  // namespace consilium
