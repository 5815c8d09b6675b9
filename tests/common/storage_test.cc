#include "common/storage.h"

#include <csignal>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/files.h"
#include "tests/support/temporary_folder.h"

namespace consilium {
namespace {

using ::testing::HasSubstr;

Bytes Key(std::uint64_t number) { return ToBytes(SortableKey(number)); }
PutRecord Put(const std::string& table, std::uint64_t key, std::string_view value) {
  return PutRecord{table, Key(key), ToBytes(value)};
}

std::unique_ptr<RecordStore> Open(const std::filesystem::path& file) {
  Result<std::unique_ptr<RecordStore>> store = OpenSqliteStore(file);
  if (!store) {
    ADD_FAILURE() << Describe(store.error());
    return nullptr;
  }
  return std::move(*store);
}

std::vector<std::string> Values(const RecordStore& store, const std::string& table) {
  std::vector<std::string> values;
  const Result<std::vector<Record>> records = store.Load(table);
  if (!records) return {Describe(records.error())};
  for (const Record& record : *records) values.emplace_back(AsText(record.value));
  return values;
}

/// Runs SQL as somebody would with the sqlite3 program.
void Tamper(const std::filesystem::path& file, const std::string& sql) {
  sqlite3* connection = nullptr;
  ASSERT_EQ(sqlite3_open(file.c_str(), &connection), SQLITE_OK);
  char* message = nullptr;
  EXPECT_EQ(sqlite3_exec(connection, sql.c_str(), nullptr, nullptr, &message), SQLITE_OK)
      << message;
  sqlite3_free(message);
  sqlite3_close(connection);
}

ErrorCode CodeOfOpening(const std::filesystem::path& file) {
  const Result<std::unique_ptr<RecordStore>> store = OpenSqliteStore(file);
  EXPECT_FALSE(store) << "was opened";
  if (store) return ErrorCode::kInvalidArgument;
  EXPECT_THAT(store.error().message, HasSubstr(file.string()));
  return store.error().code;
}

/// Both kinds of store behave alike.
class RecordStoreTest : public ::testing::TestWithParam<bool> {
 protected:
  void SetUp() override {
    if (GetParam()) {
      store_ = Open(folder_ / "state.db");
    } else {
      store_ = std::make_unique<MemoryStore>();
    }
    ASSERT_NE(store_, nullptr);
  }
  const TemporaryFolder folder_;
  std::unique_ptr<RecordStore> store_;
};

TEST_P(RecordStoreTest, ReturnsRecordsInKeyOrderAndKeepsTablesApart) {
  ASSERT_TRUE(store_->Apply({Put("a", 300, "third"), Put("a", 2, "second"), Put("b", 1, "other")}));
  ASSERT_TRUE(store_->Apply({Put("a", 1, "first"), Put("a", 300, "third again")}));
  EXPECT_THAT(Values(*store_, "a"), ::testing::ElementsAre("first", "second", "third again"));
  EXPECT_THAT(Values(*store_, "b"), ::testing::ElementsAre("other"));
  EXPECT_THAT(Values(*store_, "never written"), ::testing::IsEmpty());
}

TEST_P(RecordStoreTest, ErasesAndAppliesABatchInItsOrder) {
  ASSERT_TRUE(store_->Apply({Put("a", 1, "x"), EraseRecord{"a", Key(1)}, Put("a", 2, "y")}));
  ASSERT_TRUE(store_->Apply({EraseRecord{"a", Key(7)}, EraseRecord{"none", Key(1)}}));
  EXPECT_THAT(Values(*store_, "a"), ::testing::ElementsAre("y"));
}

TEST_P(RecordStoreTest, HoldsAnyBytes) {
  Bytes all(256);
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<std::byte>(i);
  ASSERT_TRUE(store_->Apply({PutRecord{"x'\"\n", all, all}, PutRecord{"x'\"\n", {}, {}}}));
  const Result<std::vector<Record>> records = store_->Load("x'\"\n");
  ASSERT_TRUE(records);
  ASSERT_EQ(records->size(), 2u);
  EXPECT_TRUE((*records)[0].key.empty());
  EXPECT_TRUE((*records)[0].value.empty());
  EXPECT_EQ((*records)[1].key, all);
  EXPECT_EQ((*records)[1].value, all);
}

INSTANTIATE_TEST_SUITE_P(Kinds,
                         RecordStoreTest,
                         ::testing::Values(false, true),
                         [](const auto& kind) { return kind.param ? "Sqlite" : "Memory"; });

TEST(SqliteStoreTest, KeepsRecordsOverReopeningInAPrivateFile) {
  const TemporaryFolder folder;
  const std::filesystem::path file = folder / "state.db";
  ASSERT_TRUE(Open(file)->Apply({Put("a", 1, "kept")}));
  EXPECT_THAT(Values(*Open(file), "a"), ::testing::ElementsAre("kept"));
  struct stat status {};
  ASSERT_EQ(::stat(file.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
  std::size_t files = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(folder.path()))
    ++files;
  EXPECT_EQ(files, 1u) << "temporary files are left";
}

TEST(SqliteStoreTest, IsBusyForASecondOpenerFromTheStart) {
  const TemporaryFolder folder;
  const std::filesystem::path file = folder / "state.db";
  const auto store = Open(file);
  EXPECT_EQ(CodeOfOpening(file), ErrorCode::kBusy);
  const pid_t child = ::fork();
  if (child == 0) {
    const auto second = OpenSqliteStore(file);
    ::_exit(!second && second.error().code == ErrorCode::kBusy ? 0 : 1);
  }
  int outcome = 0;
  ASSERT_EQ(::waitpid(child, &outcome, 0), child);
  EXPECT_EQ(outcome, 0);
  EXPECT_TRUE(store->Apply({Put("a", 1, "undisturbed")}));
}

TEST(SqliteStoreTest, FindsAFlippedBitAtOpening) {
  const TemporaryFolder folder;
  const std::filesystem::path file = folder / "state.db";
  ASSERT_TRUE(Open(file)->Apply({Put("audit", 1, "good"), Put("audit", 2, "good")}));
  Tamper(file, "UPDATE record SET value = x'676f6f65' WHERE key = x'0000000000000002'");
  const auto store = OpenSqliteStore(file);
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().code, ErrorCode::kCorrupt);
  EXPECT_THAT(store.error().message, HasSubstr("record 0000000000000002 of table 'audit'"));
}

TEST(SqliteStoreTest, FindsRecordsMovedToAnotherKeyOrTable) {
  for (const char* sql :
       {"UPDATE record SET key = x'09' WHERE table_name = 'a'",
        "UPDATE record SET table_name = 'b'", "UPDATE record SET hash = zeroblob(32)",
        "CREATE TRIGGER t AFTER INSERT ON record BEGIN DELETE FROM record; END"}) {
    const TemporaryFolder folder;
    const std::filesystem::path file = folder / "state.db";
    ASSERT_TRUE(Open(file)->Apply({Put("a", 1, "good")}));
    Tamper(file, sql);
    EXPECT_EQ(CodeOfOpening(file), ErrorCode::kCorrupt) << sql;
  }
}

TEST(SqliteStoreTest, NeverTakesAnEmptiedOrForeignFileForANewOne) {
  const TemporaryFolder folder;
  ASSERT_TRUE(WriteFileAtomically(folder / "empty.db", {}, 0600));
  EXPECT_EQ(CodeOfOpening(folder / "empty.db"), ErrorCode::kCorrupt);
  ASSERT_TRUE(WriteFileAtomically(folder / "text.db", Bytes(5000, std::byte{'x'}), 0600));
  EXPECT_EQ(CodeOfOpening(folder / "text.db"), ErrorCode::kCorrupt);
  Tamper(folder / "foreign.db", "CREATE TABLE t (x)");
  ASSERT_EQ(::chmod((folder / "foreign.db").c_str(), 0600), 0);
  EXPECT_EQ(CodeOfOpening(folder / "foreign.db"), ErrorCode::kCorrupt);
  ASSERT_TRUE(WriteFileAtomically(folder / "lost.db-wal", AsBytes("x"), 0600));
  EXPECT_EQ(CodeOfOpening(folder / "lost.db"), ErrorCode::kCorrupt);
  EXPECT_FALSE(std::filesystem::exists(folder / "lost.db"));
}

TEST(SqliteStoreTest, RefusesAFileOthersMayRead) {
  const TemporaryFolder folder;
  const std::filesystem::path file = folder / "state.db";
  ASSERT_TRUE(Open(file)->Apply({Put("a", 1, "x")}));
  ASSERT_EQ(::chmod(file.c_str(), 0640), 0);
  EXPECT_EQ(CodeOfOpening(file), ErrorCode::kPermission);
}

TEST(SqliteStoreTest, LeavesAFileOfANewerProgramUntouched) {
  const TemporaryFolder folder;
  const std::filesystem::path file = folder / "state.db";
  ASSERT_TRUE(Open(file)->Apply({Put("a", 1, "x")}));
  Tamper(file, "PRAGMA user_version = 2");
  const Bytes before = *ReadFile(file, 1 << 20);
  EXPECT_EQ(CodeOfOpening(file), ErrorCode::kConflict);
  EXPECT_EQ(*ReadFile(file, 1 << 20), before);
}

TEST(SqliteStoreTest, FindsDamageAnywhereInTheFile) {
  const TemporaryFolder folder;
  const std::filesystem::path file = folder / "state.db";
  const std::string value(3000, 'v');
  RecordBatch batch;
  for (std::uint64_t i = 0; i < 20; ++i) batch.push_back(Put("a", i, value));
  ASSERT_TRUE(Open(file)->Apply(batch));
  const Bytes good = *ReadFile(file, 1 << 20);
  int refused = 0;
  for (std::size_t at = 7; at < good.size(); at += 997) {
    Bytes bad = good;
    bad[at] ^= std::byte{0x10};
    ASSERT_TRUE(WriteFileAtomically(file, bad, 0600));
    const auto store = OpenSqliteStore(file);
    if (!store) {
      ++refused;
      continue;
    }
    // Damage that is not noticed must be in bytes that mean nothing.
    EXPECT_EQ(Values(**store, "a"), std::vector<std::string>(20, value)) << "offset " << at;
  }
  EXPECT_GT(refused, 50);
}

/// Runs `work` in a child process and returns its exit code; -1 when it was killed.
template <class Work>
int InChild(Work work) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(work());
  int outcome = 0;
  EXPECT_EQ(::waitpid(child, &outcome, 0), child);
  return WIFEXITED(outcome) ? WEXITSTATUS(outcome) : -1;
}

TEST(SqliteStoreTest, RollsABatchBackWhenTheDiskIsFullAndGoesOnLater) {
  const TemporaryFolder folder;
  const std::filesystem::path file = folder / "state.db";
  const int applied = InChild([&] {
    ::signal(SIGXFSZ, SIG_IGN);
    const auto store = OpenSqliteStore(file);
    if (!store) return 201;
    rlimit limit{256 << 10, RLIM_INFINITY};
    if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) return 202;
    int count = 0;
    while (count < 200) {
      const auto number = static_cast<std::uint64_t>(count);
      // Two records in a batch: one without the other would be a torn batch.
      const Status status = (*store)->Apply(
          {Put("a", number, std::string(3000, 'a')), Put("b", number, std::string(3000, 'b'))});
      if (!status && status.error().code != ErrorCode::kStorageFull) {
        std::fprintf(stderr, "%s\n", Describe(status.error()).c_str());
        return 203;
      }
      if (!status) break;
      ++count;
    }
    if (Values(**store, "a").size() != static_cast<std::size_t>(count)) return 204;
    if (Values(**store, "b").size() != static_cast<std::size_t>(count)) return 205;
    limit.rlim_cur = RLIM_INFINITY;
    if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) return 206;
    if (!(*store)->Apply({Put("a", 1'000, "after"), Put("b", 1'000, "after")})) return 207;
    return count;
  });
  ASSERT_GT(applied, 5);
  ASSERT_LT(applied, 200);
  const auto store = Open(file);
  EXPECT_EQ(Values(*store, "a").size(), static_cast<std::size_t>(applied) + 1);
  EXPECT_EQ(Values(*store, "b").size(), static_cast<std::size_t>(applied) + 1);
}

TEST(SqliteStoreTest, LosesNoConfirmedBatchWhenTheProcessIsKilled) {
  for (int round = 0; round < 10; ++round) {
    const TemporaryFolder folder;
    const std::filesystem::path file = folder / "state.db";
    int confirmations[2];
    ASSERT_EQ(::pipe(confirmations), 0);
    const pid_t child = ::fork();
    if (child == 0) {
      const auto store = OpenSqliteStore(file);
      for (std::uint64_t i = 0; store; ++i) {
        const std::string value(200 + i % 5000, static_cast<char>('a' + i % 26));
        if (!(*store)->Apply({Put("a", i, value), Put("b", i, value)})) ::_exit(1);
        if (::write(confirmations[1], &i, sizeof i) != sizeof i) ::_exit(2);
      }
      ::_exit(3);
    }
    ::close(confirmations[1]);
    std::uint64_t last = 0;
    for (int i = 0; i < 20 + 40 * round; ++i) {
      ASSERT_EQ(::read(confirmations[0], &last, sizeof last), static_cast<ssize_t>(sizeof last));
    }
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    while (::read(confirmations[0], &last, sizeof last) > 0) {
    }
    ::close(confirmations[0]);
    const auto store = Open(file);
    ASSERT_NE(store, nullptr);
    const std::size_t kept = store->Load("a")->size();
    EXPECT_GE(kept, last + 1);
    EXPECT_EQ(store->Load("b")->size(), kept) << "a torn batch";
  }
}

TEST(SqliteStoreTest, DoesNotLetItsLogGrowWithoutLimit) {
  const TemporaryFolder folder;
  const std::filesystem::path file = folder / "state.db";
  const auto store = Open(file);
  const std::string value(200'000, 'x');
  for (std::uint64_t i = 0; i < 100; ++i) ASSERT_TRUE(store->Apply({Put("a", i % 3, value)}));
  EXPECT_LT(std::filesystem::file_size(file.string() + "-wal"), 8U << 20);
}

}  // namespace
}  // namespace consilium
