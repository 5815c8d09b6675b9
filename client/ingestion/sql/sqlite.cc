#include <charconv>
#include <string>
#include <system_error>
#include <utility>

#include <sqlite3.h>

#include "client/ingestion/sql/sql_source.h"
#include "common/written_number.h"

namespace consilium {
namespace {

struct Closes {
  void operator()(sqlite3* database) const { sqlite3_close_v2(database); }
  void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};

class SqliteCursor final : public RowCursor {
 public:
  explicit SqliteCursor(const std::filesystem::path& file) : name_(file.string()) {}

  Status Open(const std::string& query) {
    sqlite3* database = nullptr;
    const int opened = sqlite3_open_v2(name_.c_str(), &database,
                                       SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, nullptr);
    database_.reset(database);
    if (opened != SQLITE_OK) {
      return Fail(ErrorCode::kPermission,
                  name_ + " cannot be opened for reading: " + sqlite3_errstr(opened),
                  "Correct `file`, or give the account that runs this program the right to read "
                  "it.");
    }
    constexpr int kPatience = 5'000;  // Milliseconds that another program may hold a lock.
    sqlite3_busy_timeout(database, kPatience);
    sqlite3_limit(database, SQLITE_LIMIT_ATTACHED, 0);
    sqlite3_stmt* statement = nullptr;
    const int prepared = sqlite3_prepare_v2(database, query.c_str(), static_cast<int>(query.size()),
                                            &statement, nullptr);
    statement_.reset(statement);
    // What is wrong with a query's form or names is said before any row is looked at.
    if (prepared != SQLITE_OK) {
      return Fail(ErrorCode::kDataQuality,
                  name_ + ": the query cannot run: " + sqlite3_errmsg(database),
                  "Correct `query`.");
    }
    const int columns = sqlite3_column_count(statement);
    if (columns == 0 || sqlite3_stmt_readonly(statement) == 0) {
      return Fail(ErrorCode::kInvalidArgument, name_ + ": the query does not only read",
                  "Write one SELECT.");
    }
    for (int i = 0; i < columns; ++i) columns_.emplace_back(sqlite3_column_name(statement, i));
    numbers_.resize(columns_.size());
    return {};
  }

  const std::vector<std::string>& columns() const override { return columns_; }

  Result<bool> Fetch(std::vector<std::string_view>& fields) override {
    const int outcome = sqlite3_step(statement_.get());
    if (outcome == SQLITE_DONE) return false;
    if (outcome != SQLITE_ROW) {
      return Fail(outcome == SQLITE_BUSY ? ErrorCode::kBusy : ErrorCode::kDataQuality,
                  name_ + ": the query stopped: " + sqlite3_errstr(outcome),
                  "Run it with sqlite3 to see more.");
    }
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      TRY(fields[i], TextOf(i));
    }
    return true;
  }

 private:
  Result<std::string_view> TextOf(std::size_t column) {
    const int i = static_cast<int>(column);
    sqlite3_stmt* row = statement_.get();
    switch (sqlite3_column_type(row, i)) {
      case SQLITE_NULL:
        return std::string_view();
      case SQLITE_INTEGER:
        return WholeText(column, sqlite3_column_int64(row, i));
      case SQLITE_FLOAT:  // SQLite's own text has 15 digits, which is not every number.
        return WriteNumber(sqlite3_column_double(row, i), numbers_[column]);
      case SQLITE_TEXT: {
        const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(row, i));
        if (text == nullptr) return Fail(ErrorCode::kIo, name_ + ": no memory for a text");
        return std::string_view(text, static_cast<std::size_t>(sqlite3_column_bytes(row, i)));
      }
      default:
        return Fail(ErrorCode::kDataQuality,
                    name_ + ": column \"" + columns_[column] + "\" holds binary data",
                    "Leave it out of the query, or convert it to text there.");
    }
  }

  std::string_view WholeText(std::size_t column, sqlite3_int64 number) {
    NumberDigits& digits = numbers_[column];
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
    return {digits.data(), static_cast<std::size_t>(end - digits.data())};
  }

  std::string name_;
  std::unique_ptr<sqlite3, Closes> database_;
  std::unique_ptr<sqlite3_stmt, Closes> statement_;  // Goes before its database.
  std::vector<std::string> columns_;
  std::vector<NumberDigits> numbers_;
};

}  // namespace

Result<std::unique_ptr<RowCursor>> OpenSqlite(const std::filesystem::path& file,
                                              const std::string& query) {
  std::error_code error;
  if (!std::filesystem::exists(file, error)) {
    return Fail(ErrorCode::kNotFound, file.string() + " does not exist",
                "Correct `file`; a relative path starts at the source file's folder.");
  }
  auto cursor = std::make_unique<SqliteCursor>(file);
  TRY_STATUS(cursor->Open(query));
  return cursor;
}

}  // namespace consilium
