// Covers common/storage_file.cc, too.

#include <algorithm>
#include <csignal>
#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/files.h"
#include "common/storage.h"
#include "tests/support/temporary_folder.h"

namespace consilium {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

RecordBatch Patients(const std::string& value) {
  RecordBatch batch;
  for (int i = 0; i < 20; ++i) {
    batch.push_back(PutRecord{"study", ToBytes("key" + std::to_string(i)), ToBytes(value)});
  }
  return batch;
}

/// Puts a word behind each value; the records of a table "old" go.
UpgradeStep Appending(const std::string& word) {
  return [word](const RecordStore& store) -> Result<RecordBatch> {
    RecordBatch batch;
    TRY(const std::vector<Record> records, store.Load("study"));
    for (const Record& record : records) {
      batch.push_back(
          PutRecord{"study", record.key, ToBytes(std::string(AsText(record.value)) + word)});
    }
    TRY(const std::vector<Record> old, store.Load("old"));
    for (const Record& record : old) batch.push_back(EraseRecord{"old", record.key});
    return batch;
  };
}

UpgradeStep Failing() {
  return [](const RecordStore&) -> Result<RecordBatch> {
    return Fail(ErrorCode::kCorrupt, "a record of table 'study' makes no sense");
  };
}

std::string ValueIn(const std::filesystem::path& file, const UpgradeSteps& steps) {
  const auto store = OpenSqliteStore(file, steps);
  if (!store) return Describe(store.error());
  const auto records = (*store)->Load("study");
  if (!records || records->size() != 20) return "not 20 records";
  for (const Record& record : *records) {
    if (record.value != records->front().value) return "values of several formats";
  }
  return std::string(AsText(records->front().value));
}

class StorageUpgradeTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto store = OpenSqliteStore(file_);
    ASSERT_TRUE(store);
    ASSERT_TRUE((*store)->Apply(Patients("one")));
    ASSERT_TRUE((*store)->Apply({PutRecord{"old", ToBytes("key"), ToBytes("value")}}));
  }
  std::vector<std::string> Files() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(folder_.path())) {
      names.push_back(entry.path().filename());
    }
    std::sort(names.begin(), names.end());
    return names;
  }

  const TemporaryFolder folder_;
  const std::filesystem::path file_ = folder_ / "state.db";
  const std::filesystem::path copy_ = folder_ / "state.db.format-1";
  const UpgradeSteps two_{Appending("+two")};
  const UpgradeSteps three_{Appending("+two"), Appending("+three")};
};

TEST_F(StorageUpgradeTest, AnOldFileBecomesOneOfThisProgramAndACopyStays) {
  EXPECT_EQ(ValueIn(file_, three_), "one+two+three");
  EXPECT_EQ(ValueIn(file_, three_), "one+two+three") << "each step once";
  EXPECT_TRUE((*OpenSqliteStore(file_, three_))->Load("old")->empty());

  EXPECT_THAT(Files(), ElementsAre("state.db", "state.db.format-1"));
  struct stat status {};
  ASSERT_EQ(::stat(copy_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600U);
  EXPECT_EQ(ValueIn(copy_, {}), "one");
}

TEST_F(StorageUpgradeTest, AFileOfTheFormatBetweenTakesTheStepsItLacks) {
  EXPECT_EQ(ValueIn(file_, two_), "one+two");
  EXPECT_EQ(ValueIn(file_, three_), "one+two+three");
  EXPECT_EQ(ValueIn(folder_ / "state.db.format-2", two_), "one+two");
}

TEST_F(StorageUpgradeTest, ANewFileHasTheNewestFormatAndNoCopy) {
  const std::filesystem::path fresh = folder_ / "fresh.db";
  { ASSERT_TRUE((*OpenSqliteStore(fresh, three_))->Apply(Patients("new"))); }

  EXPECT_EQ(ValueIn(fresh, three_), "new");
  EXPECT_THAT(Files(), ElementsAre("fresh.db", "state.db"));
}

TEST_F(StorageUpgradeTest, AnOlderProgramRefusesANewerFileByNameAndLeavesItUntouched) {
  ASSERT_EQ(ValueIn(file_, three_), "one+two+three");
  const Bytes before = *ReadFile(file_, 1 << 20);
  for (const auto& [steps, knows] : {std::pair(UpgradeSteps(), "1"), std::pair(two_, "2")}) {
    const auto opened = OpenSqliteStore(file_, steps);

    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code, ErrorCode::kConflict);
    EXPECT_THAT(opened.error().message,
                HasSubstr("newer program (format 3; this one knows " + std::string(knows)));
    EXPECT_EQ(*ReadFile(file_, 1 << 20), before);
  }
}

TEST_F(StorageUpgradeTest, AStepThatFailsLeavesTheFormatBeforeIt) {
  EXPECT_THAT(ValueIn(file_, {Appending("+two"), Failing()}), HasSubstr("makes no sense"));
  EXPECT_EQ(ValueIn(file_, two_), "one+two");
}

TEST_F(StorageUpgradeTest, AProcessThatIsKilledInAStepLeavesAWholeFile) {
  for (int changes = 0; changes < 2; ++changes) {
    const pid_t child = ::fork();
    if (child == 0) {
      const UpgradeStep dies = [](const RecordStore&) -> Result<RecordBatch> {
        ::kill(::getpid(), SIGKILL);
        return RecordBatch{};
      };
      const auto opened =
          OpenSqliteStore(file_, changes == 0 ? UpgradeSteps{dies} : UpgradeSteps{two_[0], dies});
      ::_exit(opened ? 1 : 2);
    }
    int outcome = 0;
    ASSERT_EQ(::waitpid(child, &outcome, 0), child);
    ASSERT_TRUE(WIFSIGNALED(outcome));
  }
  EXPECT_EQ(ValueIn(file_, three_), "one+two+three");
  EXPECT_EQ(ValueIn(copy_, {}), "one");
}

TEST_F(StorageUpgradeTest, WithoutRoomForTheCopyNothingIsChanged) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{4 << 10, RLIM_INFINITY};
    if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) ::_exit(3);
    const auto opened = OpenSqliteStore(file_, three_);
    ::_exit(!opened && opened.error().code == ErrorCode::kStorageFull ? 0 : 1);
  }
  int outcome = 0;
  ASSERT_EQ(::waitpid(child, &outcome, 0), child);
  EXPECT_EQ(outcome, 0);

  EXPECT_EQ(ValueIn(file_, {}), "one");
  EXPECT_FALSE(std::filesystem::exists(copy_));
}

}  // namespace
}  // namespace consilium
