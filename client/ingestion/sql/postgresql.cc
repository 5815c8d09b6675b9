#include <algorithm>
#include <array>
#include <charconv>
#include <string>
#include <system_error>
#include <utility>

#include <libpq-fe.h>

#include "client/ingestion/sql/sql_source.h"
#include "common/written_number.h"

namespace consilium {
namespace {

struct Frees {
  void operator()(PGconn* connection) const { PQfinish(connection); }
  void operator()(PGresult* result) const { PQclear(result); }
};
using Answer = std::unique_ptr<PGresult, Frees>;

// What the types of pg_type.h are called by number; they never change.
constexpr Oid kBytea = 17;
constexpr Oid kFloat4 = 700;
constexpr Oid kFloat8 = 701;

/// libpq's parameters: pairs of key and value, without those that are empty.
class Parameters {
 public:
  void Add(const char* key, const char* value) {
    if (*value == '\0') return;
    keys_.push_back(key);
    values_.push_back(value);
  }
  PGconn* Connect() {
    keys_.push_back(nullptr);
    values_.push_back(nullptr);
    return PQconnectdbParams(keys_.data(), values_.data(), /*expand_dbname=*/0);
  }

 private:
  std::vector<const char*> keys_;
  std::vector<const char*> values_;
};

std::string SystemCertificates() {
  const char* bundle = "/etc/ssl/certs/ca-certificates.crt";
  std::error_code error;
  return std::filesystem::exists(bundle, error) ? bundle : "";
}

class PostgresqlCursor final : public RowCursor {
 public:
  explicit PostgresqlCursor(std::string name) : name_(std::move(name)) {}

  Status Connect(const SqlConnection& to) {
    TRY(const Passphrase password, PasswordOf(to));
    std::string password_text(password.Expose());
    const std::string port = std::to_string(to.port);
    const std::string certificates =
        to.certificate.empty() ? SystemCertificates() : to.certificate.string();
    Parameters parameters;
    parameters.Add("host", to.host.c_str());
    parameters.Add("port", port.c_str());
    parameters.Add("dbname", to.database.c_str());
    parameters.Add("user", to.user.c_str());
    parameters.Add("password", password_text.c_str());
    parameters.Add("sslmode", to.tls.c_str());
    if (to.tls.starts_with("verify")) parameters.Add("sslrootcert", certificates.c_str());
    parameters.Add("connect_timeout", "15");
    parameters.Add("application_name", "consilium-site");
    parameters.Add("client_encoding", "UTF8");
    connection_.reset(parameters.Connect());
    Wipe(std::as_writable_bytes(std::span(password_text)));
    if (connection_ == nullptr || PQstatus(connection_.get()) != CONNECTION_OK) {
      const std::string sentence = connection_ ? PQerrorMessage(connection_.get()) : "no memory";
      return Fail(
          ErrorCode::kUnavailable,
          name_ + " cannot be reached: " + sentence.substr(0, sentence.find_last_not_of('\n') + 1),
          "Correct host, port, database, user, tls or the password in the source file.");
    }
    // Notices are for people at a terminal; they may hold values.
    PQsetNoticeProcessor(
        connection_.get(), [](void*, const char*) {}, nullptr);
    return {};
  }

  Status Ask(const std::string& query) {
    for (const char* setting :
         {"BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY",
          "SET LOCAL DateStyle = 'ISO, YMD'", "SET LOCAL extra_float_digits = 1"}) {
      const Answer done(PQexec(connection_.get(), setting));
      if (PQresultStatus(done.get()) != PGRES_COMMAND_OK) return FailWith(done.get());
    }
    // One statement only: that is what this kind of call takes. Rows come one at a time.
    if (PQsendQueryParams(connection_.get(), query.c_str(), 0, nullptr, nullptr, nullptr, nullptr,
                          /*resultFormat=*/0) == 0 ||
        PQsetSingleRowMode(connection_.get()) == 0) {
      return FailWith(nullptr);
    }
    row_.reset(PQgetResult(connection_.get()));
    const ExecStatusType status = PQresultStatus(row_.get());
    if (status == PGRES_COMMAND_OK || status == PGRES_EMPTY_QUERY) {
      return Fail(ErrorCode::kInvalidArgument, name_ + ": the query gives no rows",
                  "Write one SELECT.");
    }
    if (status != PGRES_SINGLE_TUPLE && status != PGRES_TUPLES_OK) return FailWith(row_.get());
    const int columns = PQnfields(row_.get());
    for (int i = 0; i < columns; ++i) {
      columns_.emplace_back(PQfname(row_.get(), i));
      const Oid type = PQftype(row_.get(), i);
      floating_.push_back(type == kFloat4 || type == kFloat8);
      if (type == kBytea) {
        return Fail(ErrorCode::kDataQuality,
                    name_ + ": column \"" + columns_.back() + "\" holds binary data",
                    "Leave it out of the query, or convert it to text there.");
      }
    }
    numbers_.resize(columns_.size());
    return {};
  }

  const std::vector<std::string>& columns() const override { return columns_; }

  Result<bool> Fetch(std::vector<std::string_view>& fields) override {
    if (!first_) row_.reset(PQgetResult(connection_.get()));
    first_ = false;
    const ExecStatusType status = PQresultStatus(row_.get());
    if (status == PGRES_TUPLES_OK) return false;
    if (status != PGRES_SINGLE_TUPLE) TRY_STATUS(FailWith(row_.get()));
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      const int column = static_cast<int>(i);
      // A missing value has length 0 here.
      fields[i] = {PQgetvalue(row_.get(), 0, column),
                   static_cast<std::size_t>(PQgetlength(row_.get(), 0, column))};
      if (floating_[i]) fields[i] = WithoutExponent(fields[i], numbers_[i]);
    }
    return true;
  }

 private:
  /// The server writes 1e+06 of a real and 1e+15 of a double precision.
  static std::string_view WithoutExponent(std::string_view text, NumberDigits& digits) {
    if (text.find('e') == std::string_view::npos) return text;
    double number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    const bool whole = error == std::errc{} && end == text.data() + text.size();
    return whole ? WriteNumber(number, digits) : text;
  }

  Status FailWith(const PGresult* result) const {
    const char* state = result == nullptr ? nullptr : PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char* sentence =
        result == nullptr ? nullptr : PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    if (state == nullptr) {
      return Fail(ErrorCode::kUnavailable, name_ + ": the connection was lost",
                  "See the database server's log.");
    }
    return tl::unexpected<Error>(SqlError(name_, state, sentence == nullptr ? "" : sentence));
  }

  std::string name_;
  std::unique_ptr<PGconn, Frees> connection_;
  Answer row_;
  bool first_ = true;
  std::vector<std::string> columns_;
  std::vector<bool> floating_;
  std::vector<NumberDigits> numbers_;
};

}  // namespace

Result<std::unique_ptr<RowCursor>> OpenPostgresql(const SqlConnection& connection,
                                                  const std::string& name,
                                                  const std::string& query) {
  auto cursor = std::make_unique<PostgresqlCursor>(name);
  TRY_STATUS(cursor->Connect(connection));
  TRY_STATUS(cursor->Ask(query));
  return cursor;
}

}  // namespace consilium
