#include "common/log.h"

#include <type_traits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "common/bytes.h"
#include "common/files.h"
#include "common/secret.h"
#include "tests/support/temporary_folder.h"

namespace consilium {
namespace {

using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::Not;

static_assert(!std::is_constructible_v<LogField, std::string_view, double>);
static_assert(!std::is_constructible_v<LogField, std::string_view, float>);
static_assert(!std::is_constructible_v<LogField, std::string_view, Bytes>);
static_assert(!std::is_constructible_v<LogField, std::string_view, std::vector<double>>);
static_assert(!std::is_constructible_v<LogField, std::string_view, SecretKey32>);
static_assert(std::is_constructible_v<LogField, std::string_view, SiteId>);

std::string Logged(const TemporaryFolder& folder) {
  const Result<Bytes> bytes = ReadFile(folder / "site.log", 1 << 20);
  return bytes ? std::string(AsText(*bytes)) : Describe(bytes.error());
}

TEST(LogTest, WritesTimeLevelEventAndFieldsToAPrivateFile) {
  const TemporaryFolder folder;
  const mode_t before = ::umask(0);
  {
    const auto log = MakeLog("site", folder.path(), LogLevel::kInfo);
    ASSERT_TRUE(log);
    StudyId study;
    study.bytes[0] = std::byte{0x1f};
    (*log)->Info("round-finished", {{"study", study}, {"round", RoundNumber(3)}, {"ms", 12}});
    (*log)->Debug("not-shown");
  }
  ::umask(before);
  EXPECT_THAT(Logged(folder),
              MatchesRegex("[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z info    "
                           "round-finished study=1f0000000000 round=3 ms=12\n"));
  struct stat status {};
  ASSERT_EQ(::stat((folder / "site.log").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
}

TEST(LogTest, LetsNoWordForgeALineOrAField) {
  const TemporaryFolder folder;
  {
    const auto log = MakeLog("site", folder.path(), LogLevel::kDebug);
    ASSERT_TRUE(log);
    (*log)->Warning("dropped",
                    {{"site", "a\n2026-01-01T00:00:00Z error fake"}, {"why", "x\" admin=yes"}});
  }
  const std::string text = Logged(folder);
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1);
  EXPECT_THAT(text, HasSubstr("site=\"a\\n2026-01-01T00:00:00Z error fake\""));
  EXPECT_THAT(text, HasSubstr("why=\"x\\\" admin=yes\""));
}

TEST(LogFieldTest, EscapesWhatATerminalWouldObey) {
  EXPECT_EQ(LogField("f", "\x1b[2J").value(), "\\x1b[2J");
  EXPECT_EQ(LogField("f", "\xc2\x9b").value(), "\\xc2\\x9b");           // C1 control
  EXPECT_EQ(LogField("f", "\xe2\x80\xae").value(), "\\xe2\\x80\\xae");  // right-to-left override
  EXPECT_EQ(LogField("f", "\xff\xc3").value(), "\\xff\\xc3");           // no UTF-8
  EXPECT_EQ(LogField("f", "\xed\xa0\x80").value(), "\\xed\\xa0\\x80");  // surrogate
  EXPECT_EQ(LogField("f", "a\\x1b").value(), "a\\\\x1b");
  EXPECT_EQ(LogField("f", "Zürich 医院").value(), "Zürich 医院");
  EXPECT_EQ(LogField("f", std::string_view("\0", 1)).value(), "\\x00");
}

TEST(LogFieldTest, CutsALongWord) {
  EXPECT_EQ(LogField("f", std::string(5'000, 'x')).value(), std::string(1'024, 'x') + "...");
}

TEST(LogTest, KeepsAtMostFiveFilesOfTenMebibytes) {
  const TemporaryFolder folder;
  testing::internal::CaptureStderr();
  {
    const auto log = MakeLog("site", folder.path(), LogLevel::kInfo);
    ASSERT_TRUE(log);
    const std::string word(1'000, 'x');
    for (int i = 0; i < 70'000; ++i) (*log)->Info("event", {{"word", word}});
  }
  testing::internal::GetCapturedStderr();
  std::uintmax_t total = 0;
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder.path())) {
    ++files;
    total += entry.file_size();
    EXPECT_LE(entry.file_size(), 10U << 20);
    struct stat status {};
    ASSERT_EQ(::stat(entry.path().c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0600u) << entry.path();
  }
  EXPECT_EQ(files, 5);
  EXPECT_GT(total, 40U << 20);
}

TEST(LogTest, FailsOnAFolderThatIsNotThere) {
  const TemporaryFolder folder;
  const auto log = MakeLog("site", folder / "absent", LogLevel::kInfo);
  ASSERT_FALSE(log);
  EXPECT_THAT(log.error().message, HasSubstr("absent"));
  EXPECT_FALSE(std::filesystem::exists(folder / "absent"));
}

TEST(SilentLogTest, WritesNothing) {
  testing::internal::CaptureStderr();
  MakeSilentLog()->Error("nobody-hears");
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

}  // namespace
}  // namespace consilium
