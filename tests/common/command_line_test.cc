#include "common/command_line.h"

#include <filesystem>
#include <system_error>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/command_errors.h"
#include "common/files.h"
#include "tests/support/temporary_folder.h"

namespace consilium {
namespace {

using ::testing::HasSubstr;

struct Outcome {
  int exit_code = -1;
  std::string out;
  std::string err;
};

/// A program with one command that wants a number above zero.
Outcome RunWith(std::vector<std::string> arguments) {
  CommandLine line("program", "Does things.");
  int number = 0;
  line.Add("count", "Counts", "count HOME --to 3",
           [&](const CommonOptions& common) -> Result<int> {
             if (number <= 0) return Fail(ErrorCode::kConflict, "nothing to count", "Count more.");
             return common.folder == "home" ? kExitDone : kExitFailed;
           })
      .add_option("--to", number, "The last number")
      ->required();
  arguments.insert(arguments.begin(), "program");
  std::vector<char*> pointers;
  for (std::string& argument : arguments) pointers.push_back(argument.data());
  ::testing::internal::CaptureStdout();
  ::testing::internal::CaptureStderr();
  Outcome outcome;
  outcome.exit_code = line.Run(static_cast<int>(pointers.size()), pointers.data());
  outcome.out = ::testing::internal::GetCapturedStdout();
  outcome.err = ::testing::internal::GetCapturedStderr();
  return outcome;
}

TEST(CommandLineTest, RunsTheCommandThatWasChosen) {
  EXPECT_EQ(RunWith({"count", "home", "--to", "3"}).exit_code, kExitDone);
  EXPECT_EQ(RunWith({"count", "elsewhere", "--to", "3"}).exit_code, kExitFailed);
}

TEST(CommandLineTest, ACommandLineThatMakesNoSenseIsAUsageError) {
  for (const std::vector<std::string>& wrong : {std::vector<std::string>{},
                                                {"juggle"},
                                                {"count"},
                                                {"count", "home"},
                                                {"count", "home", "--to", "x"},
                                                {"count", "home", "--to", "3", "--often"}}) {
    const Outcome outcome = RunWith(wrong);
    EXPECT_EQ(outcome.exit_code, kExitUsage);
    EXPECT_THAT(outcome.err, HasSubstr("program: "));
    EXPECT_EQ(outcome.out, "");
  }
}

TEST(CommandLineTest, ErrorsHaveTheirExitCodeSentenceAndRemedy) {
  const Outcome outcome = RunWith({"count", "home", "--to", "0"});
  EXPECT_EQ(outcome.exit_code, ExitCodeOf(ErrorCode::kConflict));
  EXPECT_EQ(outcome.err, "program: nothing to count. Count more.\n");
}

TEST(CommandLineTest, WithJsonErrorsAreDocumentsOnStdout) {
  const Outcome failed = RunWith({"count", "home", "--to", "0", "--json"});
  EXPECT_EQ(failed.err, "");
  ASSERT_TRUE(ErrorIn(failed.out).has_value());
  EXPECT_EQ(ErrorIn(failed.out)->code, ErrorCode::kConflict);
  const Outcome misused = RunWith({"count", "--json"});
  EXPECT_EQ(misused.exit_code, kExitUsage);
  EXPECT_TRUE(ErrorIn(misused.out).has_value());
}

TEST(CommandLineTest, ACommandReadsItsPassphraseOnceUnlessItForgetsIt) {
  const TemporaryFolder folder;
  const std::string file = folder.path() / "passphrase";
  ASSERT_TRUE(WriteFileAtomically(file, AsBytes("correct horse\n"), 0600));
  CommandLine line("program", "Does things.");
  line.Add("open", "Opens", "open HOME", [&](const CommonOptions& common) -> Result<int> {
    EXPECT_TRUE(common.passphrase()("identity.key"));
    std::filesystem::remove(file);
    EXPECT_TRUE(common.passphrase()("transport.key"));
    common.ForgetPassphrase();
    EXPECT_FALSE(common.passphrase()("identity.key"));
    return kExitDone;
  });
  std::vector<std::string> arguments = {"program", "open", "home", "--passphrase-file", file};
  std::vector<char*> pointers;
  for (std::string& argument : arguments) pointers.push_back(argument.data());
  EXPECT_EQ(line.Run(static_cast<int>(pointers.size()), pointers.data()), kExitDone);
}

TEST(CommandLineTest, HelpShowsAnExample) {
  const Outcome outcome = RunWith({"count", "--help"});
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_THAT(outcome.out, HasSubstr("Example:\n  program count HOME --to 3"));
}

TEST(CommandLineTest, AFolderThatMayNotBeEnteredIsAnErrorAndNotTheEnd) {
  CommandLine line("program", "Does things.");
  line.Add("look", "Looks", "look HOME", [](const CommonOptions& common) -> Result<int> {
    throw std::filesystem::filesystem_error("status", common.folder,
                                            std::make_error_code(std::errc::permission_denied));
  });
  std::string words[] = {"program", "look", "/srv/others"};
  char* arguments[] = {words[0].data(), words[1].data(), words[2].data()};
  ::testing::internal::CaptureStderr();
  EXPECT_EQ(line.Run(3, arguments), ExitCodeOf(ErrorCode::kPermission));
  EXPECT_THAT(
      ::testing::internal::GetCapturedStderr(),
      HasSubstr("'/srv/others' cannot be looked at: Permission denied. Run the command as"));
}

}  // namespace
}  // namespace consilium
