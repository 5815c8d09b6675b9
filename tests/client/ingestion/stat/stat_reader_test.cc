// The program that reads files of SAS, SPSS and Stata, client/ingestion/stat/main.cc, as a process:
// where it lies, and what it leaves behind.

#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client/ingestion/stat/stat_file.h"
#include "tests/client/ingestion/stat/stat_fixture.h"

namespace consilium {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class StatReaderTest : public StatFileTest {
 protected:
  /// An empty file at a path below the folder.
  std::filesystem::path Put(const std::string& path) {
    const std::filesystem::path file = std::filesystem::path(folder_.path()) / path;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file).flush();
    return file;
  }
  std::filesystem::path Found(const std::filesystem::path& program) {
    const auto reader = FindStatReader(program);
    EXPECT_TRUE(reader.has_value()) << Describe(reader.error());
    return reader ? *reader : std::filesystem::path();
  }
};

TEST_F(StatReaderTest, EachProgramHasItsOwnWhereAPackagePutsIt) {
  const auto site = Put("usr/bin/consilium-site");
  const auto sim = Put("usr/bin/consilium-sim");
  const auto of_site = Put("usr/libexec/consilium-site/consilium-table-reader");
  const auto of_sim = Put("usr/libexec/consilium-sim/consilium-table-reader");

  EXPECT_EQ(Found(site), of_site);
  EXPECT_EQ(Found(sim), of_sim);
  // A service that runs while its package is upgraded.
  EXPECT_EQ(Found(site.string() + " (deleted)"), of_site);
}

TEST_F(StatReaderTest, ItLiesBesideAProgramThatWasBuilt) {
  const auto site = Put("build/bin/consilium-site");
  const auto reader = Put("build/bin/consilium-table-reader");
  EXPECT_EQ(Found(site), reader);
}

TEST_F(StatReaderTest, WhereItIsNotThePackageIsNamed) {
  const auto reader = FindStatReader(Put("usr/bin/consilium-site"));
  ASSERT_FALSE(reader.has_value());
  EXPECT_EQ(reader.error().code, ErrorCode::kNotFound);
  EXPECT_THAT(
      Describe(reader.error()),
      AllOf(HasSubstr("usr/libexec/consilium-site/consilium-table-reader"), HasSubstr("package")));
}

/// Waits until /proc says so of the process.
bool LimitsSay(pid_t process, const std::string& words) {
  for (int i = 0; i < 1'000; ++i) {
    std::ifstream file("/proc/" + std::to_string(process) + "/limits");
    std::stringstream text;
    text << file.rdbuf();
    if (text.str().find(words) != std::string::npos) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return false;
}

TEST_F(StatReaderTest, ForbidsDumpsOfItsMemoryItself) {
  StatTable table;
  table.variables = {{.name = "id", .storage = StatStorage::kText, .width = 200}};
  table.rows.assign(20'000, {std::string(200, 'x')});
  const auto file = folder_.Write("data", Written(StatFormat::kSav, table));
  StatQuestion question;
  question.wanted = {true};
  question.labelled = question.days = {false};
  std::vector<std::string> texts = ArgumentsOf(question);
  texts.insert(texts.begin(), Found(std::filesystem::read_symlink("/proc/self/exe")));
  std::vector<char*> arguments;
  for (std::string& text : texts) arguments.push_back(text.data());
  arguments.push_back(nullptr);
  int answer[2] = {};
  ASSERT_EQ(::pipe2(answer, O_CLOEXEC), 0);
  const FileDescriptor nobody_reads(answer[0]);
  const FileDescriptor out(answer[1]);

  // Nobody confines it here, and it waits for somebody to take its rows.
  const pid_t process = ::fork();
  if (process == 0) {
    const int in = ::open(file.c_str(), O_RDONLY);
    if (::dup2(in, STDIN_FILENO) < 0 || ::dup2(out.get(), STDOUT_FILENO) < 0) ::_exit(126);
    ::execv(arguments[0], arguments.data());
    ::_exit(127);
  }

  EXPECT_TRUE(LimitsSay(process, "Max core file size        0                    0 "));
  ::kill(process, SIGKILL);
  int status = 0;
  EXPECT_EQ(::waitpid(process, &status, 0), process);
  EXPECT_TRUE(WIFSIGNALED(status)) << "it did not wait";
}

}  // namespace
}  // namespace consilium
