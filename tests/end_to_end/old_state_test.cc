// Homes as the first version left them, in tests/end_to_end/old_state/format-1: what later programs
// must go on with. Their keys are nobody's. They were made by tests/end_to_end/old_state_writer.cc,
// which is not run again for a format that was released; for the next it must still be able to.

#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <sys/stat.h>

#include "tests/end_to_end/process.h"
#include "tests/support/temporary_folder.h"

namespace consilium::testing {
namespace {

using Json = nlohmann::json;
using ::testing::HasSubstr;

const std::filesystem::path kFirstVersion =
    std::filesystem::path(CONSILIUM_SOURCE_FOLDER) / "tests/end_to_end/old_state/format-1";

/// A copy of a stored home, private again: a repository keeps no such modes.
std::string HomeOf(const std::filesystem::path& stored, const TemporaryFolder& folder) {
  const std::string home = folder / "home";
  std::filesystem::copy(stored, home);
  for (const auto& entry : std::filesystem::directory_iterator(home)) {
    EXPECT_EQ(::chmod(entry.path().c_str(), 0600), 0);
  }
  EXPECT_EQ(::chmod(home.c_str(), 0700), 0);
  return home;
}

Json Ask(const std::vector<std::string>& arguments) {
  const CommandOutcome outcome = RunProgram(arguments);
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err << outcome.out;
  return Json::parse(outcome.out, nullptr, /*allow_exceptions=*/false);
}

void ExpectTheSiteGoesOn(const std::filesystem::path& stored) {
  const TemporaryFolder folder;
  const std::string home = HomeOf(stored, folder);
  const Json status = Ask({"consilium-site", "status", home, "--json"});
  ASSERT_EQ(status["studies"].size(), 2U) << status;
  int finished = 0;
  for (const Json& study : status["studies"]) {
    EXPECT_EQ(study["decision"], "approved");
    finished += study["state"] == "finished" ? 1 : 0;
  }
  EXPECT_EQ(finished, 1);
  EXPECT_EQ(status["members"].size(), 3U);
  EXPECT_EQ(status["rolled_back"], nullptr);
  const Json ledger = Ask({"consilium-site", "ledger", home, "--verify", "--json"});
  EXPECT_GE(ledger["verified"].get<int>(), 4) << ledger;
  EXPECT_EQ(ledger["verified"], status["ledger_records"]);
}

void ExpectTheCoordinatorGoesOn(const std::filesystem::path& stored) {
  const TemporaryFolder folder;
  const std::string home = HomeOf(stored, folder);
  const Json roster = Ask({"consilium-coordinator", "roster", home, "--json"});
  EXPECT_EQ(roster["sites"].size(), 3U);
  EXPECT_EQ(roster["invitations"].size(), 1U);
  const Json status = Ask({"consilium-coordinator", "status", home, "--json"});
  ASSERT_EQ(status["studies"].size(), 2U) << status;
  for (const Json& study : status["studies"]) {
    if (study["state"] != "finished") continue;
    const CommandOutcome result =
        RunProgram({"consilium-coordinator", "result", home, study["study"]});
    EXPECT_THAT(result.out, HasSubstr("std. error")) << result.err;
  }
  EXPECT_EQ(RunProgram({"consilium-coordinator", "audit", home, "--verify"}).exit_code, 0);
}

TEST(OldStateTest, ASiteOfTheFirstVersionGoesOn) { ExpectTheSiteGoesOn(kFirstVersion / "alpha"); }

TEST(OldStateTest, ACoordinatorOfTheFirstVersionGoesOn) {
  ExpectTheCoordinatorGoesOn(kFirstVersion / "coordinator");
}

TEST(OldStateTest, HomesOfThisVersionAreWrittenTheSameWay) {
  const TemporaryFolder folder;
  const std::string written = folder / "written";
  const CommandOutcome outcome = RunProgram({"write_old_state", written});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  ExpectTheSiteGoesOn(std::filesystem::path(written) / "alpha");
  ExpectTheCoordinatorGoesOn(std::filesystem::path(written) / "coordinator");
  EXPECT_EQ(RunProgram({"write_old_state", written}).exit_code, 2) << "overwrites";
}

}  // namespace
}  // namespace consilium::testing
