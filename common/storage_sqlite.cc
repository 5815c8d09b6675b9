#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <optional>
#include <utility>

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/crypto/hash.h"
#include "common/file_descriptor.h"
#include "common/files.h"
#include "common/storage.h"
#include "common/storage_file.h"

namespace consilium {
namespace {

constexpr std::uint32_t kFirstFormat = 1;
constexpr int kCheckpointPages = 1'000;
constexpr char kSchema[] =
    "CREATE TABLE record (table_name TEXT NOT NULL, key BLOB NOT NULL, value BLOB NOT NULL, "
    "hash BLOB NOT NULL, PRIMARY KEY (table_name, key)) STRICT, WITHOUT ROWID";

struct CloseConnection {
  void operator()(sqlite3* connection) const { sqlite3_close_v2(connection); }
};
struct FinalizeStatement {
  void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};
using Connection = std::unique_ptr<sqlite3, CloseConnection>;
using Statement = std::unique_ptr<sqlite3_stmt, FinalizeStatement>;

Digest RowHash(std::string_view table, ByteSpan key, ByteSpan value) {
  return Hasher("consilium storage row 1").Add(table).Add(key).Add(value).Finish();
}

ByteSpan BlobColumn(sqlite3_stmt* statement, int column) {
  // The pointer first: sqlite3_column_bytes may convert the value.
  const void* data = sqlite3_column_blob(statement, column);
  const int size = sqlite3_column_bytes(statement, column);
  return {static_cast<const std::byte*>(data),
          data == nullptr ? 0 : static_cast<std::size_t>(size)};
}

std::string TextColumn(sqlite3_stmt* statement, int column) {
  return std::string(AsText(BlobColumn(statement, column)));
}

bool IsOutOfSpace(int system_error) {
  return system_error == ENOSPC || system_error == EDQUOT || system_error == EFBIG;
}

/// Whether the last failed write found no room. SQLite says so itself for ENOSPC alone; an
/// exhausted quota is a mere SQLITE_IOERR, and the errno is kept with the file it happened on.
bool FoundNoRoom(sqlite3* connection) {
  if (IsOutOfSpace(sqlite3_system_errno(connection))) return true;
  int error = 0;
  sqlite3_file_control(connection, "main", SQLITE_FCNTL_LAST_ERRNO, &error);
  if (IsOutOfSpace(error)) return true;
  sqlite3_file* log = nullptr;
  sqlite3_file_control(connection, "main", SQLITE_FCNTL_JOURNAL_POINTER, &log);
  if (log == nullptr || log->pMethods == nullptr) return false;
  log->pMethods->xFileControl(log, SQLITE_FCNTL_LAST_ERRNO, &error);
  return IsOutOfSpace(error);
}

/// After a failed fsync the kernel may have dropped the pages it could not write, so that a later
/// fsync succeeds without them (https://wiki.postgresql.org/wiki/Fsync_Errors): nothing this
/// process reads can be believed to be on disk.
bool IsFatal(int code) {
  return code == SQLITE_IOERR_FSYNC || code == SQLITE_IOERR_DIR_FSYNC ||
         code == SQLITE_IOERR_TRUNCATE;
}

tl::unexpected<Error> FailWith(sqlite3* connection,
                               const std::string& file,
                               std::string_view action) {
  const int code = sqlite3_extended_errcode(connection);
  const std::string place = "'" + file + "'";
  const std::string reason = ": " + std::string(sqlite3_errmsg(connection));
  if (IsFatal(code)) {
    return Fail(ErrorCode::kIo, "the disk did not confirm a write to " + place + reason,
                "The process must stop; check the disk before it is started again.");
  }
  if ((code & 0xff) == SQLITE_FULL || (code == SQLITE_IOERR_WRITE && FoundNoRoom(connection))) {
    return Fail(ErrorCode::kStorageFull, "no space left to write " + place,
                "Free space on that disk; nothing was lost.");
  }
  switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return Fail(ErrorCode::kBusy, "another process uses " + place,
                  "Stop the other process, or use another folder.");
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return Fail(ErrorCode::kCorrupt, place + " is damaged" + reason, kRestoreRemedy);
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
      return Fail(ErrorCode::kPermission, "cannot write " + place + reason);
    default:
      return Fail(ErrorCode::kIo, "cannot " + std::string(action) + " " + place + reason);
  }
}

class SqliteStore final : public RecordStore {
 public:
  static Result<std::unique_ptr<SqliteStore>> Attach(const std::filesystem::path& file);
  ~SqliteStore() override = default;

  Status Apply(const RecordBatch& batch) override;
  Result<std::vector<Record>> Load(const std::string& table) const override;

  Status Configure();
  Status CreateSchema(std::uint32_t format);
  /// The format, which is at most `newest`.
  Result<std::uint32_t> CheckSchema(std::uint32_t newest) const;
  Status CheckContent() const;
  Status Upgrade(const UpgradeSteps& steps, std::uint32_t format);

 private:
  SqliteStore(std::string file, Connection connection)
      : file_(std::move(file)), connection_(std::move(connection)) {}

  tl::unexpected<Error> FailNow(std::string_view action) const {
    return FailWith(connection_.get(), file_, action);
  }
  Status Execute(const std::string& sql) const;
  Result<Statement> Prepare(const std::string& sql) const;
  Result<std::vector<std::string>> Rows(const std::string& sql) const;
  Status Set(const std::string& pragma,
             const std::string& value,
             const std::string& expected) const;
  Status PrepareChanges();
  Status ApplyChange(const RecordChange& change);
  /// All changes, and what else is to be done with them, or nothing.
  Status Commit(const RecordBatch& batch, const std::string& more_sql);
  Status CopyTo(const std::filesystem::path& copy) const;
  Status Rollback(Error error);
  void Checkpoint();

  std::string file_;
  Connection connection_;
  Statement put_;
  Statement erase_;
  int pages_in_log_ = 0;
  std::optional<Error>
      fatal_;  ///< Set once the disk failed to confirm a write; all else is refused.
};

Result<std::unique_ptr<SqliteStore>> SqliteStore::Attach(const std::filesystem::path& file) {
  sqlite3* handle = nullptr;
  const int code =
      sqlite3_open_v2(file.c_str(), &handle,
                      SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, nullptr);
  Connection connection(handle);
  if (code != SQLITE_OK) {
    if (!connection) return Fail(ErrorCode::kIo, "no memory to open '" + file.string() + "'");
    return FailWith(connection.get(), file.string(), "open");
  }
  return std::unique_ptr<SqliteStore>(new SqliteStore(file.string(), std::move(connection)));
}

Status SqliteStore::Execute(const std::string& sql) const {
  if (sqlite3_exec(connection_.get(), sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) {
    return FailNow("use");
  }
  return {};
}

Result<Statement> SqliteStore::Prepare(const std::string& sql) const {
  sqlite3_stmt* statement = nullptr;
  if (sqlite3_prepare_v2(connection_.get(), sql.c_str(), -1, &statement, nullptr) != SQLITE_OK) {
    return FailNow("use");
  }
  return Statement(statement);
}

/// The first column of each row.
Result<std::vector<std::string>> SqliteStore::Rows(const std::string& sql) const {
  TRY(const Statement statement, Prepare(sql));
  std::vector<std::string> rows;
  int code = SQLITE_ROW;
  while ((code = sqlite3_step(statement.get())) == SQLITE_ROW) {
    rows.push_back(TextColumn(statement.get(), 0));
  }
  if (code != SQLITE_DONE) return FailNow("read");
  return rows;
}

/// Sets a PRAGMA and believes only what is read back: SQLite ignores what it does not know.
Status SqliteStore::Set(const std::string& pragma,
                        const std::string& value,
                        const std::string& expected) const {
  TRY_STATUS(Execute("PRAGMA " + pragma + "=" + value));
  TRY(const std::vector<std::string> rows, Rows("PRAGMA " + pragma));
  if (rows.size() == 1 && rows.front() == expected) return {};
  return Fail(ErrorCode::kIo, "'" + file_ + "': SQLite did not accept " + pragma + "=" + value,
              "Use the SQLite of the operating system this program was built for.");
}

Status SqliteStore::Configure() {
  sqlite3* const connection = connection_.get();
  sqlite3_busy_timeout(connection, 0);
  sqlite3_db_config(connection, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  TRY_STATUS(Set("locking_mode", "EXCLUSIVE", "exclusive"));
  TRY_STATUS(Set("trusted_schema", "OFF", "0"));
  TRY_STATUS(Set("cell_size_check", "ON", "1"));
  TRY_STATUS(Set("mmap_size", "0", "0"));
  TRY_STATUS(Set("foreign_keys", "ON", "1"));
  TRY_STATUS(Set("secure_delete", "ON", "1"));
  TRY_STATUS(Set("synchronous", "FULL", "2"));
  TRY_STATUS(Set("wal_autocheckpoint", "0", "0"));  // Checkpoint() does it and sees its errors.
  TRY_STATUS(Set("journal_mode", "WAL", "wal"));
  TRY_STATUS(
      Execute("BEGIN EXCLUSIVE"));  // With locking_mode=EXCLUSIVE the lock outlives the COMMIT.
  return Execute("COMMIT");
}

Status SqliteStore::CreateSchema(std::uint32_t format) {
  TRY_STATUS(Execute("BEGIN EXCLUSIVE"));
  TRY_STATUS(Execute("PRAGMA application_id=" + std::to_string(kApplicationId)));
  TRY_STATUS(Execute("PRAGMA user_version=" + std::to_string(format)));
  TRY_STATUS(Execute(kSchema));
  return Execute("COMMIT");
}

Result<std::uint32_t> SqliteStore::CheckSchema(std::uint32_t newest) const {
  TRY(const std::vector<std::string> version, Rows("PRAGMA user_version"));
  TRY(const std::vector<std::string> id, Rows("PRAGMA application_id"));
  TRY(const std::vector<std::string> schema, Rows("SELECT sql FROM sqlite_schema"));
  std::uint32_t format = 0;
  if (version.size() == 1) {
    std::from_chars(version[0].data(), version[0].data() + version[0].size(), format);
  }
  const bool ours = id.size() == 1 && id.front() == std::to_string(kApplicationId);
  if (ours && format > newest) return FailAsNewerState(file_, format, newest);
  if (ours && format >= kFirstFormat && schema.size() == 1 && schema.front() == kSchema) {
    return format;
  }
  return Fail(ErrorCode::kCorrupt, "'" + file_ + "' does not have the tables this program made",
              kRestoreRemedy);
}

Status SqliteStore::CheckContent() const {
  TRY(const std::vector<std::string> findings, Rows("PRAGMA quick_check(1)"));
  if (findings.size() != 1 || findings.front() != "ok") {
    return Fail(
        ErrorCode::kCorrupt,
        "'" + file_ + "' is damaged: " + (findings.empty() ? "no answer" : findings.front()),
        kRestoreRemedy);
  }
  TRY(const std::vector<std::string> tables, Rows("SELECT DISTINCT table_name FROM record"));
  for (const std::string& table : tables) TRY_STATUS(Load(table));
  return {};
}

Status SqliteStore::ApplyChange(const RecordChange& change) {
  const bool put = std::holds_alternative<PutRecord>(change);
  sqlite3_stmt* const statement = put ? put_.get() : erase_.get();
  const auto bind = [&](int index, ByteSpan bytes) {
    // A null pointer would bind NULL, not the empty blob.
    const void* data = bytes.empty() ? static_cast<const void*>("") : bytes.data();
    return sqlite3_bind_blob64(statement, index, data, bytes.size(), SQLITE_TRANSIENT) == SQLITE_OK;
  };
  const auto bind_table = [&](const std::string& table) {
    return sqlite3_bind_text64(statement, 1, table.data(), table.size(), SQLITE_TRANSIENT,
                               SQLITE_UTF8) == SQLITE_OK;
  };
  bool bound = false;
  if (put) {
    const auto& record = std::get<PutRecord>(change);
    const Digest hash = RowHash(record.table, record.key, record.value);
    bound = bind_table(record.table) && bind(2, record.key) && bind(3, record.value) &&
            bind(4, hash.span());
  } else {
    const auto& record = std::get<EraseRecord>(change);
    bound = bind_table(record.table) && bind(2, record.key);
  }
  const bool done = bound && sqlite3_step(statement) == SQLITE_DONE;
  Status outcome;
  if (!done) outcome = FailNow("write");
  sqlite3_reset(statement);
  sqlite3_clear_bindings(statement);
  return outcome;
}

Status SqliteStore::Rollback(Error error) {
  const int code = sqlite3_extended_errcode(connection_.get());
  if (IsFatal(code)) fatal_ = error;
  if (sqlite3_get_autocommit(connection_.get()) == 0 && !Execute("ROLLBACK").has_value()) {
    fatal_ = error;
  }
  return tl::unexpected<Error>(std::move(error));
}

void SqliteStore::Checkpoint() {
  if (pages_in_log_ < kCheckpointPages) return;
  sqlite3* const connection = connection_.get();
  // A checkpoint that finds no space is tried again after the next batch: the batches stay in the
  // log.
  if (sqlite3_wal_checkpoint_v2(connection, nullptr, SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr) ==
      SQLITE_OK) {
    pages_in_log_ = 0;
    return;
  }
  if (IsFatal(sqlite3_extended_errcode(connection))) fatal_ = FailNow("write").value();
}

Status SqliteStore::Apply(const RecordBatch& batch) {
  if (fatal_) return tl::unexpected<Error>(*fatal_);
  return batch.empty() ? Status() : Commit(batch, "");
}

Status SqliteStore::PrepareChanges() {
  if (put_) return {};
  TRY(put_, Prepare("INSERT OR REPLACE INTO record VALUES (?1, ?2, ?3, ?4)"));
  TRY(erase_, Prepare("DELETE FROM record WHERE table_name = ?1 AND key = ?2"));
  const auto note_pages = [](void* pages, sqlite3*, const char*, int count) {
    *static_cast<int*>(pages) = count;
    return SQLITE_OK;
  };
  sqlite3_wal_hook(connection_.get(), note_pages, &pages_in_log_);
  return {};
}

Status SqliteStore::Commit(const RecordBatch& batch, const std::string& more_sql) {
  TRY_STATUS(PrepareChanges());
  if (auto begun = Execute("BEGIN IMMEDIATE"); !begun) return Rollback(std::move(begun).error());
  for (const RecordChange& change : batch) {
    if (auto applied = ApplyChange(change); !applied) return Rollback(std::move(applied).error());
  }
  if (auto more = Execute(more_sql); !more) return Rollback(std::move(more).error());
  if (auto committed = Execute("COMMIT"); !committed) return Rollback(std::move(committed).error());
  Checkpoint();
  return {};
}

/// Complete and durable before it has its name.
Status SqliteStore::CopyTo(const std::filesystem::path& copy) const {
  std::string temporary = copy.string() + ".new-XXXXXX";
  const FileDescriptor descriptor(::mkostemp(temporary.data(), O_CLOEXEC));
  if (!descriptor.valid()) return FailOnFile(errno, "create a file beside", copy);
  Status outcome;
  {
    TRY(const Statement vacuum, Prepare("VACUUM INTO ?1"));
    const bool bound = sqlite3_bind_text64(vacuum.get(), 1, temporary.data(), temporary.size(),
                                           SQLITE_STATIC, SQLITE_UTF8) == SQLITE_OK;
    if (!bound || sqlite3_step(vacuum.get()) != SQLITE_DONE) outcome = FailNow("copy");
  }
  if (outcome && ::fsync(descriptor.get()) != 0) outcome = FailOnFile(errno, "write", temporary);
  if (outcome && ::rename(temporary.c_str(), copy.c_str()) != 0) {
    outcome = FailOnFile(errno, "create", copy);
  }
  if (!outcome) ::unlink(temporary.c_str());
  TRY_STATUS(outcome);
  return SyncFolder(copy.parent_path().empty() ? std::filesystem::path(".") : copy.parent_path());
}

Status SqliteStore::Upgrade(const UpgradeSteps& steps, std::uint32_t format) {
  if (format > steps.size()) return {};
  TRY_STATUS(CopyTo(file_ + ".format-" + std::to_string(format)));
  for (; format <= steps.size(); ++format) {
    TRY(const RecordBatch batch, steps[format - kFirstFormat](*this));
    TRY_STATUS(Commit(batch, "PRAGMA user_version=" + std::to_string(format + 1)));
  }
  // An older program reads the format in the file itself, not in the log beside it.
  if (sqlite3_wal_checkpoint_v2(connection_.get(), nullptr, SQLITE_CHECKPOINT_TRUNCATE, nullptr,
                                nullptr) != SQLITE_OK) {
    return FailNow("write");
  }
  return {};
}

Result<std::vector<Record>> SqliteStore::Load(const std::string& table) const {
  if (fatal_) return tl::unexpected<Error>(*fatal_);
  TRY(const Statement statement,
      Prepare("SELECT key, value, hash FROM record WHERE table_name = ?1 ORDER BY key"));
  sqlite3_stmt* const rows = statement.get();
  if (sqlite3_bind_text64(rows, 1, table.data(), table.size(), SQLITE_STATIC, SQLITE_UTF8) !=
      SQLITE_OK) {
    return FailNow("read");
  }
  std::vector<Record> records;
  int code = SQLITE_ROW;
  while ((code = sqlite3_step(rows)) == SQLITE_ROW) {
    Record record{ToBytes(BlobColumn(rows, 0)), ToBytes(BlobColumn(rows, 1))};
    const Digest hash = RowHash(table, record.key, record.value);
    if (!std::ranges::equal(hash.bytes, BlobColumn(rows, 2))) {
      return Fail(ErrorCode::kCorrupt,
                  "'" + file_ + "': record " + ToHex(record.key).substr(0, 64) + " of table '" +
                      table + "' is not what was written",
                  kRestoreRemedy);
    }
    records.push_back(std::move(record));
  }
  if (code != SQLITE_DONE) return FailNow("read");
  return records;
}

Status FillNewStore(const std::filesystem::path& file, std::uint32_t format) {
  TRY(const std::unique_ptr<SqliteStore> store, SqliteStore::Attach(file));
  TRY_STATUS(store->Configure());
  return store->CreateSchema(format);
}

/// Complete before it has its name: a store file that is empty or has no tables is a damaged one,
/// and never mistaken for a new one. link() does not replace what another process made in the
/// meantime.
Status CreateStore(const std::filesystem::path& file, std::uint32_t format) {
  if (std::filesystem::exists(file.string() + "-wal")) {
    return Fail(ErrorCode::kCorrupt,
                "'" + file.string() + "' is missing while its log '-wal' is there",
                "Put the file back beside its log, as it was when the program last ran.");
  }
  std::string temporary = file.string() + ".new-XXXXXX";
  {
    const FileDescriptor descriptor(::mkostemp(temporary.data(), O_CLOEXEC));
    if (!descriptor.valid()) return FailOnFile(errno, "create a file beside", file);
  }
  Status outcome = FillNewStore(temporary, format);
  if (outcome && ::link(temporary.c_str(), file.c_str()) != 0 && errno != EEXIST) {
    outcome = FailOnFile(errno, "create", file);
  }
  for (const char* suffix : {"", "-wal", "-shm", "-journal"}) {
    ::unlink((temporary + suffix).c_str());
  }
  TRY_STATUS(outcome);
  const std::filesystem::path folder = file.parent_path();
  return SyncFolder(folder.empty() ? std::filesystem::path(".") : folder);
}

}  // namespace

Result<std::unique_ptr<RecordStore>> OpenSqliteStore(const std::filesystem::path& file,
                                                     const UpgradeSteps& steps) {
  const auto newest = static_cast<std::uint32_t>(kFirstFormat + steps.size());
  std::error_code error;
  const auto kind = std::filesystem::symlink_status(file, error).type();
  if (kind == std::filesystem::file_type::not_found) TRY_STATUS(CreateStore(file, newest));
  TRY_STATUS(CheckPrivate(file));
  TRY_STATUS(RefuseNetworkFileSystem(file));
  TRY_STATUS(CheckStateHeader(file, newest));
  TRY(std::unique_ptr<SqliteStore> store, SqliteStore::Attach(file));
  TRY_STATUS(store->Configure());
  TRY(const std::uint32_t format, store->CheckSchema(newest));
  TRY_STATUS(store->CheckContent());
  TRY_STATUS(store->Upgrade(steps, format));
  return std::unique_ptr<RecordStore>(std::move(store));
}

}  // namespace consilium
