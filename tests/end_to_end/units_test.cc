// The units that scripts/service has for hospital IT.

#include <regex>
#include <set>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/end_to_end/shell.h"

namespace consilium::testing {
namespace {

using ::testing::Contains;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;

/// The exposure that systemd-analyze finds, from 0 to 10; 10 when it finds none.
double ExposureOf(const std::string& unit_text) {
  const TemporaryFolder folder;
  // A template is judged as the instance that it becomes.
  const std::string file = folder / "consilium.service";
  WriteText(file, std::regex_replace(unit_text, std::regex("%i"), "basel"));
  const CommandOutcome outcome =
      Shell("systemd-analyze security --no-pager --offline=true " + file);
  std::smatch found;
  const std::regex level(R"(Overall exposure level for \S+: ([0-9.]+))");
  EXPECT_TRUE(std::regex_search(outcome.out, found, level)) << outcome.out << outcome.err;
  return found.empty() ? 10 : std::stod(found[1].str());
}

TEST(UnitsTest, LeaveLittleExposed) {
  if (!IsInstalled("systemd-analyze")) GTEST_SKIP() << "systemd is not installed";
  for (const char* service : kServices) {
    const std::string unit =
        ReadText(SourceOf("scripts/service/consilium-" + std::string(service) + "@.service"));
    EXPECT_LE(ExposureOf(unit), service == std::string("site") ? 1.3 : 1.2) << service;
    EXPECT_GT(ExposureOf("[Service]\nExecStart=/bin/true\n"), 9) << "the measure measures";
  }
  EXPECT_LE(ExposureOf(ReadText(SourceOf("scripts/service/consilium-site@.service")) +
                       ReadText(SourceOf("scripts/service/trainers.conf"))),
            1.5);
}

TEST(UnitsTest, MakeSenseToSystemd) {
  if (!IsInstalled("systemd-analyze")) GTEST_SKIP() << "systemd is not installed";
  const TemporaryFolder folder;
  for (const std::string service : kServices) {
    const std::string name = "consilium-" + service;
    const std::string unit = ReadText(SourceOf("scripts/service/" + name + "@.service"));
    WriteText(folder / (name + "@.service"),
              std::regex_replace(unit, std::regex("=/usr/bin/"),
                                 "=" + std::string(CONSILIUM_BIN_FOLDER) + "/"));
    const CommandOutcome outcome =
        Shell("systemd-analyze verify --man=no " + (folder / (name + "@basel.service")).string());
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    EXPECT_EQ(outcome.err.find(name), std::string::npos) << outcome.err;
  }
}

/// The codes in docs/exit-codes.md that no restart mends are those that the units do not restart
/// after, and the commands in the units are the programs'.
TEST(UnitsTest, RunTheProgramsAndRestartThemWhereThatHelps) {
  for (const auto& [service, command] :
       {std::pair("site", "run"), std::pair("coordinator", "serve")}) {
    const std::string name = "consilium-" + std::string(service);
    const std::string unit = ReadText(SourceOf("scripts/service/" + name + "@.service"));
    EXPECT_THAT(unit, HasSubstr("ExecStart=/usr/bin/" + name + " " + command + " /var/lib/" + name +
                                "/%i"));
    EXPECT_EQ(RunProgram({name, command, "/nonexistent/folder"}).exit_code, 11);
    EXPECT_THAT(unit, ContainsRegex("RestartPreventExitStatus=.* 11 "));
  }
}

/// The system calls of a group, as systemd has them.
std::set<std::string> CallsOf(const std::string& group) {
  std::set<std::string> calls;
  std::istringstream lines(Expect(Shell("systemd-analyze syscall-filter " + group)).out);
  for (std::string word; lines >> word;) {
    if (word == "#") {
      std::getline(lines, word);
    } else if (word.front() != '@') {
      calls.insert(word);
    } else if (word != group) {
      calls.merge(CallsOf(word));
    }
  }
  return calls;
}

/// The system calls that a unit's service may make.
std::set<std::string> CallsAllowedBy(const std::string& unit_text) {
  std::set<std::string> allowed;
  const std::string key = "SystemCallFilter=";
  std::istringstream lines(unit_text);
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with(key)) continue;
    const bool taken_away = line.substr(key.size()).starts_with('~');
    std::istringstream words(line.substr(key.size() + (taken_away ? 1 : 0)));
    for (std::string word; words >> word;) {
      std::set<std::string> calls = {word};
      if (word.front() == '@') calls = CallsOf(word);
      for (const std::string& call : calls) {
        if (taken_away) {
          allowed.erase(call);
        } else {
          allowed.insert(call);
        }
      }
    }
  }
  return allowed;
}

/// By which common/child_process.cc and common/confinement.cc hold a program that is not ours:
/// where one of these is forbidden, the program is not started. A coordinator starts none.
TEST(UnitsTest, LetTheSiteConfineWhatItStarts) {
  if (!IsInstalled("systemd-analyze")) GTEST_SKIP() << "systemd is not installed";
  const std::set<std::string> site =
      CallsAllowedBy(ReadText(SourceOf("scripts/service/consilium-site@.service")));
  const std::set<std::string> coordinator =
      CallsAllowedBy(ReadText(SourceOf("scripts/service/consilium-coordinator@.service")));
  for (const char* call : {"capset", "close_range", "execve", "fork", "kill", "landlock_add_rule",
                           "landlock_create_ruleset", "landlock_restrict_self", "pidfd_open",
                           "pipe2", "prctl", "prlimit64", "setsid", "timerfd_create", "wait4"}) {
    EXPECT_THAT(site, Contains(call));
  }
  for (const char* call : {"capset", "chown", "mount", "ptrace", "setuid", "setrlimit"}) {
    EXPECT_THAT(coordinator, Not(Contains(call)));
  }
  for (const char* call : {"chown", "mount", "ptrace", "setuid", "setrlimit"}) {
    EXPECT_THAT(site, Not(Contains(call)));
  }
}

}  // namespace
}  // namespace consilium::testing
