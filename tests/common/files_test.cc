#include "common/files.h"

#include <csignal>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/temporary_folder.h"

namespace consilium {
namespace {

using ::testing::HasSubstr;

mode_t ModeOf(const std::filesystem::path& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 ? status.st_mode & 07777 : 0;
}

std::size_t EntriesIn(const std::filesystem::path& folder) {
  std::size_t count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(folder)) ++count;
  return count;
}

TEST(FilesTest, ReadsBackWhatWasWrittenAtomicallyWithTheExactMode) {
  const TemporaryFolder folder;
  const mode_t before = ::umask(0077);
  ASSERT_TRUE(WriteFileAtomically(folder / "a", AsBytes("first"), 0644));
  ::umask(before);
  EXPECT_EQ(ModeOf(folder / "a"), 0644u);
  ASSERT_TRUE(WriteFileAtomically(folder / "a", AsBytes("second"), 0600));
  EXPECT_EQ(ModeOf(folder / "a"), 0600u);
  const Result<Bytes> bytes = ReadFile(folder / "a", 6);
  ASSERT_TRUE(bytes);
  EXPECT_EQ(AsText(*bytes), "second");
  EXPECT_EQ(EntriesIn(folder.path()), 1u);
}

TEST(FilesTest, ReadsAnEmptyFileAndFilesThatTellNoSize) {
  const TemporaryFolder folder;
  ASSERT_TRUE(WriteFileAtomically(folder / "a", {}, 0600));
  const Result<Bytes> empty = ReadFile(folder / "a", 0);
  ASSERT_TRUE(empty);
  EXPECT_TRUE(empty->empty());
  const Result<Bytes> sizeless = ReadFile("/proc/self/status", 1 << 20);
  ASSERT_TRUE(sizeless);
  EXPECT_THAT(std::string(AsText(*sizeless)), HasSubstr("VmRSS"));
}

TEST(FilesTest, RefusesAFileOverTheLimitAndNamesIt) {
  const TemporaryFolder folder;
  ASSERT_TRUE(WriteFileAtomically(folder / "big.toml", AsBytes("1234567"), 0600));
  const Result<Bytes> bytes = ReadFile(folder / "big.toml", 6);
  ASSERT_FALSE(bytes);
  EXPECT_EQ(bytes.error().code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(bytes.error().message, HasSubstr("big.toml"));
  EXPECT_FALSE(ReadFile("/proc/self/status", 10));
}

TEST(FilesTest, DoesNotWaitForTheWriterOfANamedPipe) {
  const TemporaryFolder folder;
  ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
  EXPECT_EQ(ReadFile(folder / "pipe", 10).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(ReadFile(folder.path(), 10).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(ReadFile(folder / "absent", 10).error().code, ErrorCode::kNotFound);
}

TEST(FilesTest, KeepsTheOldFileWhenTheNewOneDoesNotFit) {
  const TemporaryFolder folder;
  ASSERT_TRUE(WriteFileAtomically(folder / "a", AsBytes("old"), 0600));
  const pid_t child = ::fork();
  if (child == 0) {
    ::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{1000, 1000};
    if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) ::_exit(2);
    const Status status = WriteFileAtomically(folder / "a", Bytes(5000), 0600);
    ::_exit(!status && status.error().code == ErrorCode::kStorageFull ? 0 : 1);
  }
  int outcome = 0;
  ASSERT_EQ(::waitpid(child, &outcome, 0), child);
  EXPECT_EQ(outcome, 0);
  EXPECT_EQ(AsText(*ReadFile(folder / "a", 10)), "old");
  EXPECT_EQ(EntriesIn(folder.path()), 1u);
}

TEST(FilesTest, CreatesAPrivateFolderOnce) {
  const TemporaryFolder folder;
  const mode_t before = ::umask(0);
  EXPECT_TRUE(CreatePrivateFolder(folder / "home"));
  ::umask(before);
  EXPECT_EQ(ModeOf(folder / "home"), 0700u);
  EXPECT_TRUE(CheckPrivate(folder / "home"));
  EXPECT_EQ(CreatePrivateFolder(folder / "home").error().code, ErrorCode::kConflict);
}

TEST(FilesTest, RefusesAFileThatOthersMayReadAndGivesTheCommand) {
  const TemporaryFolder folder;
  const std::filesystem::path file = folder / "it's a key";
  ASSERT_TRUE(WriteFileAtomically(file, AsBytes("x"), 0600));
  EXPECT_TRUE(CheckPrivate(file));
  for (const mode_t mode : {0640u, 0604u, 0660u, 0700u, 04600u}) {
    ASSERT_EQ(::chmod(file.c_str(), mode), 0);
    const Status status = CheckPrivate(file);
    ASSERT_FALSE(status) << mode;
    EXPECT_EQ(status.error().code, ErrorCode::kPermission);
    EXPECT_THAT(status.error().remedy, HasSubstr("chmod 600 '"));
    ASSERT_EQ(std::system(status.error().remedy.substr(5).c_str()), 0);
    EXPECT_TRUE(CheckPrivate(file));
  }
}

TEST(FilesTest, AFileIsUnalterableWhereItsFoldersAre) {
  const TemporaryFolder folder;
  const std::filesystem::path home = folder / "home";
  ASSERT_TRUE(CreatePrivateFolder(home));
  const std::filesystem::path file = home / "program";
  ASSERT_TRUE(WriteFileAtomically(file, AsBytes("x"), 0755));
  ASSERT_EQ(::symlink(file.c_str(), (folder / "link").c_str()), 0);
  EXPECT_TRUE(CheckUnalterable(file));
  EXPECT_TRUE(CheckUnalterable(folder / "link"));
  for (const std::filesystem::path& path : {file, home}) {
    for (const mode_t mode : {0775u, 0757u}) {
      ASSERT_EQ(::chmod(path.c_str(), mode), 0);
      const Status status = CheckUnalterable(folder / "link");
      ASSERT_FALSE(status) << path << " " << mode;
      EXPECT_EQ(status.error().code, ErrorCode::kPermission);
      ASSERT_EQ(std::system(status.error().remedy.substr(5).c_str()), 0);
      EXPECT_TRUE(CheckUnalterable(file));
    }
  }
  ASSERT_EQ(::chmod(home.c_str(), 01777), 0);
  EXPECT_TRUE(CheckUnalterable(file)) << "others cannot take its place in a sticky folder";
  EXPECT_EQ(CheckUnalterable(home / "absent").error().code, ErrorCode::kNotFound);
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give a file away";
  ASSERT_EQ(::chown(home.c_str(), 12345, 12345), 0);
  EXPECT_THAT(CheckUnalterable(file).error().message, HasSubstr("another user"));
}

TEST(FilesTest, RefusesALinkAndAnotherOwner) {
  const TemporaryFolder folder;
  ASSERT_TRUE(WriteFileAtomically(folder / "a", AsBytes("x"), 0600));
  ASSERT_EQ(::symlink((folder / "a").c_str(), (folder / "b").c_str()), 0);
  EXPECT_EQ(CheckPrivate(folder / "b").error().code, ErrorCode::kPermission);
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give a file away";
  ASSERT_EQ(::chown((folder / "a").c_str(), 12345, 12345), 0);
  EXPECT_THAT(CheckPrivate(folder / "a").error().message, HasSubstr("another user"));
}

}  // namespace
}  // namespace consilium
