#include <array>
#include <string>
#include <utility>

#include <sql.h>
#include <sqlext.h>

#include "client/ingestion/sql/sql_source.h"
#include "client/ingestion/text_encoding.h"
#include "common/written_number.h"

namespace consilium {
namespace {

bool Succeeded(SQLRETURN code) { return code == SQL_SUCCESS || code == SQL_SUCCESS_WITH_INFO; }

/// One of ODBC's handles.
template <SQLSMALLINT kKind>
class Handle {
 public:
  Handle() = default;
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  ~Handle() { Free(); }
  bool Allocate(SQLHANDLE parent) { return Succeeded(SQLAllocHandle(kKind, parent, &handle_)); }
  void Free() {
    if (handle_ != SQL_NULL_HANDLE) SQLFreeHandle(kKind, handle_);
    handle_ = SQL_NULL_HANDLE;
  }
  SQLHANDLE get() const { return handle_; }

 private:
  SQLHANDLE handle_ = SQL_NULL_HANDLE;
};

/// A value of a connection string, whatever is in it.
std::string Braced(std::string_view text) {
  std::string braced = "{";
  for (const char c : text) braced += c == '}' ? std::string("}}") : std::string(1, c);
  return braced + "}";
}

// The driver manager's characters are UTF-16.
std::string Narrow(const std::vector<SQLWCHAR>& wide, std::size_t size) {
  std::u16string text(size, u'\0');
  for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char16_t>(wide[i]);
  std::string narrow;
  AppendUtf16AsUtf8(text, narrow);
  return narrow;
}

bool IsFloat(SQLSMALLINT type) {
  return type == SQL_FLOAT || type == SQL_DOUBLE || type == SQL_REAL;
}

bool IsBinary(SQLSMALLINT type) {
  return type == SQL_BINARY || type == SQL_VARBINARY || type == SQL_LONGVARBINARY;
}

bool IsTime(SQLSMALLINT type) { return type == SQL_TYPE_TIMESTAMP || type == SQL_TIMESTAMP; }

class OdbcCursor final : public RowCursor {
 public:
  explicit OdbcCursor(std::string name) : name_(std::move(name)), buffer_(kBufferCharacters) {}
  ~OdbcCursor() override {
    if (!connected_) return;
    statement_.Free();
    SQLEndTran(SQL_HANDLE_DBC, connection_.get(), SQL_ROLLBACK);
    SQLDisconnect(connection_.get());
  }

  Status Connect(const SqlConnection& to) {
    TRY(const Passphrase password, PasswordOf(to));
    if (!environment_.Allocate(SQL_NULL_HANDLE) ||
        !Succeeded(SQLSetEnvAttr(environment_.get(), SQL_ATTR_ODBC_VERSION,
                                 reinterpret_cast<SQLPOINTER>(SQL_OV_ODBC3), 0)) ||
        !connection_.Allocate(environment_.get())) {
      return Fail(ErrorCode::kIo, "ODBC cannot be started");
    }
    SQLSetConnectAttr(connection_.get(), SQL_ATTR_ACCESS_MODE,
                      reinterpret_cast<SQLPOINTER>(SQL_MODE_READ_ONLY), 0);
    std::string text = to.odbc;
    if (!text.ends_with(';')) text += ';';
    if (!to.user.empty()) text += "UID=" + Braced(to.user) + ";";
    if (!password.Expose().empty()) text += "PWD=" + Braced(password.Expose()) + ";";
    const SQLRETURN code = SQLDriverConnect(
        connection_.get(), nullptr, reinterpret_cast<SQLCHAR*>(text.data()),
        static_cast<SQLSMALLINT>(text.size()), nullptr, 0, nullptr, SQL_DRIVER_NOPROMPT);
    Wipe(std::as_writable_bytes(std::span(text)));
    if (!Succeeded(code)) {
      return Fail(ErrorCode::kUnavailable,
                  name_ + " cannot be reached: " + Said(SQL_HANDLE_DBC, connection_.get()).sentence,
                  "Correct dsn or connection, user or the password in the source file; `odbcinst "
                  "-q -d` lists the drivers.");
    }
    connected_ = true;
    // Whatever the query does, nothing of it stays.
    SQLSetConnectAttr(connection_.get(), SQL_ATTR_AUTOCOMMIT,
                      reinterpret_cast<SQLPOINTER>(SQL_AUTOCOMMIT_OFF), 0);
    return {};
  }

  Status Ask(std::string query) {
    if (!statement_.Allocate(connection_.get())) {
      return FailWith(SQL_HANDLE_DBC, connection_.get());
    }
    if (!Succeeded(SQLExecDirect(statement_.get(), reinterpret_cast<SQLCHAR*>(query.data()),
                                 static_cast<SQLINTEGER>(query.size())))) {
      return FailWith(SQL_HANDLE_STMT, statement_.get());
    }
    SQLSMALLINT columns = 0;
    SQLNumResultCols(statement_.get(), &columns);
    if (columns <= 0) {
      return Fail(ErrorCode::kInvalidArgument, name_ + ": the query gives no rows",
                  "Write one SELECT.");
    }
    for (SQLUSMALLINT i = 1; i <= static_cast<SQLUSMALLINT>(columns); ++i) {
      TRY_STATUS(Describe(i));
    }
    texts_.resize(columns_.size());
    return {};
  }

  const std::vector<std::string>& columns() const override { return columns_; }

  Result<bool> Fetch(std::vector<std::string_view>& fields) override {
    const SQLRETURN code = SQLFetch(statement_.get());
    if (code == SQL_NO_DATA) return false;
    if (!Succeeded(code)) TRY_STATUS(FailWith(SQL_HANDLE_STMT, statement_.get()));
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      TRY_STATUS(IsFloat(types_[i]) ? ReadFloat(i) : ReadText(i));
      fields[i] = texts_[i];
    }
    return true;
  }

 private:
  static constexpr std::size_t kBufferCharacters = 4'096;
  static constexpr std::size_t kMostBytes = 1U << 20U;

  struct Diagnosis {
    std::string state;
    std::string sentence;
  };

  static Diagnosis Said(SQLSMALLINT kind, SQLHANDLE handle) {
    std::array<SQLCHAR, 6> state{};
    std::array<SQLCHAR, 512> sentence{};
    SQLINTEGER native = 0;
    SQLSMALLINT size = 0;
    SQLGetDiagRec(kind, handle, 1, state.data(), &native, sentence.data(),
                  static_cast<SQLSMALLINT>(sentence.size()), &size);
    return {reinterpret_cast<const char*>(state.data()),
            reinterpret_cast<const char*>(sentence.data())};
  }

  Status FailWith(SQLSMALLINT kind, SQLHANDLE handle) const {
    const Diagnosis said = Said(kind, handle);
    return tl::unexpected<Error>(SqlError(name_, said.state, said.sentence));
  }

  Status Describe(SQLUSMALLINT number) {
    SQLSMALLINT size = 0;
    SQLSMALLINT type = 0;
    if (!Succeeded(SQLDescribeColW(statement_.get(), number, buffer_.data(),
                                   static_cast<SQLSMALLINT>(buffer_.size()), &size, &type, nullptr,
                                   nullptr, nullptr))) {
      return FailWith(SQL_HANDLE_STMT, statement_.get());
    }
    columns_.push_back(Narrow(buffer_, static_cast<std::size_t>(size)));
    types_.push_back(type);
    if (!IsBinary(type)) return {};
    return Fail(ErrorCode::kDataQuality,
                name_ + ": column \"" + columns_.back() + "\" holds binary data",
                "Leave it out of the query, or convert it to text there.");
  }

  // A driver's own text may have fewer digits than the number.
  Status ReadFloat(std::size_t column) {
    std::string& text = texts_[column];
    text.clear();
    SQLLEN size = 0;
    NumberDigits digits{};
    std::string_view written;
    SQLRETURN code = SQL_SUCCESS;
    const auto number = static_cast<SQLUSMALLINT>(column + 1);
    if (types_[column] == SQL_REAL) {
      float value = 0;
      code = SQLGetData(statement_.get(), number, SQL_C_FLOAT, &value, sizeof value, &size);
      written = WriteNumber(value, digits);
    } else {
      double value = 0;
      code = SQLGetData(statement_.get(), number, SQL_C_DOUBLE, &value, sizeof value, &size);
      written = WriteNumber(value, digits);
    }
    if (!Succeeded(code)) return FailWith(SQL_HANDLE_STMT, statement_.get());
    if (size != SQL_NULL_DATA) text = written;
    return {};
  }

  // A long text comes in pieces, each closed by a NUL.
  Status ReadText(std::size_t column) {
    std::string& text = texts_[column];
    text.clear();
    const auto number = static_cast<SQLUSMALLINT>(column + 1);
    for (;;) {
      SQLLEN bytes = 0;
      const SQLRETURN code =
          SQLGetData(statement_.get(), number, SQL_C_WCHAR, buffer_.data(),
                     static_cast<SQLLEN>(buffer_.size() * sizeof(SQLWCHAR)), &bytes);
      if (code == SQL_NO_DATA) break;
      if (!Succeeded(code)) return FailWith(SQL_HANDLE_STMT, statement_.get());
      if (bytes == SQL_NULL_DATA) return {};
      const std::size_t room = buffer_.size() - 1;
      const bool more =
          code == SQL_SUCCESS_WITH_INFO &&
          (bytes == SQL_NO_TOTAL || static_cast<std::size_t>(bytes) > room * sizeof(SQLWCHAR));
      text += Narrow(buffer_, more ? room : static_cast<std::size_t>(bytes) / sizeof(SQLWCHAR));
      if (!more || text.size() > kMostBytes) break;
    }
    // A midnight's ".000" says nothing.
    if (IsTime(types_[column]) && text.find('.') != std::string::npos) {
      text.erase(text.find_last_not_of('0') + 1);
      if (text.ends_with('.')) text.pop_back();
    }
    return {};
  }

  std::string name_;
  Handle<SQL_HANDLE_ENV> environment_;
  Handle<SQL_HANDLE_DBC> connection_;
  Handle<SQL_HANDLE_STMT> statement_;
  bool connected_ = false;
  std::vector<SQLWCHAR> buffer_;
  std::vector<std::string> columns_;
  std::vector<SQLSMALLINT> types_;
  std::vector<std::string> texts_;
};

}  // namespace

Result<std::unique_ptr<RowCursor>> OpenOdbc(const SqlConnection& connection,
                                            const std::string& name,
                                            const std::string& query) {
  auto cursor = std::make_unique<OdbcCursor>(name);
  TRY_STATUS(cursor->Connect(connection));
  TRY_STATUS(cursor->Ask(query));
  return cursor;
}

}  // namespace consilium
