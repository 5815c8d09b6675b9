// Homes as the first version left them, in tests/end_to_end/old_state/format-1: what later programs
// must go on with. Their keys are nobody's. They were made by the test below, asked by
// CONSILIUM_WRITE_OLD_STATE, which is never asked again for a format that was released.

#include <cstdlib>
#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <sys/stat.h>

#include "tests/end_to_end/small_study.h"

namespace consilium::testing {
namespace {

using Json = nlohmann::json;
using std::chrono::seconds;
using ::testing::HasSubstr;

constexpr const char* kParties[] = {"coordinator", "alpha"};

std::filesystem::path Stored(const std::string& party) {
  return std::filesystem::path(CONSILIUM_SOURCE_FOLDER) / "tests/end_to_end/old_state/format-1" /
         party;
}

/// A stored home, private again: a repository keeps no such modes.
std::string HomeOf(const TemporaryFolder& folder, const std::string& party) {
  const std::string home = folder / party;
  std::filesystem::copy(Stored(party), home);
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

TEST(OldStateTest, IsWrittenWhenAskedFor) {
  if (std::getenv("CONSILIUM_WRITE_OLD_STATE") == nullptr) {
    GTEST_SKIP() << "CONSILIUM_WRITE_OLD_STATE is not set";
  }
  Deployment federation(GeneratedSites(3));
  federation.StartAll();
  const std::string study = federation.RunningStudy(SmallPlan());
  ASSERT_TRUE(federation.Reaches(study, "finished", seconds(60)));
  const std::string offered = federation.ApprovedStudy(SmallPlan("wait", "30s", "Offered"));
  const std::string withdrawn = federation.folder() / "withdrawn.txt";
  WriteText(withdrawn, "PATIENT-0-1\n");
  Expect(federation.Site("alpha", {"exclude", withdrawn}));
  Expect(federation.Coordinator({"invite", "--site", "delta", "--out", federation.folder() / "d"}));
  for (const char* party : kParties) {
    ASSERT_EQ(federation.process(party).Stop(), 0);
    std::filesystem::create_directories(Stored(party));
    for (const char* file : {"identity.key", "transport.key", "settings.toml", "state.db"}) {
      std::filesystem::copy(federation.home(party) / file, Stored(party) / file);
    }
  }
  std::filesystem::copy(federation.home("alpha") / "policy.toml", Stored("alpha") / "policy.toml");
}

TEST(OldStateTest, ASiteOfTheFirstVersionGoesOn) {
  const TemporaryFolder folder;
  const std::string home = HomeOf(folder, "alpha");

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

TEST(OldStateTest, ACoordinatorOfTheFirstVersionGoesOn) {
  const TemporaryFolder folder;
  const std::string home = HomeOf(folder, "coordinator");

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

}  // namespace
}  // namespace consilium::testing
