// What a site's people can know before anything leaves: `check`, `review` and `preview` as
// processes. Nothing is recorded, and the site's own numbers go nowhere but where they are shown.

#include <cmath>
#include <cstdio>
#include <filesystem>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <sys/stat.h>

#include "tests/end_to_end/small_study.h"

namespace consilium::testing {
namespace {

using std::chrono::seconds;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class LookingAheadTest : public ::testing::Test {
 protected:
  LookingAheadTest() : federation_(GeneratedSites(3)) { federation_.StartAll(); }

  CommandOutcome CheckPlan() {
    const std::string plan = federation_.folder() / "next.toml";
    WriteText(plan, SmallPlan("wait", "30s", "Another study"));
    return federation_.Site("alpha", {"check", plan});
  }
  std::string LedgerOfAlpha() { return federation_.Site("alpha", {"ledger", "--json"}).out; }

  Deployment federation_;
};

TEST_F(LookingAheadTest, ACohortTooNearToAnAnsweredOneIsForeseen) {
  const std::string study = federation_.RunningStudy(SmallPlan());
  ASSERT_TRUE(federation_.Reaches(study, "finished", seconds(30))) << federation_.ReasonOf(study);
  EXPECT_EQ(CheckPlan().exit_code, 0) << CheckPlan().out;

  WriteText(federation_.folder() / "alpha-data" / "data.csv", GeneratedCsv(0, 62));
  const std::string before = LedgerOfAlpha();
  const CommandOutcome refused = CheckPlan();
  EXPECT_EQ(refused.exit_code, 1) << refused.out;
  EXPECT_THAT(refused.out, AllOf(HasSubstr("differs by 2 patients"),
                                 HasSubstr("minimum_difference"), HasSubstr("Nothing was sent")));
  const std::string second = federation_.Submit(SmallPlan("wait", "30s", "Another study"));
  ASSERT_TRUE(Eventually(seconds(20), [&] {
    return federation_.Site("alpha", {"studies", "--json"}).out.find(second) != std::string::npos;
  }));
  EXPECT_THAT(federation_.Site("alpha", {"review", second}).out, HasSubstr("differs by 2"));
  EXPECT_EQ(LedgerOfAlpha(), before) << "looking records nothing";

  // The same with nobody serving: the command opens the state itself.
  federation_.process("alpha").Stop();
  EXPECT_THAT(CheckPlan().out, HasSubstr("differs by 2 patients"));
  WriteText(federation_.folder() / "alpha-data" / "data.csv", GeneratedCsv(0, 60));
  EXPECT_EQ(CheckPlan().exit_code, 0);
}

TEST_F(LookingAheadTest, AnAnchorThatIsNoMemberIsForeseen) {
  WriteText(federation_.home("alpha") / "policy.toml",
            "preset = \"standard\"\nanchors = [\"charite\"]\n");
  // The service looks at its policy once a second, and learns of the members when it is welcomed.
  CommandOutcome refused;
  EXPECT_TRUE(Eventually(seconds(20), [&] {
    refused = CheckPlan();
    return refused.exit_code == 1;
  }));
  EXPECT_THAT(refused.out, AllOf(HasSubstr("anchors"), HasSubstr("charite")));

  // A preview shows the numbers all the same, and says why they would not leave.
  const std::string study = federation_.Submit(SmallPlan());
  ASSERT_TRUE(Eventually(seconds(20), [&] {
    return federation_.Site("alpha", {"studies", "--json"}).out.find(study) != std::string::npos;
  }));
  const std::filesystem::path file = federation_.folder() / "preview.json";
  const CommandOutcome written =
      federation_.Site("alpha", {"preview", study, "--json", "--out", file});
  ASSERT_EQ(written.exit_code, 0) << written.err;
  const auto preview = nlohmann::json::parse(ReadText(file));
  ASSERT_EQ(preview["refusals"].size(), 1U);
  EXPECT_THAT(preview["refusals"][0].get<std::string>(), HasSubstr("charite"));
}

TEST_F(LookingAheadTest, ThePreviewGoesToATerminalOrIntoAFileOfOnesOwn) {
  const std::string study = federation_.Submit(SmallPlan());
  ASSERT_TRUE(Eventually(seconds(20), [&] {
    return federation_.Site("alpha", {"studies", "--json"}).out.find(study) != std::string::npos;
  }));
  const CommandOutcome piped = federation_.Site("alpha", {"preview", study});
  EXPECT_NE(piped.exit_code, 0);
  EXPECT_EQ(piped.out, "");
  EXPECT_THAT(piped.err, AllOf(HasSubstr("on a terminal only"), HasSubstr("--out FILE")));
  const CommandOutcome as_json = federation_.Site("alpha", {"preview", study, "--json"});
  EXPECT_NE(as_json.exit_code, 0);
  EXPECT_THAT(as_json.out, Not(HasSubstr("values")));

  const std::filesystem::path file = federation_.folder() / "preview.json";
  const CommandOutcome written =
      federation_.Site("alpha", {"preview", study, "--json", "--out", file});
  ASSERT_EQ(written.exit_code, 0) << written.err;
  struct stat status {};
  ASSERT_EQ(stat(file.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
  const auto preview = nlohmann::json::parse(ReadText(file));
  EXPECT_EQ(preview["patients"], 60);
  EXPECT_EQ(preview["round"], 1);
  ASSERT_FALSE(preview["slices"].empty());
  const CommandOutcome page = federation_.Site("alpha", {"preview", study, "--out", file});
  EXPECT_THAT(page.out, AllOf(HasSubstr("Warning: "), HasSubstr("0600")));
  // Of each slice, by name; and in no log of anybody.
  const std::string text = ReadText(file);
  for (const auto& slice : preview["slices"]) {
    EXPECT_THAT(text, HasSubstr(slice["name"].get<std::string>() + " ["));
    for (const auto& value : slice["values"]) {
      if (value.get<double>() == std::floor(value.get<double>())) continue;
      char number[40];
      std::snprintf(number, sizeof number, "%.17g", value.get<double>());
      EXPECT_THAT(text, HasSubstr(number));
      for (const char* party : {"coordinator", "alpha", "beta", "gamma"}) {
        EXPECT_THAT(federation_.WordsOf(party), Not(HasSubstr(number))) << party;
      }
    }
  }
}

TEST_F(LookingAheadTest, OnATerminalThePreviewIsShown) {
  const std::string study = federation_.Submit(SmallPlan());
  ASSERT_TRUE(Eventually(seconds(20), [&] {
    return federation_.Site("alpha", {"studies", "--json"}).out.find(study) != std::string::npos;
  }));
  // util-linux's script runs a command on a terminal of its own.
  if (!std::filesystem::exists("/usr/bin/script")) GTEST_SKIP() << "needs script(1)";
  const CommandOutcome shown =
      RunProgram({"/usr/bin/script", "-qec",
                  std::string(CONSILIUM_BIN_FOLDER) + "/consilium-site preview " +
                      federation_.home("alpha").string() + " " + study,
                  "/dev/null"});
  EXPECT_EQ(shown.exit_code, 0) << shown.out;
  EXPECT_THAT(shown.out, AllOf(HasSubstr("Round 1"), HasSubstr("Nothing was sent")));
}

}  // namespace
}  // namespace consilium::testing
