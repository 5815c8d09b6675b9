#include "common/child_process.h"

#include <algorithm>
#include <array>
#include <csignal>
#include <fstream>
#include <sstream>
#include <thread>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/confinement.h"
#include "tests/support/temporary_folder.h"

namespace consilium {
namespace {

using std::chrono::seconds;
using std::chrono::steady_clock;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

std::size_t EntriesIn(const std::filesystem::path& folder) {
  const std::filesystem::directory_iterator entries(folder);
  return static_cast<std::size_t>(std::distance(begin(entries), end(entries)));
}

class ChildProcessTest : public ::testing::Test {
 protected:
  ChildProcessTest() {
    std::filesystem::create_directory(work());
    command_.memory_bytes = 512ULL << 20;
    command_.time = seconds(30);
    command_.most_output = 32 << 20;
    command_.folder = work();
    descriptors_ = EntriesIn("/proc/self/fd");
  }

  /// Whatever a program does, nothing is left of it.
  void TearDown() override {
    EXPECT_EQ(EntriesIn(work()), 0u);
    EXPECT_EQ(EntriesIn("/proc/self/fd"), descriptors_);
    EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1) << "a zombie is left";
  }

  std::filesystem::path work() const { return folder_ / "work"; }

  std::filesystem::path Script(const std::string& text) {
    const std::filesystem::path file = folder_ / "program";
    std::ofstream(file) << "#!/bin/sh\n" << text << "\n";
    std::filesystem::permissions(file, std::filesystem::perms::owner_all);
    return file;
  }

  Result<ChildOutcome> Try(const std::string& script, ByteSpan input = {}) {
    command_.program = Script(script);
    return RunConfined(command_, input, stop_);
  }
  ChildOutcome Run(const std::string& script, ByteSpan input = {}) {
    Result<ChildOutcome> outcome = Try(script, input);
    EXPECT_TRUE(outcome.has_value()) << Describe(outcome.error());
    return outcome ? *std::move(outcome) : ChildOutcome{};
  }
  std::string OutputOf(const std::string& script) {
    const ChildOutcome outcome = Run(script);
    EXPECT_EQ(outcome.code, 0) << outcome.words;
    return std::string(AsText(outcome.output));
  }

  TemporaryFolder folder_;
  ChildCommand command_;
  std::atomic<bool> stop_ = false;
  std::size_t descriptors_ = 0;
};

TEST_F(ChildProcessTest, GivesBackWhatTheProgramWrites) {
  command_.arguments = {"two words", "$HOME"};
  const ChildOutcome outcome = Run("cat; printf '%s|' \"$@\"; echo said >&2", AsBytes("rows "));
  EXPECT_EQ(outcome.end, ChildEnd::kExited);
  EXPECT_EQ(outcome.code, 0);
  EXPECT_TRUE(outcome.read_all);
  EXPECT_EQ(AsText(outcome.output), "rows two words|$HOME|");
  EXPECT_EQ(outcome.words, "said\n");
}

TEST_F(ChildProcessTest, MovesMoreThanPipesHoldBothWays) {
  Bytes input(20 << 20);
  for (std::size_t i = 0; i < input.size(); ++i) input[i] = static_cast<std::byte>(i * 7 % 251);
  EXPECT_TRUE(Run("cat", input).output == input);
}

TEST_F(ChildProcessTest, TellsHowTheProgramEnded) {
  EXPECT_EQ(Run("exit 3").code, 3);
  const ChildOutcome killed = Run("kill -SEGV $$");
  EXPECT_EQ(killed.end, ChildEnd::kSignalled);
  EXPECT_EQ(killed.code, SIGSEGV);
}

TEST_F(ChildProcessTest, EndsOneThatHangs) {
  command_.time = seconds(1);
  const auto start = steady_clock::now();
  const ChildOutcome outcome = Run("trap '' TERM INT HUP; sleep 100", AsBytes("rows"));
  EXPECT_EQ(outcome.end, ChildEnd::kOutOfTime);
  EXPECT_LT(steady_clock::now() - start, seconds(10));
}

TEST_F(ChildProcessTest, EndsOneThatHangsWithItsEndsClosed) {
  command_.time = seconds(1);
  EXPECT_EQ(Run("exec <&- >&- 2>&-; sleep 100").end, ChildEnd::kOutOfTime);
}

TEST_F(ChildProcessTest, EndsOneThatFloods) {
  command_.most_output = 100'000;
  const ChildOutcome outcome = Run("yes");
  EXPECT_EQ(outcome.end, ChildEnd::kTooMuchOutput);
  EXPECT_LE(outcome.output.size(), 100'000u);
}

TEST_F(ChildProcessTest, KeepsTheEndOfALongComplaint) {
  const ChildOutcome outcome = Run("yes complaint | head -c 5000000 >&2; echo the end >&2");
  EXPECT_EQ(outcome.words.size(), 2'048u);
  EXPECT_TRUE(outcome.words.ends_with("the end\n"));
}

TEST_F(ChildProcessTest, IsNotHeldByOneThatComplainsForEver) {
  command_.time = seconds(1);
  EXPECT_EQ(Run("yes >&2").end, ChildEnd::kOutOfTime);
}

TEST_F(ChildProcessTest, SurvivesOneThatClosesItsInput) {
  const Bytes input(1 << 20);
  const ChildOutcome outcome = Run("exec <&-; echo done", input);
  EXPECT_EQ(outcome.code, 0);
  EXPECT_FALSE(outcome.read_all);
  EXPECT_EQ(AsText(outcome.output), "done\n");
}

TEST_F(ChildProcessTest, KillsWhatTheProgramLeavesBehind) {
  const auto start = steady_clock::now();
  const std::string left = OutputOf("sleep 100 & echo $!");
  EXPECT_LT(steady_clock::now() - start, seconds(10)) << "it waited for what holds its stdout";
  const pid_t process = static_cast<pid_t>(std::stol(left));
  // Gone, or a zombie that is another process's to bury.
  for (int i = 0; i < 100 && ::kill(process, 0) == 0; ++i) {
    std::ifstream status("/proc/" + std::to_string(process) + "/stat");
    std::stringstream text;
    text << status.rdbuf();
    if (text.str().find(") Z ") != std::string::npos) return;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  EXPECT_NE(::kill(process, 0), 0);
}

TEST_F(ChildProcessTest, LetsNobodyLeaveItsSession) {
  if (!std::filesystem::exists("/usr/bin/setsid")) GTEST_SKIP() << "no setsid on this machine";
  EXPECT_THAT(Run("setsid sleep 100").words, HasSubstr("not permitted"));
}

TEST_F(ChildProcessTest, EndsWhatRunsWhenThisProcessStops) {
  std::thread stopper([this] {
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    stop_ = true;
  });
  EXPECT_EQ(Run("sleep 100").end, ChildEnd::kStopped);
  stopper.join();
}

TEST_F(ChildProcessTest, DiesWithThisProcess) {
  command_.program = Script("echo $$ > pid; sleep 100");
  const pid_t self = ::fork();
  if (self == 0) {
    static_cast<void>(RunConfined(command_, {}, stop_));
    ::_exit(0);
  }
  // The program's number stands in its working folder.
  pid_t program = 0;
  for (int i = 0; i < 500 && program == 0; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    for (const auto& entry : std::filesystem::directory_iterator(work())) {
      std::ifstream(entry.path() / "pid") >> program;
    }
  }
  ASSERT_GT(program, 0);
  ::kill(self, SIGKILL);
  ::waitpid(self, nullptr, 0);
  const auto runs = [program] {
    std::ifstream name("/proc/" + std::to_string(program) + "/comm");
    std::string text;
    name >> text;
    return text == "program";
  };
  for (int i = 0; i < 500 && runs(); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  EXPECT_FALSE(runs());
  std::filesystem::remove_all(work());
  std::filesystem::create_directory(work());
}

TEST_F(ChildProcessTest, SeesNothingOfThisProcess) {
  ASSERT_EQ(::setenv("CONSILIUM_TEST_SECRET", "hush", 1), 0);
  int leaked[2] = {};
  ASSERT_EQ(::pipe(leaked), 0);  // Without O_CLOEXEC, as a library might do it.
  const std::string environment = OutputOf("env");
  EXPECT_THAT(environment, Not(HasSubstr("hush")));
  EXPECT_THAT(environment, HasSubstr("PATH=/usr/bin:/bin"));
  // The fourth is the folder that it lists.
  EXPECT_EQ(OutputOf("exec ls /proc/self/fd"), "0\n1\n2\n3\n");
  ::close(leaked[0]);
  ::close(leaked[1]);
  EXPECT_EQ(OutputOf("ulimit -c").substr(0, 1), "0");
}

TEST_F(ChildProcessTest, WorksInAFolderOfItsOwn) {
  EXPECT_EQ(OutputOf("echo 1 > file; cat \"$HOME/file\"; [ \"$PWD\" = \"$TMPDIR\" ] && echo here"),
            "1\nhere\n");
}

TEST_F(ChildProcessTest, TouchesNoFileOfThisUser) {
  if (!FilesCanBeConfined()) GTEST_SKIP() << "this kernel has no Landlock";
  std::ofstream(folder_ / "identity.key") << "hush";
  const std::string file = "'" + (folder_ / "identity.key").string() + "'";
  EXPECT_NE(Run("cat " + file).code, 0);
  EXPECT_NE(Run("echo x >> " + file).code, 0);
  EXPECT_NE(Run("rm " + file).code, 0);
  EXPECT_NE(Run("echo x > /tmp/consilium-test-escaped").code, 0);
  EXPECT_NE(Run("cat /etc/passwd").code, 0);
  EXPECT_NE(Run("cat /proc/" + std::to_string(::getpid()) + "/environ").code, 0);
  command_.readable = {folder_ / "identity.key"};
  EXPECT_EQ(OutputOf("cat " + file), "hush");
  EXPECT_NE(Run("echo x >> " + file).code, 0);
}

TEST_F(ChildProcessTest, HoldsItsMemory) {
  command_.memory_bytes = 64ULL << 20;
  EXPECT_EQ(Run("exit 0").code, 0);
  const ChildOutcome outcome = Run("head -c 200000000 /dev/zero | tail -c 150000000 | wc -c");
  EXPECT_THAT(outcome.words, Not(IsEmpty()));
  EXPECT_THAT(std::string(AsText(outcome.output)), Not(HasSubstr("150000000")));
}

TEST_F(ChildProcessTest, HoldsItsFiles) {
  EXPECT_NE(Run("head -c 100000000 /dev/zero > file; [ $(wc -c < file) = 100000000 ]").code, 0);
}

TEST_F(ChildProcessTest, SaysWhyAProgramDoesNotStart) {
  command_.program = folder_ / "absent";
  EXPECT_EQ(RunConfined(command_, {}, stop_).error().code, ErrorCode::kNotFound);
  command_.program = Script("exit 0");
  std::filesystem::permissions(command_.program, std::filesystem::perms::owner_read);
  EXPECT_EQ(RunConfined(command_, {}, stop_).error().code, ErrorCode::kPermission);
  std::filesystem::permissions(command_.program, std::filesystem::perms::owner_all);
  std::ofstream(command_.program) << "#!/no/such/interpreter\n";
  EXPECT_THAT(RunConfined(command_, {}, stop_).error().remedy, HasSubstr("interpreter"));
}

TEST_F(ChildProcessTest, ServesManyThreadsAtOnce) {
  command_.program = Script("cat");
  std::vector<std::thread> threads;
  std::atomic<int> right = 0;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] {
      for (int k = 0; k < 10; ++k) {
        const Bytes input(100'000, static_cast<std::byte>(i));
        const Result<ChildOutcome> outcome = RunConfined(command_, input, stop_);
        if (outcome && outcome->output == input) ++right;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(right, 40);
}

TEST_F(ChildProcessTest, ThisSystemCanConfine) { EXPECT_TRUE(TryConfinement().has_value()); }

/// A program that reads one file, from which this process takes what it finds.
class ChildReaderTest : public ChildProcessTest {
 protected:
  std::unique_ptr<ChildReader> Start(const std::string& script, const std::string& input = {}) {
    std::ofstream(folder_ / "input") << input;
    const FileDescriptor file(::open((folder_ / "input").c_str(), O_RDONLY | O_CLOEXEC));
    command_.program = Script(script);
    auto reader = StartConfined(command_, file);
    EXPECT_TRUE(reader.has_value()) << Describe(reader.error());
    return reader ? *std::move(reader) : nullptr;
  }
  static std::string AllOf(ChildReader& reader) {
    std::string all;
    std::array<char, 1'000> buffer{};
    for (;;) {
      const auto got = reader.Read(buffer, seconds(30));
      EXPECT_TRUE(got.has_value());
      if (!got || *got == 0) return all;
      all.append(buffer.data(), *got);
    }
  }
};

TEST_F(ChildReaderTest, GivesWhatTheProgramMakesOfTheFile) {
  const auto reader = Start("tr a-z A-Z; echo words >&2; exit 3", std::string(100'000, 'x'));
  ASSERT_NE(reader, nullptr);
  EXPECT_EQ(AllOf(*reader), std::string(100'000, 'X'));
  const ChildOutcome outcome = reader->Finish();
  EXPECT_EQ(outcome.end, ChildEnd::kExited);
  EXPECT_EQ(outcome.code, 3);
  EXPECT_EQ(outcome.words, "words\n");
}

TEST_F(ChildReaderTest, TellsOfAProgramThatWasBroughtDown) {
  const auto reader = Start("echo some; kill -SEGV $$");
  ASSERT_NE(reader, nullptr);
  EXPECT_EQ(AllOf(*reader), "some\n");
  const ChildOutcome outcome = reader->Finish();
  EXPECT_EQ(outcome.end, ChildEnd::kSignalled);
  EXPECT_EQ(outcome.code, SIGSEGV);
}

TEST_F(ChildReaderTest, WaitsOnlySoLongAndLeavesNothingBehind) {
  const auto reader = Start("sleep 1000");
  ASSERT_NE(reader, nullptr);
  std::array<char, 10> buffer{};
  const auto got = reader->Read(buffer, seconds(1));
  ASSERT_FALSE(got.has_value());
  EXPECT_EQ(got.error().code, ErrorCode::kUnavailable);
}

TEST_F(ChildReaderTest, TheProgramWritesNowhere) {
  if (!FilesCanBeConfined()) GTEST_SKIP() << "this kernel has no Landlock";
  const auto reader =
      Start("pwd; (echo x > " + (folder_ / "there").string() + ") 2>/dev/null || echo refused");
  ASSERT_NE(reader, nullptr);
  EXPECT_EQ(AllOf(*reader), "/\nrefused\n");
  reader->Finish();
}

}  // namespace
}  // namespace consilium
